package releases

import (
	"context"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/runner"
)

// heartbeat tells Temporal, three times within the timeout of the running activity, that
// the attempt is alive and how far it is. It returns the number of the attempt. The
// caller calls stop, which waits until it has ended.
func heartbeat(ctx context.Context) (attempt int, progress runner.Progress, stop func()) {
	var at atomic.Pointer[activities.Progress]
	at.Store(&activities.Progress{})
	progress = func(done, total int64) { at.Store(&activities.Progress{Done: done, Total: total}) }
	info := activity.GetInfo(ctx)
	if info.HeartbeatTimeout <= 0 || info.IsLocalActivity {
		return int(info.Attempt), progress, func() {}
	}
	beating, quit := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(info.HeartbeatTimeout / 3)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				activity.RecordHeartbeat(ctx, *at.Load())
			case <-beating.Done():
				return
			}
		}
	}()
	return int(info.Attempt), progress, func() { quit(); <-ended }
}
