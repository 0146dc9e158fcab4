package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// await waits until a condition holds, or for a span, and reports whether it holds. what
// is shown of the timer. It ends with the wait: the SDK by itself lets it run, which shows
// what nobody waits for any more, and wakes the workflow for nothing.
func await(ctx workflow.Context, within time.Duration, what string, holds func() bool) (bool, error) {
	timed, end := workflow.WithCancel(ctx)
	defer end()
	return workflow.AwaitWithOptions(timed, workflow.AwaitOptions{
		Timeout: within, TimerOptions: workflow.TimerOptions{Summary: what},
	}, holds)
}
