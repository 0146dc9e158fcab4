package ingest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

func TestSnapshotOfASnapshotIsTheSame(t *testing.T) {
	t.Parallel()
	s := setup(t)
	first, err := s.run(`{"exclude":["*.json"]}`, at(plant(t, "corpus", corpus)))
	require.NoError(t, err)
	taken := first.Outputs[0].Ref
	again, err := s.run(``, records.Input{Snapshot: &taken})
	require.NoError(t, err)
	require.Equal(t, first.Outputs, again.Outputs)
	require.Equal(t, first.Metrics["bytes"], again.Metrics["bytes"])

	var provenance records.Provenance
	s.decode(again.Attachments[0].Ref, &provenance)
	require.Equal(t, "snapshot:"+taken.Digest.String(), provenance.Sources[0].Source)

	more, err := s.run(``, records.Input{Snapshot: &taken}, at(plant(t, "more", map[string]string{"x.csv": "x\n"})))
	require.NoError(t, err)
	require.Len(t, s.snapshot(more).Files, len(s.snapshot(first).Files)+1)

	_, err = s.run(``, records.Input{Snapshot: &taken}, at(plant(t, "corpus", corpus)))
	requireFailure(t, err, gates.RequestInvalid, "two inputs hold a file corpus/")
}

// The contract set that Orgo ships has a schema for snapshots.
func TestSnapshotFitsItsSchema(t *testing.T) {
	t.Parallel()
	set, err := schemas.BuiltinContractSet()
	require.NoError(t, err)
	validators, err := set.Validators()
	require.NoError(t, err)
	validator, present := validators.Validator(records.RoleSnapshot)
	require.True(t, present)
	s := setup(t)
	for _, config := range []string{`{}`, `{"exclude":["*.tmp"]}`} {
		result, err := s.run(config, at(plant(t, "corpus", corpus)))
		require.NoError(t, err)
		manifest, err := s.store.ReadAll(t.Context(), result.Outputs[0].Ref, 1<<20)
		require.NoError(t, err)
		report, err := validator.Validate(manifest)
		require.NoError(t, err)
		require.True(t, report.Valid(), "%+v", report)
	}
}

// object returns the path in the store of the object that holds content.
func (s *stage) object(content string) string {
	s.t.Helper()
	var found string
	require.NoError(s.t, filepath.WalkDir(s.storeDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		if data, err := os.ReadFile(path); err == nil && string(data) == content {
			found = path
		}
		return nil
	}))
	require.NotEmpty(s.t, found)
	return found
}

func TestStoredSnapshotIsReadWholeBeforeItCounts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		plant func(path string) error
		code  gates.Code
	}{
		"one byte changed": {func(path string) error {
			data, err := os.ReadFile(path)
			data[len(data)-1] ^= 1
			return errorsFirst(err, os.WriteFile(path, data, 0o644))
		}, gates.DigestMismatch},
		"one byte gone": {func(path string) error {
			info, err := os.Stat(path)
			return errorsFirst(err, os.Truncate(path, info.Size()-1))
		}, gates.DigestMismatch},
		"gone": {os.Remove, gates.ArtifactMissing},
	} {
		for _, what := range []string{"a file", "the manifest"} {
			t.Run(name+" in "+what, func(t *testing.T) {
				t.Parallel()
				s := setup(t)
				result, err := s.run(``, at(plant(t, "corpus", corpus)))
				require.NoError(t, err)
				ref := result.Outputs[0].Ref
				content := corpus["rivers.csv"]
				if what == "the manifest" {
					data, err := s.store.ReadAll(t.Context(), ref, 1<<20)
					require.NoError(t, err)
					content = string(data)
				}
				require.NoError(t, tc.plant(s.object(content)))
				_, err = s.run(``, records.Input{Snapshot: &ref})
				requireFailure(t, err, tc.code, "")
			})
		}
	}
}

func TestWhatIsNoSnapshotIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	digest := `{"alg":"sha256","value":"` + strings.Repeat("0", 64) + `"}`
	file := func(path string) string {
		return `{"digest":` + digest + `,"media_type":"text/csv","path":"` + path + `","size":1}`
	}
	manifest := func(files string) string {
		return `{"exclusions":[],"files":[` + files + `],"kind":"input_snapshot","schema_version":"1.0.0"}`
	}
	for _, content := range []string{
		``, `{}`, `[]`, `{"kind":"input_snapshot"`, manifest("") + "x",
		`{"exclusions":[],"files":[],"kind":"other","schema_version":"1.0.0"}`,
		`{"exclusions":[],"files":[],"kind":"input_snapshot","schema_version":"2.0.0"}`,
		`{"exclusions":[],"extra":1,"files":[],"kind":"input_snapshot","schema_version":"1.0.0"}`,
		manifest(file("b") + "," + file("a")), manifest(file("a") + "," + file("a")),
		manifest(file("../a")), manifest(file("/a")), manifest(file("")), manifest(file(".")),
		manifest(strings.Replace(file("a"), "sha256", "md5", 1)),
		manifest(strings.Replace(file("a"), `"size":1`, `"size":-1`, 1)),
		manifest(strings.Replace(file("a"), "text/csv", "", 1)),
	} {
		ref, err := s.store.Put(t.Context(), records.MediaJSON, strings.NewReader(content))
		require.NoError(t, err)
		_, err = s.run(``, records.Input{Snapshot: &ref})
		requireFailure(t, err, gates.ContractViolation, "is not an input snapshot")
	}

	// Sound, but not in canonical form: taking it over would give two digests to one snapshot.
	content, err := s.store.Put(t.Context(), "text/csv", strings.NewReader("x"))
	require.NoError(t, err)
	loose := strings.Replace(manifest(file("a")), strings.Repeat("0", 64), content.Value, 1) + "\n"
	ref, err := s.store.Put(t.Context(), records.MediaJSON, strings.NewReader(loose))
	require.NoError(t, err)
	_, err = s.run(``, records.Input{Snapshot: &ref})
	requireFailure(t, err, gates.ContractViolation, "canonical form")
}
