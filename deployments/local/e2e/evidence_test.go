//go:build linux

package e2e_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/evidence"
)

// exported is the evidence of a build, in memory, and the key that it needs.
type exported struct {
	stack     *stack
	directory string
	files     fstest.MapFS
	names     []string
	key       string
	verifier  note.Verifier
}

func exportDemo(t *testing.T, state records.BuildState, flags ...change) exported {
	t.Helper()
	s := newStack(t)
	id := s.begin(t, demoRequest(t, s, demoCorpus, flags...), "exported")
	s.end(t, id, state)
	directory := filepath.Join(t.TempDir(), "evidence")
	eventually(t, "the log has the build", func() bool {
		return s.cli(t, "audit", "export", id, "--out", directory).code == 0
	})
	return readExported(t, s, directory)
}

// readExported reads a bundle that was exported.
func readExported(t *testing.T, s *stack, directory string) exported {
	t.Helper()
	x := exported{stack: s, directory: directory, key: filepath.Join(s.dir, "ledger.key.pub"), files: fstest.MapFS{}}
	text, err := os.ReadFile(x.key)
	require.NoError(t, err)
	x.verifier, err = note.NewVerifier(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	bundle := os.DirFS(x.directory)
	require.NoError(t, fs.WalkDir(bundle, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(bundle, path)
		x.files[path] = &fstest.MapFile{Data: content}
		x.names = append(x.names, path)
		return err
	}))
	return x
}

func (x exported) verify() error {
	_, err := evidence.Verify(x.files, note.VerifierList(x.verifier), x.verifier.Name())
	return err
}

// refused requires that the bundle, as a test changed it, is refused.
func (x exported) refused(t *testing.T, what string, args ...any) {
	t.Helper()
	var refusal *evidence.Refusal
	require.True(t, errors.As(x.verify(), &refusal), append([]any{what}, args...)...)
}

// TestEvidenceStandsAlone exports a build, stops everything, and checks the bundle
// with the public key alone. Then it changes 1,000 single bytes, each of which must
// be found, and takes away, adds and reorders what is in it.
func TestEvidenceStandsAlone(t *testing.T) {
	t.Parallel()
	x := exportDemo(t, records.BuildPassed)
	x.stack.process.kill()
	r := x.stack.cli(t, "audit", "verify", "--bundle", x.directory, "--key", x.key)
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "ended PASSED")
	require.Contains(t, r.out, "runtime_pack_manifest")
	require.NoError(t, x.verify())

	random := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		name := x.names[random.IntN(len(x.names))]
		content := x.files[name].Data
		at := random.IntN(len(content))
		was := content[at]
		content[at] ^= byte(1 + random.IntN(255))
		x.refused(t, "byte %d of %s from %q to %q", at, name, was, content[at])
		content[at] = was
	}
	for _, name := range x.names {
		file := x.files[name]
		delete(x.files, name)
		x.refused(t, "without %s", name)
		x.files[name] = &fstest.MapFile{Data: append(slices.Clone(file.Data), '\n')}
		x.refused(t, "more in %s", name)
		x.files[name] = file
	}
	x.files["artifacts/more"] = &fstest.MapFile{Data: []byte("proves nothing")}
	x.refused(t, "another file")
	delete(x.files, "artifacts/more")

	entries := x.files["entries.jsonl"].Data
	lines := strings.SplitAfter(strings.TrimSuffix(string(entries), "\n"), "\n")
	for i := range lines {
		left := slices.Delete(slices.Clone(lines), i, i+1)
		x.files["entries.jsonl"].Data = []byte(strings.Join(left, ""))
		x.refused(t, "without entry %d", i)
	}
	slices.Reverse(lines)
	x.files["entries.jsonl"].Data = []byte(strings.Join(lines, ""))
	x.refused(t, "entries in another order")
	x.files["entries.jsonl"].Data = entries
	require.NoError(t, x.verify(), "and nothing of this left a trace")

	other := newStack(t)
	r = x.stack.cli(t, "audit", "verify", "--bundle", x.directory, "--key", filepath.Join(other.dir, "ledger.key.pub"))
	require.Equal(t, 1, r.code, "another log's key")
	require.Contains(t, r.err, "BUNDLE_INVALID")
}
