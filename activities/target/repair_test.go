package target_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/gates"
)

// linkFaults are ways in which links of a target can drift.
func linkFaults() map[string]func(t *testing.T, b bench) {
	remove := func(name ...string) func(*testing.T, bench) {
		return func(t *testing.T, b bench) { require.NoError(t, os.RemoveAll(b.path(name...))) }
	}
	instead := func(put func(t *testing.T, path string), name ...string) func(*testing.T, bench) {
		return func(t *testing.T, b bench) {
			require.NoError(t, os.RemoveAll(b.path(name...)))
			put(t, b.path(name...))
		}
	}
	away := func(t *testing.T, path string) { require.NoError(t, os.Symlink("/etc", path)) }
	file := func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, []byte("x"), 0o600)) }
	full := func(t *testing.T, path string) {
		require.NoError(t, os.Mkdir(path, 0o700))
		file(t, filepath.Join(path, "x"))
	}
	return map[string]func(t *testing.T, b bench){
		"no cohort":              remove("cohorts", "canary"),
		"cohort away":            instead(away, "cohorts", "canary"),
		"cohort is a file":       instead(file, "cohorts", "canary"),
		"cohort is a directory":  instead(full, "cohorts", "canary"),
		"stranger":               instead(away, "cohorts", "stranger"),
		"stranger is full":       instead(full, "cohorts", "stranger"),
		"no index":               remove("index.json"),
		"index is a file":        instead(file, "index.json"),
		"no cohorts":             remove("cohorts"),
		"cohorts is a directory": instead(full, "cohorts"),
		"no current":             remove("current"),
		"no fence":               remove("fence"),
		"no links of cohorts":    remove("current", "cohorts"),
		"links are elsewhere": func(t *testing.T, b bench) {
			require.NoError(t, os.Rename(b.path("current", "cohorts"), b.path("moved")))
			require.NoError(t, os.Symlink("../../moved", b.path("current", "cohorts")))
		},
	}
}

func TestPublishingAgainPutsLinksRight(t *testing.T) {
	t.Parallel()
	for name, plant := range linkFaults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			dir := b.open(t, target.Unwatched{})
			only := b.index(t, 1, 1)
			publish(t, dir, only)
			plant(t, b)
			require.False(t, observe(t, dir).Fine(), "the fault is planted")
			require.NoError(t, dir.Publish(t.Context(), only))
			found := observe(t, dir)
			require.True(t, found.Fine(), "%+v", found)
		})
	}
}

func TestPublishingAgainKeepsSafeMode(t *testing.T) {
	t.Parallel()
	b, dir := inSafeMode(t)
	active := observe(t, dir).Index
	to, err := os.Readlink(b.path("cohorts", "stable"))
	require.NoError(t, err)
	require.NoError(t, os.Symlink(to, b.path("cohorts", "canary")))
	require.NoError(t, dir.Publish(t.Context(), *active))
	require.True(t, observe(t, dir).Fine())
	require.NoFileExists(t, b.path("cohorts", "canary"))
}

// Links are not put right towards a pack that is not whole.
func TestPublishingAgainNeedsWholePacks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.open(t, target.Unwatched{})
	only := b.index(t, 1, 1)
	publish(t, dir, only)
	require.NoError(t, os.WriteFile(b.path("cohorts", "stable", "manifest.json"), []byte("x"), 0o600))
	require.NoError(t, os.Remove(b.path("cohorts", "canary")))
	before := tree(t, b)
	requireCode(t, gates.PackNotDistributed, dir.Publish(t.Context(), only))
	require.Equal(t, before, tree(t, b))
	publish(t, dir, only)
	require.True(t, observe(t, dir).Fine())
}

func TestPublishingAgainChangesNothingThatIsRight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.open(t, target.Unwatched{})
	publish(t, dir, b.index(t, 1, 1))
	second := b.index(t, 2, 2)
	publish(t, dir, second)
	before := tree(t, b)
	require.NoError(t, dir.Publish(t.Context(), second))
	require.Equal(t, before, tree(t, b))
}

// A repair that is killed anywhere leaves the index active, and is repeated.
func TestAKilledRepairIsRepeated(t *testing.T) {
	t.Parallel()
	faults := linkFaults()
	for n := 0; ; n++ {
		b := setup(t)
		dir := b.open(t, target.Unwatched{})
		only := b.index(t, 1, 1)
		publish(t, dir, only)
		// The last hides the links of cohorts, so those are broken before it.
		for _, name := range []string{"cohort is a directory", "stranger is full", "no index", "no fence", "cohorts is a directory"} {
			faults[name](t, b)
		}
		err := b.open(t, &crash{left: n}).Publish(t.Context(), only)
		found := observe(t, dir)
		require.NotNil(t, found.Index, "step %d", n)
		require.Equal(t, only.Sequence, found.Index.Sequence)
		if err == nil {
			require.True(t, found.Fine(), "%+v", found)
			require.Greater(t, n, 5, "steps")
			return
		}
		require.ErrorIs(t, err, errCrash)
		require.NoError(t, dir.Publish(t.Context(), only))
		require.True(t, observe(t, dir).Fine(), "step %d", n)
	}
}

// entry is what a change to a file, directory or link would change.
type entry struct {
	mode fs.FileMode
	at   time.Time
	to   string
}

// tree is everything in the directory of the channel.
func tree(t *testing.T, b bench) map[string]entry {
	t.Helper()
	found := map[string]entry{}
	require.NoError(t, filepath.WalkDir(b.path(), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e := entry{mode: info.Mode(), at: info.ModTime()}
		if d.Type() == fs.ModeSymlink {
			if e.to, err = os.Readlink(p); err != nil {
				return err
			}
		}
		found[p] = e
		return nil
	}))
	return found
}
