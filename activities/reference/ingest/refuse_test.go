package ingest_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/ingest"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func TestRefusedInputs(t *testing.T) {
	t.Parallel()
	dir := plant(t, "corpus", corpus)
	empty := plant(t, "empty", nil)
	onlyHidden := plant(t, "only", map[string]string{".x": "", "y/.z": ""})
	for name, tc := range map[string]struct {
		uri  string
		code gates.Code
		says string
	}{
		"missing":         {"file://" + dir + "/nothing", gates.InputNotFound, dir + "/nothing does not exist"},
		"missing above":   {"file:///no/such/place", gates.InputNotFound, "/no/such/place"},
		"below a file":    {"file://" + dir + "/rivers.csv/x", gates.InputUnreadable, "rivers.csv/x"},
		"empty":           {"file://" + empty, gates.InputEmpty, "0 entries were excluded"},
		"all hidden":      {"file://" + onlyHidden, gates.InputEmpty, "2 entries were excluded"},
		"device":          {"file:///dev/null", gates.InputUnreadable, "device"},
		"other scheme":    {"https://example.org/a.csv", gates.RequestInvalid, "only file:///"},
		"no scheme":       {"/etc/hosts", gates.RequestInvalid, "only file:///"},
		"opaque":          {"file:etc/hosts", gates.RequestInvalid, "only file:///"},
		"other host":      {"file://server/share", gates.RequestInvalid, "another host"},
		"query":           {"file:///a?b", gates.RequestInvalid, "query"},
		"file system":     {"file:///", gates.RequestInvalid, "has no name"},
		"malformed":       {"file:///%zz", gates.RequestInvalid, "%zz"},
		"no path":         {"file://localhost", gates.RequestInvalid, "no absolute path"},
		"nul in the path": {"file:///a%00b", gates.RequestInvalid, "no absolute path"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := setup(t).run(``, records.Input{URI: tc.uri})
			require.True(t, requireFailure(t, err, tc.code, tc.says).Final)
		})
	}
	_, err := setup(t).run(``)
	requireFailure(t, err, gates.InputEmpty, "names no input")
	_, err = setup(t).run(``, records.Input{URI: "file://" + dir, Snapshot: &records.Ref{}})
	requireFailure(t, err, gates.RequestInvalid, "both a uri and a snapshot")
	_, err = setup(t).run(`{"max_entries":3}`, at(dir))
	requireFailure(t, err, gates.InputTooLarge, "more than 3")
}

func TestLinksThatLeaveTheInputAreRefused(t *testing.T) {
	t.Parallel()
	for name, plantLink := range map[string]func(t *testing.T, dir string){
		"absolute to outside": func(t *testing.T, dir string) { link(t, "/etc/hosts", dir, "evil") },
		"absolute to inside":  func(t *testing.T, dir string) { link(t, filepath.Join(dir, "rivers.csv"), dir, "evil") },
		"upwards":             func(t *testing.T, dir string) { link(t, "../secret.txt", dir, "evil") },
		"upwards, dangling":   func(t *testing.T, dir string) { link(t, "../nothing", dir, "evil") },
		"directory upwards":   func(t *testing.T, dir string) { link(t, "../secrets", dir, "evil") },
		"out and in again":    func(t *testing.T, dir string) { link(t, "../corpus/rivers.csv", dir, "evil") },
		"through another link": func(t *testing.T, dir string) {
			link(t, "..", dir, ".up")
			link(t, ".up/secret.txt", dir, "evil")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := plant(t, "corpus", corpus)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "../secret.txt"), []byte("secret"), 0o644))
			require.NoError(t, os.Mkdir(filepath.Join(dir, "../secrets"), 0o755))
			plantLink(t, dir)
			s := setup(t)
			_, err := s.run(``, at(dir))
			failure := requireFailure(t, err, gates.InputOutsideRoot, "corpus/evil")
			require.JSONEq(t, `{"path":"corpus/evil"}`, string(failure.Details))
			reason, _ := gates.Lookup(failure.Code)
			require.Equal(t, gates.ClassInput, reason.Class)
		})
	}
}

func TestLinksInsideTheInputAreFollowed(t *testing.T) {
	t.Parallel()
	dir := plant(t, "corpus", map[string]string{"a/file.txt": "content", "b/other.txt": "other"})
	link(t, "a/file.txt", dir, "alias.md")
	link(t, "../b", dir, "a", "to-b")
	link(t, "../a", dir, "b", "to-a")
	link(t, "..", dir, "a", "up")
	s := setup(t)
	result, err := s.run(``, at(dir))
	require.NoError(t, err)
	snapshot := s.snapshot(result)
	require.Equal(t, []string{
		"corpus/a/file.txt", "corpus/a/to-b/other.txt", "corpus/alias.md",
		"corpus/b/other.txt", "corpus/b/to-a/file.txt",
	}, paths(snapshot))
	require.Equal(t, records.DigestOf([]byte("content")), snapshot.Files[2].Digest)
	require.Equal(t, "text/markdown", snapshot.Files[2].MediaType)
	cycle := "link to a directory that contains it"
	require.Equal(t, []records.SnapshotExclusion{
		{Path: "corpus/a/to-b/to-a", Reason: cycle},
		{Path: "corpus/a/up", Reason: cycle},
		{Path: "corpus/b/to-a/to-b", Reason: cycle},
		{Path: "corpus/b/to-a/up", Reason: cycle},
	}, snapshot.Exclusions)
}

func TestLinksToNothingAreRefused(t *testing.T) {
	t.Parallel()
	dir := plant(t, "corpus", corpus)
	link(t, "nothing", dir, "dangling")
	_, err := setup(t).run(``, at(dir))
	requireFailure(t, err, gates.InputUnreadable, "corpus/dangling")

	dir = plant(t, "corpus", corpus)
	link(t, "loop", dir, "loop")
	_, err = setup(t).run(``, at(dir))
	requireFailure(t, err, gates.InputUnreadable, "corpus/loop")
}

func TestDirectoriesThatMultiplyByLinksAreBounded(t *testing.T) {
	t.Parallel()
	const levels, links = 6, 6 // 6^6 paths to one file
	dir := plant(t, "corpus", map[string]string{"d" + strconv.Itoa(levels) + "/x": ""})
	for i := range levels {
		level := filepath.Join(dir, "d"+strconv.Itoa(i))
		require.NoError(t, os.Mkdir(level, 0o755))
		for j := range links {
			link(t, "../d"+strconv.Itoa(i+1), level, strconv.Itoa(j))
		}
	}
	_, err := setup(t).run(`{"max_entries":2000}`, at(dir))
	requireFailure(t, err, gates.InputTooLarge, "max_entries")
}

func TestSpecialFilesAreExcluded(t *testing.T) {
	t.Parallel()
	dir := plant(t, "corpus", map[string]string{"a": ""})
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	require.NoError(t, syscall.Mknod(filepath.Join(dir, "socket"), syscall.S_IFSOCK|0o644, 0))
	s := setup(t)
	result, err := s.run(``, at(dir))
	require.NoError(t, err)
	require.Equal(t, []records.SnapshotExclusion{
		{Path: "corpus/pipe", Reason: "not a regular file: named pipe"},
		{Path: "corpus/socket", Reason: "not a regular file: socket"},
	}, s.snapshot(result).Exclusions)
}

func TestNameThatIsNotUTF8IsRefused(t *testing.T) {
	t.Parallel()
	dir := plant(t, "corpus", map[string]string{"bad\xffname.csv": "a\n"})
	_, err := setup(t).run(``, at(dir))
	requireFailure(t, err, gates.InputUnreadable, `"bad\xffname.csv"`)
}

// A file may be readable when it is opened and fail when it is read. The memory
// of a process does: nothing is mapped at its first page.
func TestFileThatFailsOnReadIsNamed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	_, err := setup(t).run(``, at("/proc/self/mem"))
	requireFailure(t, err, gates.InputUnreadable, "file:///proc/self/mem")
}

// Root may read everything, so the test gives up that right on one thread.
func TestFileWithoutPermissionIsNamed(t *testing.T) {
	t.Parallel()
	for name, forbid := range map[string]string{
		"file": "secret/file.csv", "directory": "secret",
	} {
		t.Run(name, func(t *testing.T) {
			dir := plant(t, "corpus", map[string]string{"secret/file.csv": "a\n"})
			openToAll(t, dir)
			require.NoError(t, os.Chmod(filepath.Join(dir, forbid), 0))
			t.Cleanup(func() { require.NoError(t, os.Chmod(filepath.Join(dir, forbid), 0o755)) })
			s := setup(t)
			err := asNobody(t, func() error {
				_, err := s.run(``, at(dir))
				return err
			})
			failure := requireFailure(t, err, gates.InputUnreadable, "corpus/"+forbid)
			require.ErrorIs(t, failure, os.ErrPermission)
		})
	}
}

// openToAll lets everybody enter dir and the directories of the test above it.
func openToAll(t *testing.T, dir string) {
	t.Helper()
	for range 3 {
		require.NoError(t, os.Chmod(dir, 0o755))
		dir = filepath.Dir(dir)
	}
}

// asNobody runs f on a thread whose file access is that of an ordinary user.
func asNobody(t *testing.T, f func() error) error {
	t.Helper()
	if os.Geteuid() != 0 {
		return f()
	}
	const nobody = 65534
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := syscall.Setfsuid(nobody); err != nil {
			result <- err
			return
		}
		result <- f()
	}()
	return <-result
}

func TestAllowedRoots(t *testing.T) {
	t.Parallel()
	allowed := plant(t, "allowed", map[string]string{"in/a.csv": "a\n", "single.csv": "b\n"})
	outside := plant(t, "outside", map[string]string{"b.csv": "b\n"})
	link(t, outside, allowed, "escape")
	link(t, filepath.Join(outside, "b.csv"), allowed, "escape.csv")
	link(t, "in", allowed, "within")

	s := setup(t)
	s.settings.AllowedRoots = []string{"/nowhere", allowed}
	for _, ok := range []string{allowed + "/in", allowed + "/single.csv", allowed + "/within", allowed + "/in/a.csv"} {
		_, err := s.run(``, at(ok))
		require.NoError(t, err, ok)
	}
	for _, refused := range []string{outside, outside + "/b.csv", "/etc/hosts", filepath.Dir(allowed), allowed + "/../outside", allowed + "x", allowed + "/escape", allowed + "/escape.csv", allowed + "/escape/b.csv"} {
		_, err := s.run(``, at(refused))
		requireFailure(t, err, gates.InputOutsideRoot, "input ")
	}
	s.settings = ingest.Settings{AllowedRoots: []string{}}
	_, err := s.run(``, at(allowed))
	requireFailure(t, err, gates.InputOutsideRoot, allowed)
}

func TestInputMayItselfBeALink(t *testing.T) {
	t.Parallel()
	real := plant(t, "v3", map[string]string{"a.csv": "a\n"})
	named := filepath.Join(t.TempDir(), "current")
	link(t, real, named)
	s := setup(t)
	result, err := s.run(``, at(named))
	require.NoError(t, err)
	require.Equal(t, []string{"current/a.csv"}, paths(s.snapshot(result)))
}

// Files are stored several at a time; the failure is that of the first by path
// all the same.
func TestFirstBadFileIsNamed(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 100 {
		files["f"+strconv.Itoa(100+i)] = strconv.Itoa(i)
	}
	dir := plant(t, "corpus", files)
	s := setup(t)
	for range 10 {
		store := &brokenStore{s.store, map[string]bool{"31": true, "33": true, "90": true}}
		_, err := ingest.New(store, s.clock, s.settings).Run(t.Context(), runner.Request{Sources: []records.Input{at(dir)}}, noProgress)
		require.ErrorContains(t, err, "store corpus/f131: ")
	}
}

// brokenStore fails to store some contents.
type brokenStore struct {
	runner.ArtifactStore
	broken map[string]bool
}

func (s *brokenStore) Put(ctx context.Context, mediaType string, r io.Reader) (records.Ref, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return records.Ref{}, err
	}
	if s.broken[string(content)] {
		return records.Ref{}, runner.Fail(gates.StoreUnavailable, nil, "broken")
	}
	return records.Ref{Digest: records.DigestOf(content), MediaType: mediaType, Size: int64(len(content))}, nil
}
