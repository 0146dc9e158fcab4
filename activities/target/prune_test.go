package target_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

// pruning is a target with three releases, the last of which is active.
func pruning(t *testing.T) (bench, *target.Directory, []index.Index) {
	t.Helper()
	b := setup(t)
	dir := b.open(t, target.Unwatched{})
	published := []index.Index{b.index(t, 1, 1), b.index(t, 2, 2), b.index(t, 3, 3)}
	for _, i := range published {
		publish(t, dir, i)
	}
	return b, dir, published
}

// names are those in a directory of the target, sorted.
func names(t *testing.T, b bench, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(b.path(dir))
	require.NoError(t, err)
	found := []string{}
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	return found
}

func digests(t *testing.T, packs ...index.Pack) []string {
	t.Helper()
	all := []string{}
	for _, pack := range packs {
		all = append(all, packDigest(t, pack).Value)
	}
	slices.Sort(all)
	return all
}

func TestPrune(t *testing.T) {
	t.Parallel()
	b, dir, published := pruning(t)
	for _, leftover := range []string{"link.tmp", "packs/x.tmp", "states/x.tmp"} {
		require.NoError(t, os.MkdirAll(filepath.Join(b.path(leftover), "deep"), 0o700))
	}
	require.NoError(t, os.WriteFile(b.path("packs", "README"), nil, 0o600))
	keep := published[0].Cohorts[1].Pack
	require.NoError(t, dir.Prune(t.Context(), []index.Pack{keep}))

	want := append(digests(t, append(packs(published[2]), keep)...), "README")
	require.ElementsMatch(t, want, names(t, b, "packs"), "what is not of a publisher's making stays")
	require.Equal(t, []string{filepath.Base(state(t, published[2]))}, names(t, b, "states"))
	require.Equal(t, []string{"cohorts", "current", "fence", "index.json", "lock", "packs", "states"}, names(t, b, "."))
	require.True(t, observe(t, dir).Fine())

	requireCode(t, gates.PublishFenced, dir.Publish(t.Context(), published[1]))
	publish(t, dir, b.index(t, 4, 4))
	require.True(t, observe(t, dir).Fine())
}

func TestWhatMayBecomeActiveIsNotPruned(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(t *testing.T, b bench, published []index.Index){
		"current is gone": func(t *testing.T, b bench, _ []index.Index) { require.NoError(t, os.Remove(b.path("current"))) },
		"current was turned back": func(t *testing.T, b bench, published []index.Index) {
			require.NoError(t, os.Remove(b.path("current")))
			require.NoError(t, os.Symlink(state(t, published[0]), b.path("current")))
		},
		"fence is gone": func(t *testing.T, b bench, _ []index.Index) { require.NoError(t, os.Remove(b.path("fence"))) },
		"cohorts are gone": func(t *testing.T, b bench, _ []index.Index) {
			require.NoError(t, os.RemoveAll(b.path("current", "cohorts")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, dir, published := pruning(t)
			plant(t, b, published)
			before := observe(t, dir)
			require.NoError(t, dir.Prune(t.Context(), nil))
			require.Equal(t, before, observe(t, dir))
			require.NoError(t, dir.Publish(t.Context(), published[2]))
			require.True(t, observe(t, dir).Fine())
		})
	}
}

// A link that has drifted makes a pack active that no index names.
func TestWhatADriftedLinkLeadsToIsNotPruned(t *testing.T) {
	t.Parallel()
	b, dir, published := pruning(t)
	old := packDigest(t, published[0].Cohorts[0].Pack).Value
	require.NoError(t, os.Remove(b.path("cohorts", "canary")))
	require.NoError(t, os.Symlink("../../../packs/"+old, b.path("cohorts", "canary")))
	require.NoError(t, dir.Prune(t.Context(), nil))
	require.FileExists(t, b.path("cohorts", "canary", "manifest.json"))
	require.Len(t, names(t, b, "packs"), 3)
}

// Without its index nobody knows what is active.
func TestNothingIsPrunedBesideAnUnreadableIndex(t *testing.T) {
	t.Parallel()
	for _, link := range []string{"current", "fence"} {
		b, dir, _ := pruning(t)
		require.NoError(t, os.Remove(b.path(link)))
		require.NoError(t, os.Symlink("states/nowhere", b.path(link)))
		before := tree(t, b)
		requireCode(t, gates.TargetUnreadable, dir.Prune(t.Context(), nil))
		require.Equal(t, before, tree(t, b), link)
	}
}

func TestPruneRefusesMalformedPacks(t *testing.T) {
	t.Parallel()
	b, dir, published := pruning(t)
	bad := published[0].Cohorts[0].Pack
	bad.Manifest.Digest = records.Digest{}
	before := tree(t, b)
	requireCode(t, gates.IndexRefused, dir.Prune(t.Context(), []index.Pack{bad}))
	require.Equal(t, before, tree(t, b))
}

func TestPruneEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b, dir, _ := pruning(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := tree(t, b)
	require.ErrorIs(t, dir.Prune(ctx, nil), context.Canceled)
	require.Equal(t, before, tree(t, b))
}

func TestAKilledPruneIsRepeated(t *testing.T) {
	t.Parallel()
	for n := 0; ; n++ {
		b, dir, published := pruning(t)
		err := b.open(t, &crash{left: n}).Prune(t.Context(), nil)
		require.True(t, observe(t, dir).Fine(), "step %d", n)
		require.NoError(t, dir.Prune(t.Context(), nil))
		require.True(t, observe(t, dir).Fine(), "step %d", n)
		require.Equal(t, digests(t, packs(published[2])...), names(t, b, "packs"))
		if err == nil {
			require.Greater(t, n, 5, "steps")
			return
		}
		require.ErrorIs(t, err, errCrash)
	}
}
