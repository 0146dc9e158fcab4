package target_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// A pack is verified where it lies, before any index names it.
func TestVerify(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want  gates.Code // none where the pack is whole
		plant func(t *testing.T, pack string)
	}{
		"whole": {"", func(*testing.T, string) {}},
		"changed": {gates.TargetPackChanged, func(t *testing.T, pack string) {
			require.NoError(t, os.WriteFile(filepath.Join(pack, "exchange.json"), []byte("EXCHANGE"), 0o600))
		}},
		"added": {gates.TargetPackChanged, func(t *testing.T, pack string) {
			require.NoError(t, os.WriteFile(filepath.Join(pack, "files", "more"), nil, 0o600))
		}},
		"linked": {gates.TargetPackChanged, func(t *testing.T, pack string) {
			file := filepath.Join(pack, "files", "data", "pack.bin")
			require.NoError(t, os.Rename(file, filepath.Join(pack, "..", "pack.bin")))
			require.NoError(t, os.Symlink("../../../pack.bin", file))
		}},
		"removed": {gates.TargetPackMissing, func(t *testing.T, pack string) {
			require.NoError(t, os.Remove(filepath.Join(pack, "manifest.json")))
		}},
		"gone": {gates.TargetPackMissing, func(t *testing.T, pack string) { require.NoError(t, os.RemoveAll(pack)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			dir := b.open(t, target.Unwatched{})
			pack := b.index(t, 1, 1).Cohorts[0].Pack
			require.NoError(t, dir.Distribute(t.Context(), pack))
			c.plant(t, b.path("packs", packDigest(t, pack).Value))
			drift, err := dir.Verify(t.Context(), pack)
			require.NoError(t, err)
			if c.want == "" {
				require.Empty(t, drift)
				return
			}
			require.NotEmpty(t, drift)
			require.Equal(t, c.want, drift[0].Code)

			require.NoError(t, dir.Distribute(t.Context(), pack), "which makes it whole again")
			drift, err = dir.Verify(t.Context(), pack)
			require.NoError(t, err)
			require.Empty(t, drift)
		})
	}
}

func TestWhatWasNotReadIsNotWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.open(t, target.Unwatched{})
	pack := b.index(t, 1, 1).Cohorts[0].Pack
	drift, err := dir.Verify(t.Context(), pack)
	require.NoError(t, err)
	require.Len(t, drift, 3, "never distributed")

	require.NoError(t, dir.Distribute(t.Context(), pack))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = dir.Verify(ctx, pack)
	require.ErrorIs(t, err, context.Canceled)
}

// There is no index yet that was checked, so the pack is.
func TestNoPathOfAPackEscapes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.open(t, target.Unwatched{})
	for _, name := range []string{"../../../lock", "/etc/passwd", "..", "", "a/../../b"} {
		pack := b.index(t, 1, 1).Cohorts[0].Pack
		pack.Files = []records.Artifact{{Path: name, Ref: b.put(t, "x")}}
		requireCode(t, gates.IndexRefused, dir.Distribute(t.Context(), pack))
		_, err := dir.Verify(t.Context(), pack)
		requireCode(t, gates.IndexRefused, err)
	}
	left, err := os.ReadDir(b.path("packs"))
	require.NoError(t, err)
	require.Empty(t, left)
}
