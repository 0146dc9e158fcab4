package api

import (
	"context"
	"time"
)

// Waiting is how a call asks for a change. It is exported because huma looks into no
// other embedded struct.
type Waiting struct {
	AfterVersion int64  `query:"after_version" minimum:"0" doc:"Answer once the version is above this"`
	Wait         string `query:"wait" doc:"How long to wait for that, as 30s; the server has an upper limit"`
}

// waitOf returns for how long a call wants to wait, and may.
func waitOf(text string, most time.Duration) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(text)
	if err != nil || wait < 0 {
		return 0, invalid("query.wait", "is not a duration like 30s")
	}
	return min(wait, most), nil
}

// pollInterval is how often a long poll looks. It reads one row by its key, also
// for what another process has written.
const pollInterval = 100 * time.Millisecond

// await returns what read does once its version is above the one that the call knows;
// as it is when the time is over, when nothing can change any more, or when the caller
// has left. State gives the version, and whether it is the last.
func await[T any](
	ctx context.Context, most time.Duration, in Waiting, read func(context.Context) (T, error), state func(T) (version int64, last bool),
) (T, error) {
	var none T
	wait, err := waitOf(in.Wait, most)
	if err != nil {
		return none, err
	}
	current, err := read(ctx)
	if err != nil || wait == 0 {
		return current, err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		if version, last := state(current); version > in.AfterVersion || last {
			return current, nil
		}
		select {
		case <-ctx.Done():
			return current, nil
		case <-ticker.C:
		}
		next, err := read(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return current, nil
			}
			return current, err
		}
		current = next
	}
}
