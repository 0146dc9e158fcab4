package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/gates/rollout"
)

// doers does each step. What it returns happens to the release; nothing means that
// somebody else says how it goes on.
var doers = map[rollout.Step]func(*releaseRun, workflow.Context) (*rollout.ReleaseEvent, error){
	rollout.DoCheck:      (*releaseRun).check,
	rollout.DoSeek:       (*releaseRun).seek,
	rollout.DoVoid:       (*releaseRun).void,
	rollout.DoJoin:       (*releaseRun).join,
	rollout.DoDistribute: (*releaseRun).distribute,
	rollout.DoVerify:     (*releaseRun).verify,
	rollout.DoAdvance:    (*releaseRun).advance,
	rollout.DoObserve:    (*releaseRun).observe,
	rollout.DoSoak:       (*releaseRun).soak,
	rollout.DoClose:      (*releaseRun).close,
	rollout.DoLeave:      (*releaseRun).leave,
	rollout.DoContain:    (*releaseRun).contain,
}

// failures say what a step's failure is to the release. Steps that are not here are
// tried again.
var failures = map[rollout.Step]rollout.ReleaseEventKind{
	rollout.DoCheck:      rollout.NotEligible,
	rollout.DoDistribute: rollout.NotDistributed,
	rollout.DoVerify:     rollout.NotVerified,
}

const (
	// askPause is how long a release waits that its channel held back, before it asks
	// again. What happens on the channel in between wakes nobody up.
	askPause = 2 * time.Second
	// stepPause is how long a step waits that failed and is tried again.
	stepPause = 5 * time.Second
)

// stepEnd is how a step ended. It counts as long as no other step was begun: until it is
// taken in the release may have moved on, to where the same would mean something else.
type stepEnd struct {
	step  int
	event rollout.ReleaseEvent
}

// start begins steps, and gives up those that run: what they find out is stale. Nil
// leaves everything as it is.
func (r *releaseRun) start(ctx workflow.Context, steps []rollout.Step) {
	if steps == nil {
		return
	}
	r.stopSteps()
	if len(steps) == 0 {
		return
	}
	r.step++
	token := r.step
	stepping, cancel := workflow.WithCancel(ctx)
	r.stopStep = cancel
	r.steps++
	workflow.GoNamed(stepping, string(steps[len(steps)-1]), func(ctx workflow.Context) {
		defer func() { r.steps-- }()
		for _, step := range steps {
			event := r.do(ctx, step)
			if ctx.Err() != nil || token != r.step {
				return
			}
			if event != nil {
				event.Stage = r.record.Stage
				r.happened = append(r.happened, stepEnd{token, *event})
			}
		}
	})
}

func (r *releaseRun) stopSteps() {
	r.step++
	if r.stopStep != nil {
		r.stopStep()
		r.stopStep = nil
	}
}

// do does a step, and again if it fails without meaning anything.
func (r *releaseRun) do(ctx workflow.Context, step rollout.Step) *rollout.ReleaseEvent {
	for {
		event, err := doers[step](r, ctx)
		switch kind, fatal := failures[step]; {
		case err == nil || ctx.Err() != nil:
			return event
		case fatal:
			detail, _ := failureOf(err)
			return &rollout.ReleaseEvent{Kind: kind, Code: detail.Code, Reason: detail.Message}
		}
		workflow.GetLogger(ctx).Warn("a step of a release failed and is tried again", "release_id", r.in.ReleaseID, "step", step, "error", err)
		if workflow.Sleep(ctx, stepPause) != nil {
			return nil
		}
	}
}
