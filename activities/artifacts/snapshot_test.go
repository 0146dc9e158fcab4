package artifacts_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// snapshot stores count files and their manifest.
func (b bench) snapshot(t testing.TB, count int) (records.Ref, records.Snapshot) {
	t.Helper()
	snapshot := records.Snapshot{
		Kind:          records.SnapshotKind,
		SchemaVersion: records.SnapshotVersion,
		Files:         []records.SnapshotFile{},
		Exclusions:    []records.SnapshotExclusion{{Path: "data/.git", Reason: "hidden"}},
	}
	for i := range count {
		ref, err := b.store.PutBytes(t.Context(), "text/csv", fmt.Appendf(nil, "id,name\n%d,n\n", i))
		require.NoError(t, err)
		snapshot.Files = append(snapshot.Files, records.SnapshotFile{
			Path: fmt.Sprintf("data/%03d.csv", i), Digest: ref.Digest, Size: ref.Size, MediaType: ref.MediaType,
		})
	}
	manifest, err := json.Marshal(snapshot)
	require.NoError(t, err)
	ref, err := b.store.PutBytes(t.Context(), records.MediaJSON, manifest)
	require.NoError(t, err)
	return ref, snapshot
}

func flipFirst(content []byte) []byte {
	content[0] ^= 1
	return content
}

func TestVerifySnapshot(t *testing.T) {
	t.Parallel()
	for _, count := range []int{0, 1, 50} {
		b := setup(t)
		ref, _ := b.snapshot(t, count)
		require.NoError(t, b.store.VerifySnapshot(t.Context(), ref))
	}
}

// The planted faults: files changed behind the manifest's back. The first in
// manifest order is named, in every run.
func TestVerifySnapshotNamesTheFirstBadFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref, snapshot := b.snapshot(t, 50)
	for _, i := range []int{49, 18, 17} {
		b.tamper(t, snapshot.Files[i].Digest, flipFirst)
		for range 20 {
			err := b.store.VerifySnapshot(t.Context(), ref)
			requireCode(t, gates.DigestMismatch, err)
			require.ErrorContains(t, err, fmt.Sprintf(`snapshot file "data/%03d.csv"`, i))
		}
	}
}

func TestVerifySnapshotRefusesManifest(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"not json":          `files`,
		"cut off":           `{"kind":"input_snapshot","files":[`,
		"another kind":      `{"kind":"provenance","files":[]}`,
		"no kind":           `{"files":[]}`,
		"no files":          `{"kind":"input_snapshot"}`,
		"files is null":     `{"kind":"input_snapshot","files":null}`,
		"files twice":       `{"kind":"input_snapshot","files":[],"files":[]}`,
		"a list":            `[]`,
		"something follows": `{"kind":"input_snapshot","files":[]}{}`,
		"empty":             ``,
	}
	for name, manifest := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ref, err := b.store.PutBytes(t.Context(), records.MediaJSON, []byte(manifest))
			require.NoError(t, err)
			requireCode(t, gates.ContractViolation, b.store.VerifySnapshot(t.Context(), ref))
		})
	}
}

func TestVerifySnapshotRefusesChangedManifest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref, _ := b.snapshot(t, 3)
	b.tamper(t, ref.Digest, func([]byte) []byte { return []byte(`{"kind":"input_snapshot","files":[]}`) })
	requireCode(t, gates.DigestMismatch, b.store.VerifySnapshot(t.Context(), ref))

	missing := records.Ref{Digest: records.DigestOf([]byte("nothing"))}
	requireCode(t, gates.ArtifactMissing, b.store.VerifySnapshot(t.Context(), missing))
}

func TestVerifySnapshotRefusesFileWithoutDigest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref, err := b.store.PutBytes(t.Context(), records.MediaJSON, []byte(`{"kind":"input_snapshot","files":[{"path":"a"}]}`))
	require.NoError(t, err)
	requireCode(t, gates.PinFloating, b.store.VerifySnapshot(t.Context(), ref))
}
