package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/reference/ingest"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// instant is a clock that stands still.
type instant time.Time

func (i instant) Now() time.Time { return time.Time(i) }

var noon = instant(time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))

func noProgress(int64, int64) {}

// stage is an ingest stage with a store of its own.
type stage struct {
	t        *testing.T
	store    *artifacts.Store
	storeDir string
	settings ingest.Settings
	clock    ingest.Clock
}

func setup(t *testing.T) *stage {
	t.Helper()
	dir := t.TempDir()
	store, err := artifacts.Open(t.Context(), "file://"+dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return &stage{t: t, store: store, storeDir: dir, clock: noon}
}

func (s *stage) run(config string, sources ...records.Input) (runner.Result, error) {
	return ingest.New(s.store, s.clock, s.settings).Run(s.t.Context(), runner.Request{
		Stage: records.Ingest, Sources: sources, Config: json.RawMessage(config),
	}, noProgress)
}

func (s *stage) snapshot(result runner.Result) records.Snapshot {
	s.t.Helper()
	require.Len(s.t, result.Outputs, 1)
	require.Equal(s.t, records.OutSnapshot, result.Outputs[0].Name)
	require.Equal(s.t, records.MediaJSON, result.Outputs[0].Ref.MediaType)
	var snapshot records.Snapshot
	s.decode(result.Outputs[0].Ref, &snapshot)
	return snapshot
}

func (s *stage) decode(ref records.Ref, into any) {
	s.t.Helper()
	data, err := s.store.ReadAll(s.t.Context(), ref, 64<<20)
	require.NoError(s.t, err)
	require.NoError(s.t, json.Unmarshal(data, into))
}

func at(path string) records.Input {
	return records.Input{URI: (&url.URL{Scheme: "file", Path: path}).String()}
}

// plant writes files below a new directory of the given base name.
func plant(t *testing.T, base string, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), base)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(files[name]), 0o644))
	}
	return dir
}

func link(t *testing.T, target string, path ...string) {
	t.Helper()
	require.NoError(t, os.Symlink(target, filepath.Join(path...)))
}

func requireFailure(t *testing.T, err error, code gates.Code, says string) *runner.Failure {
	t.Helper()
	var failure *runner.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, code, failure.Code, err.Error())
	require.ErrorContains(t, err, says)
	return failure
}

func paths(snapshot records.Snapshot) []string {
	var paths []string
	for _, file := range snapshot.Files {
		paths = append(paths, file.Path)
	}
	return paths
}

var corpus = map[string]string{
	"rivers.csv":          "name,length\nRhine,1230\n",
	"notes/Über uns.MD":   "# Notes\n",
	"notes/a/deep.ndjson": "{}\n",
	"notes/a.json":        "{}",
	"noextension":         "?",
	".git/HEAD":           "ref: refs/heads/main\n",
	"notes/.hidden":       "x",
	"build/out.tmp":       "x",
}

func TestSnapshotHoldsEveryFileAndEveryExclusion(t *testing.T) {
	t.Parallel()
	s := setup(t)
	dir := plant(t, "corpus", corpus)
	result, err := s.run(`{"exclude":["*.tmp"]}`, at(dir))
	require.NoError(t, err)

	digest := func(name string) records.Digest { return records.DigestOf([]byte(corpus[name])) }
	require.Equal(t, records.Snapshot{
		Kind: records.SnapshotKind, SchemaVersion: records.SnapshotVersion,
		Files: []records.SnapshotFile{
			{Path: "corpus/noextension", Digest: digest("noextension"), Size: 1, MediaType: "application/octet-stream"},
			{Path: "corpus/notes/a.json", Digest: digest("notes/a.json"), Size: 2, MediaType: "application/json"},
			{Path: "corpus/notes/a/deep.ndjson", Digest: digest("notes/a/deep.ndjson"), Size: 3, MediaType: "application/jsonl"},
			{Path: "corpus/notes/Über uns.MD", Digest: digest("notes/Über uns.MD"), Size: 8, MediaType: "text/markdown"},
			{Path: "corpus/rivers.csv", Digest: digest("rivers.csv"), Size: 23, MediaType: "text/csv"},
		},
		Exclusions: []records.SnapshotExclusion{
			{Path: "corpus/.git", Reason: "hidden: the name begins with a dot"},
			{Path: "corpus/build/out.tmp", Reason: `matches the exclude pattern "*.tmp"`},
			{Path: "corpus/notes/.hidden", Reason: "hidden: the name begins with a dot"},
		},
	}, s.snapshot(result))
	require.Equal(t, map[string]int64{"files": 5, "bytes": 37, "excluded": 3}, result.Metrics)

	var provenance records.Provenance
	require.Equal(t, ingest.AttachProvenance, result.Attachments[0].Name)
	s.decode(result.Attachments[0].Ref, &provenance)
	require.Equal(t, result.Outputs[0].Ref.Digest, provenance.Snapshot)
	require.Equal(t, "orgo-ingest", provenance.Collector)
	require.Equal(t, ingest.Version, provenance.CollectorVersion)
	require.Equal(t, noon.Now(), provenance.CollectedAt)
	require.Equal(t, records.ProvenanceItem{
		Path: "corpus/notes/Über uns.MD", Digest: digest("notes/Über uns.MD"),
		Source: (&url.URL{Scheme: "file", Path: filepath.Join(dir, "notes/Über uns.MD")}).String(),
	}, provenance.Sources[3])
}

func TestIdentityIsNamesAndContentOnly(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var first records.Ref
	for round := range 5 {
		dir := plant(t, "corpus", corpus) // elsewhere, in another order
		require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			return errorsFirst(err, os.Chtimes(path, time.Time{}, time.Unix(int64(round)*1000, 0)))
		}))
		s.clock = instant(noon.Now().Add(time.Duration(round) * time.Hour))
		result, err := s.run(`{}`, at(dir))
		require.NoError(t, err)
		if round == 0 {
			first = result.Outputs[0].Ref
		}
		require.Equal(t, first, result.Outputs[0].Ref)
	}

	changed := plant(t, "corpus", corpus)
	require.NoError(t, os.WriteFile(filepath.Join(changed, "noextension"), []byte("!"), 0o644))
	result, err := s.run(`{}`, at(changed))
	require.NoError(t, err)
	require.NotEqual(t, first.Digest, result.Outputs[0].Ref.Digest)
}

func errorsFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestSeveralInputs(t *testing.T) {
	t.Parallel()
	s := setup(t)
	one := plant(t, "one", map[string]string{"a.csv": "a\n"})
	two := plant(t, "two", map[string]string{"b.csv": "b\n"})
	result, err := s.run(``, at(two), at(filepath.Join(one, "a.csv")))
	require.NoError(t, err)
	require.Equal(t, []string{"a.csv", "two/b.csv"}, paths(s.snapshot(result)))

	swapped, err := s.run(``, at(filepath.Join(one, "a.csv")), at(two))
	require.NoError(t, err)
	require.Equal(t, result.Outputs, swapped.Outputs)

	_, err = s.run(``, at(one), at(plant(t, "one", map[string]string{"c.csv": ""})))
	requireFailure(t, err, gates.RequestInvalid, `inputs 1 and 2 are both named "one"`)
}

func TestProgressIsInBytesAndReachesTheTotal(t *testing.T) {
	t.Parallel()
	s := setup(t)
	dir := plant(t, "corpus", map[string]string{"a.txt": "12345", "b.txt": string(bytes.Repeat([]byte("x"), 1<<20))})
	var last, total int64
	_, err := ingest.New(s.store, s.clock, s.settings).Run(t.Context(), runner.Request{Sources: []records.Input{at(dir)}},
		func(done, all int64) {
			require.GreaterOrEqual(t, done, last)
			last, total = done, all
		})
	require.NoError(t, err)
	require.EqualValues(t, 5+1<<20, last)
	require.Equal(t, last, total)
}

func TestCancelledIngestStops(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := ingest.New(s.store, s.clock, s.settings).Run(ctx, runner.Request{
		Sources: []records.Input{at(plant(t, "corpus", corpus))},
	}, noProgress)
	require.ErrorIs(t, err, context.Canceled)
}

// meddlingStore changes a file while it is being stored.
type meddlingStore struct {
	runner.ArtifactStore
	meddle func()
}

func (s *meddlingStore) Put(ctx context.Context, mediaType string, r io.Reader) (records.Ref, error) {
	var head [1]byte
	n, err := io.ReadFull(r, head[:])
	if err != nil {
		return records.Ref{}, err
	}
	s.meddle()
	return s.ArtifactStore.Put(ctx, mediaType, io.MultiReader(bytes.NewReader(head[:n]), r))
}

func TestFileThatChangesWhileReadIsRefused(t *testing.T) {
	t.Parallel()
	for name, meddle := range map[string]func(path string) error{
		"grows": func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString("more")
			return errorsFirst(err, f.Close())
		},
		"shrinks": func(path string) error { return os.Truncate(path, 2) },
		"is written anew": func(path string) error {
			return errorsFirst(os.WriteFile(path, []byte("CONTENT"), 0), os.Chtimes(path, time.Time{}, time.Unix(1, 0)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			dir := plant(t, "corpus", map[string]string{"live.txt": "content"})
			store := &meddlingStore{s.store, func() { require.NoError(t, meddle(filepath.Join(dir, "live.txt"))) }}
			_, err := ingest.New(store, s.clock, s.settings).Run(t.Context(), runner.Request{Sources: []records.Input{at(dir)}}, noProgress)
			failure := requireFailure(t, err, gates.InputChanged, "corpus/live.txt")
			require.False(t, failure.Final)
		})
	}
}

func TestProvenanceMustBeComplete(t *testing.T) {
	t.Parallel()
	dir := plant(t, "corpus", corpus)
	s := setup(t)
	result, err := s.run(`{"collector":{"name":"rsync","version":"3.4.1"}}`, at(dir))
	require.NoError(t, err)
	var provenance records.Provenance
	s.decode(result.Attachments[0].Ref, &provenance)
	require.Equal(t, "rsync 3.4.1", provenance.Collector+" "+provenance.CollectorVersion)

	for config, missing := range map[string]string{
		`{"collector":{"name":"rsync"}}`:    "collector_version",
		`{"collector":{"version":"3.4.1"}}`: "collector",
	} {
		_, err := s.run(config, at(dir))
		requireFailure(t, err, gates.ProvenanceIncomplete, "lacks "+missing)
	}
	_, err = s.run(`{}`, at(dir), records.Input{})
	requireFailure(t, err, gates.ProvenanceIncomplete, "input 2 names no source")
	s.clock = instant{}
	_, err = s.run(`{}`, at(dir))
	requireFailure(t, err, gates.ProvenanceIncomplete, "collected_at")
}

func TestConfig(t *testing.T) {
	t.Parallel()
	require.NoError(t, ingest.CheckConfig(nil))
	require.NoError(t, ingest.CheckConfig(json.RawMessage(`{"exclude":["*.tmp","old/**"],"max_entries":10}`)))
	for config, says := range map[string]string{
		`{"excludes":[]}`:                  `/excludes`,
		`{"exclude":["ok","["]}`:           `/exclude/1`,
		`{"max_entries":0}`:                `/max_entries`,
		`{"collector":{"name":"a","v":1}}`: `/collector/v`,
		`[]`:                               `not an object`,
	} {
		requireFailure(t, ingest.CheckConfig(json.RawMessage(config)), gates.PinInvalid, says)
	}
}
