package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/gates/rollout"
)

// PlantStep puts a fault in place of what a step does: it says that something happened
// and does nothing. The caller takes it out again, and runs beside nothing else.
func PlantStep(step rollout.Step, happens rollout.ReleaseEventKind) (takeOut func()) {
	real := doers[step]
	doers[step] = func(*releaseRun, workflow.Context) (*rollout.ReleaseEvent, error) {
		return &rollout.ReleaseEvent{Kind: happens}, nil
	}
	return func() { doers[step] = real }
}
