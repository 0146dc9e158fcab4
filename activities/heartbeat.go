package activities

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
)

// Progress is what a stage's heartbeat says: how far it is, in its own unit.
// Total is 0 where it is not known.
type Progress struct {
	Done  int64 `json:"done"`
	Total int64 `json:"total,omitempty"`
}

// beating is a running heartbeat.
type beating struct {
	done, total atomic.Int64
	once        sync.Once
	quit        chan struct{}
	finished    chan struct{}
}

func (b *beating) progress(done, total int64) {
	b.done.Store(done)
	b.total.Store(total)
}

// stop ends the heartbeat and waits until it has ended.
func (b *beating) stop() {
	b.once.Do(func() { close(b.quit) })
	<-b.finished
}

// heartbeat tells Temporal, three times within each timeout, that the attempt
// is alive and how far it is. Local activities have no heartbeat: the worker
// that runs them keeps the workflow task alive.
func (a *Activities) heartbeat(ctx context.Context, timeout time.Duration) *beating {
	b := &beating{quit: make(chan struct{}), finished: make(chan struct{})}
	if timeout <= 0 || activity.GetInfo(ctx).IsLocalActivity {
		close(b.finished)
		return b
	}
	ticker := time.NewTicker(timeout / 3)
	go func() {
		defer close(b.finished)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				activity.RecordHeartbeat(ctx, Progress{Done: b.done.Load(), Total: b.total.Load()})
			case <-b.quit:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return b
}
