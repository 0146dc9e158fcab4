package target_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/index"
)

// Whatever somebody does to the current link, nothing at or below what was published
// passes.
func TestTheFenceOutlivesTheCurrentLink(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want  gates.Code // of the drift, where there is some to be seen
		plant func(t *testing.T, b bench)
	}{
		"removed": {gates.TargetLinkMissing, func(t *testing.T, b bench) { require.NoError(t, os.Remove(b.path("current"))) }},
		// To an observer it is an older index that is whole: who knows which one was
		// published sees that this is not it.
		"turned back": {"", func(t *testing.T, b bench) {
			first := b.index(t, 1, 1)
			require.NoError(t, os.Remove(b.path("current")))
			require.NoError(t, os.Symlink(state(t, first), b.path("current")))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			dir := b.open(t, target.Unwatched{})
			published := []index.Index{b.index(t, 1, 1), b.index(t, 2, 2), b.index(t, 3, 3)}
			for _, i := range published {
				publish(t, dir, i)
			}
			c.plant(t, b)
			if c.want != "" {
				require.Equal(t, c.want, observe(t, dir).Drift[0].Code)
			}
			other := b.index(t, 3, 3)
			other.PublishedAt = other.PublishedAt.Add(time.Second)
			for _, i := range []index.Index{published[0], b.index(t, 1, 9), published[1], b.index(t, 2, 9), other} {
				require.NoError(t, dir.Distribute(t.Context(), packs(i)...))
				requireCode(t, gates.PublishFenced, dir.Publish(t.Context(), i))
			}
			requireCode(t, gates.IndexDowngrade, dir.Publish(t.Context(), b.index(t, 4, 2)))
			require.NoError(t, dir.Publish(t.Context(), published[2]), "the very index again")
			publish(t, dir, b.index(t, 4, 4))
			require.True(t, observe(t, dir).Fine())
		})
	}
}

// Also a publisher that is killed anywhere on its way leaves a fence that holds once
// the current link is gone: at the old index, or at the new.
func TestTheFenceOutlivesAKilledPublisher(t *testing.T) {
	t.Parallel()
	for n := 0; ; n++ {
		b := setup(t)
		dir := b.open(t, target.Unwatched{})
		publish(t, dir, b.index(t, 1, 1))
		second := b.index(t, 2, 2)
		require.NoError(t, dir.Distribute(t.Context(), packs(second)...))
		err := b.open(t, &crash{left: n}).Publish(t.Context(), second)
		active := observe(t, dir)
		require.True(t, active.Fine(), "step %d", n)
		require.NoError(t, os.Remove(b.path("current")))

		lower := b.index(t, active.Index.Sequence, 9)
		require.NoError(t, dir.Distribute(t.Context(), packs(lower)...))
		requireCode(t, gates.PublishFenced, dir.Publish(t.Context(), lower))
		require.NoError(t, dir.Publish(t.Context(), second), "step %d", n)
		require.True(t, observe(t, dir).Fine())
		if err == nil {
			return
		}
		require.ErrorIs(t, err, errCrash)
	}
}

// The very first publisher has no index before its own to fall back on.
func TestAKilledFirstPublisherIsRepeated(t *testing.T) {
	t.Parallel()
	for n := 0; ; n++ {
		b := setup(t)
		dir := b.open(t, target.Unwatched{})
		first := b.index(t, 1, 1)
		require.NoError(t, dir.Distribute(t.Context(), packs(first)...))
		err := b.open(t, &crash{left: n}).Publish(t.Context(), first)
		require.NoError(t, dir.Publish(t.Context(), first), "step %d", n)
		require.True(t, observe(t, dir).Fine())
		if err == nil {
			return
		}
		require.ErrorIs(t, err, errCrash)
	}
}

func TestABrokenFenceIsSeenAndNotPassed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to   func(t *testing.T, b bench) string
		want gates.Code // of publishing the next index
	}{
		"dangling": {func(*testing.T, bench) string { return "states/nowhere" }, gates.TargetUnreadable},
		"outside":  {func(*testing.T, bench) string { return "/etc" }, gates.TargetUnreadable},
		// The active index still fences.
		"turned back": {func(t *testing.T, b bench) string { return state(t, b.index(t, 1, 1)) }, gates.PublishFenced},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			dir := b.open(t, target.Unwatched{})
			publish(t, dir, b.index(t, 1, 1))
			publish(t, dir, b.index(t, 2, 2))
			require.NoError(t, os.Remove(b.path("fence")))
			require.NoError(t, os.Symlink(c.to(t, b), b.path("fence")))
			require.Equal(t, gates.TargetLinkForeign, observe(t, dir).Drift[0].Code)
			other := b.index(t, 2, 3)
			require.NoError(t, dir.Distribute(t.Context(), packs(other)...))
			requireCode(t, c.want, dir.Publish(t.Context(), other))
		})
	}
}

// state is where the current link leads once an index is active.
func state(t *testing.T, i index.Index) string {
	t.Helper()
	digest, err := i.Digest()
	require.NoError(t, err)
	return filepath.Join("states", digest.Value)
}
