package follow_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/follow"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

// consumer keeps what it is handed, and fails where it is told to.
type consumer struct {
	seen   []int64
	failAt int64
	failed int
	behind int64
}

func (c *consumer) Consume(_ context.Context, leaf store.Leaf) error {
	if leaf.Number == c.failAt {
		return errors.New("not now")
	}
	c.seen = append(c.seen, leaf.Number)
	return nil
}

func (c *consumer) Consumed(_ string, failed bool) {
	if failed {
		c.failed++
	}
}

func (c *consumer) Behind(_ string, leaves int64) { c.behind = leaves }

// filled returns a store with leaves, and how many.
func filled(t *testing.T) (*store.Store, int64) {
	t.Helper()
	s := storetest.Open(t, "sqlite://"+filepath.Join(t.TempDir(), "orgo.db"))
	require.NoError(t, s.Migrate(t.Context()))
	for i := range 4 {
		for _, group := range storetest.NewBuilder(t, "o", fmt.Sprint(i)).Life() {
			_, err := s.Append(t.Context(), group...)
			require.NoError(t, err)
		}
	}
	signer, _ := storetest.LogKey(t)
	require.NoError(t, storetest.Sequencer(t, s, signer, nil).Drain(t.Context()))
	size, err := s.LogSize(t.Context())
	require.NoError(t, err)
	return s, size
}

func following(t *testing.T, s *store.Store, c *consumer) *follow.Follower {
	t.Helper()
	f, err := follow.New(follow.Options{Name: "test", Log: s, Consumer: c, Observer: c, Logger: slog.New(slog.DiscardHandler), Page: 3})
	require.NoError(t, err)
	return f
}

// What fails is handed over again, and what comes after it only then, also by a process
// that begins where another ended.
func TestEveryEntryIsHandedOverInOrder(t *testing.T) {
	t.Parallel()
	s, size := filled(t)
	c := &consumer{failAt: 5}
	f := following(t, s, c)
	require.ErrorContains(t, f.Pass(t.Context()), "leaf 5")
	require.ErrorContains(t, f.Pass(t.Context()), "leaf 5")
	require.Equal(t, []int64{0, 1, 2, 3, 4}, c.seen)
	require.Equal(t, 2, c.failed)
	require.Equal(t, size-5, c.behind)

	c.failAt = -1
	require.NoError(t, following(t, s, c).Pass(t.Context()))
	require.Len(t, c.seen, int(size))
	require.True(t, slices.IsSorted(c.seen))
	require.Zero(t, c.behind)
}

func TestAFollowerRunsUntilItIsStopped(t *testing.T) {
	t.Parallel()
	s, size := filled(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := &stopping{consumer: consumer{failAt: -1}, after: int(size), stop: cancel}
	f, err := follow.New(follow.Options{Name: "test", Log: s, Consumer: c, Observer: &c.consumer, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	f.Run(ctx)
	require.Len(t, c.seen, int(size))
}

// stopping stops its follower when it has seen so much.
type stopping struct {
	consumer
	after int
	stop  context.CancelFunc
}

func (s *stopping) Consume(ctx context.Context, leaf store.Leaf) error {
	err := s.consumer.Consume(ctx, leaf)
	if len(s.seen) == s.after {
		s.stop()
	}
	return err
}
