// Package follow reads the log from where a consumer was, in order, and has it do what
// it does with every entry, at least once: a consumer does the same when it is handed an
// entry again.
//
// It needs the store and nothing else, so what is done by following works with Temporal
// down, and goes on where it was after a crash. Several processes may follow for one
// consumer.
package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/initkoa/orgo/records/store"
)

// Log is what is followed.
type Log interface {
	LeavesOfAll(ctx context.Context, from int64, limit int) ([]store.Leaf, error)
	Position(ctx context.Context, consumer string) (int64, error)
	SavePosition(ctx context.Context, consumer string, leaf int64) error
	// Sequenced returns a channel that is closed when this process learns of new leaves.
	Sequenced() <-chan struct{}
	LogSize(ctx context.Context) (int64, error)
}

// Consumer does something with every entry. After an error it is handed the same entry
// again, with longer and longer pauses: it returns one only for what may go away.
type Consumer interface {
	Consume(ctx context.Context, leaf store.Leaf) error
}

// Observer counts what a consumer does.
type Observer interface {
	Consumed(consumer string, failed bool) // entries
	Behind(consumer string, leaves int64)  // after each pass
}

// Options are what a follower works with. All but the last two must be given.
type Options struct {
	Name     string // of the consumer: its position is kept under it
	Log      Log
	Consumer Consumer
	Observer Observer
	Logger   *slog.Logger
	Poll     time.Duration // between looks for leaves that another process added; 1 s
	Page     int           // entries read at a time; 200
}

// Follower follows the log for one consumer.
type Follower struct{ Options }

// New returns a follower.
func New(o Options) (*Follower, error) {
	if o.Name == "" || o.Log == nil || o.Consumer == nil || o.Observer == nil || o.Logger == nil {
		return nil, errors.New("follow: name, log, consumer, observer and logger must all be given")
	}
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	if o.Page <= 0 {
		o.Page = 200
	}
	return &Follower{o}, nil
}

// longestPause is between attempts at what fails.
const longestPause = 30 * time.Second

// Run makes passes until ctx ends: when leaves are added, and each poll.
func (f *Follower) Run(ctx context.Context) {
	pause := f.Poll
	for {
		sequenced := f.Log.Sequenced()
		err := f.Pass(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			f.Logger.ErrorContext(ctx, "a consumer of the log could not go on, which is tried again", "consumer", f.Name, "error", err, "pause", pause)
			sequenced = nil // new leaves do not help
		}
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-sequenced:
		case <-wait.C:
		}
		wait.Stop()
		if pause = min(2*pause, longestPause); err == nil {
			pause = f.Poll
		}
	}
}

// Pass hands over what there is.
func (f *Follower) Pass(ctx context.Context) error {
	from, err := f.Log.Position(ctx, f.Name)
	if err != nil {
		return err
	}
	for {
		leaves, err := f.Log.LeavesOfAll(ctx, from, f.Page)
		if err != nil {
			return err
		}
		done, failed := f.hand(ctx, leaves)
		if done > 0 {
			from = leaves[done-1].Number + 1
			if err := f.Log.SavePosition(ctx, f.Name, from); err != nil {
				return errors.Join(failed, err)
			}
		}
		if failed != nil || len(leaves) < f.Page {
			return errors.Join(failed, f.observe(ctx, from))
		}
	}
}

// hand hands over leaves until one fails, and returns how many it did.
func (f *Follower) hand(ctx context.Context, leaves []store.Leaf) (done int, failed error) {
	for i, leaf := range leaves {
		err := f.Consumer.Consume(ctx, leaf)
		f.Observer.Consumed(f.Name, err != nil)
		if err != nil {
			return i, fmt.Errorf("leaf %d, entry %s (%s): %w", leaf.Number, leaf.ID, leaf.Type, err)
		}
	}
	return len(leaves), nil
}

func (f *Follower) observe(ctx context.Context, from int64) error {
	size, err := f.Log.LogSize(ctx)
	if err != nil {
		return err
	}
	f.Observer.Behind(f.Name, size-from)
	return nil
}
