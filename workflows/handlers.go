package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// StopRequest is the argument of the stop update.
type StopRequest struct {
	Actor  string `json:"actor"`
	Reason string `json:"reason"`
	// Now cancels the stage that runs; otherwise it ends first, and the build
	// stops before the next.
	Now bool `json:"now,omitempty"`
}

// RetryRequest is the argument of the retry update.
type RetryRequest struct {
	Actor  string        `json:"actor"`
	Reason string        `json:"reason"`
	Stage  records.Stage `json:"stage"`
}

// Accepted is the answer to an update: the state that the build goes to.
type Accepted struct {
	State      records.BuildState `json:"state"`
	Generation int                `json:"generation"`
}

// handle registers every handler, before anything blocks.
func (b *build) handle(ctx workflow.Context) error {
	b.show(ctx, records.StepPin, records.StageRunning, nil)
	if err := workflow.SetQueryHandlerWithOptions(ctx, QueryBuild, b.queried,
		workflow.QueryHandlerOptions{Description: "Where the build stands: its steps, in order."}); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateStop, b.onStop, workflow.UpdateHandlerOptions{
		Validator:   b.mayStop,
		Description: "Stops the build before its next stage, or at once with now. Takes actor and reason.",
	}); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateOverride, b.onOverride, workflow.UpdateHandlerOptions{
		Validator:   b.mayOverride,
		Description: "Overrides a gate that refused the stage at which the build waits, where its policy lets it. Takes actor, reason, gate, case_id and expires_at.",
	}); err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateRetry, b.onRetry, workflow.UpdateHandlerOptions{
		Validator:   b.mayRetry,
		Description: "Retries a stage of a build that waits, in a new generation. Takes actor, reason and stage.",
	})
}

func (b *build) mayStop(request StopRequest) error {
	switch {
	case b.ended:
		return refusal(gates.InvalidTransition, "build %s has ended", b.in.BuildID)
	case b.stop != nil && (b.stop.Now || !request.Now):
		return refusal(gates.InvalidTransition, "build %s is already being stopped", b.in.BuildID)
	default:
		return accountable(request.Actor, request.Reason)
	}
}

func (b *build) onStop(ctx workflow.Context, request StopRequest) (Accepted, error) {
	if err := b.mayStop(request); err != nil {
		return Accepted{}, err
	}
	b.stop = &request
	b.noteStop(ctx)
	if request.Now && b.cancel != nil {
		b.cancel()
	}
	return Accepted{State: records.BuildStopped, Generation: b.generation}, nil
}

// noteStop keeps for the record who stopped the build.
func (b *build) noteStop(ctx workflow.Context) {
	b.note(ctx, records.KindEvent, records.TypeOperatorAction, "", b.stop.Actor, b.stop.Reason, nil, records.OperatorAction{
		Action: records.ActionStop, Now: b.stop.Now, Before: b.state(), After: records.BuildStopped,
	})
}

func (b *build) mayRetry(request RetryRequest) error {
	index := records.BuildIndex(request.Stage)
	switch {
	case b.waiting == nil || b.retry != nil || b.stop != nil:
		return refusal(gates.InvalidTransition, "build %s does not wait for an operator: only a build in state %s can be retried",
			b.in.BuildID, records.BuildWaiting)
	case index < 0:
		return refusal(gates.RequestInvalid, "%q is no stage of a build", request.Stage)
	case index > records.BuildIndex(b.waiting.stage):
		return refusal(gates.InvalidTransition, "build %s has not come to %s: retry %s or a stage before it",
			b.in.BuildID, request.Stage, b.waiting.stage)
	default:
		return accountable(request.Actor, request.Reason)
	}
}

func (b *build) onRetry(ctx workflow.Context, request RetryRequest) (Accepted, error) {
	if err := b.mayRetry(request); err != nil {
		return Accepted{}, err
	}
	b.retry = &request
	b.generation++
	b.note(ctx, records.KindEvent, records.TypeOperatorAction, request.Stage, request.Actor, request.Reason, nil, records.OperatorAction{
		Action: records.ActionRetry, Stage: request.Stage, Before: records.BuildWaiting, After: records.BuildRunning,
	})
	return Accepted{State: records.BuildRunning, Generation: b.generation}, nil
}

func (b *build) state() records.BuildState {
	if b.waiting != nil {
		return records.BuildWaiting
	}
	return records.BuildRunning
}

// accountable refuses an action that nobody, or nothing, answers for.
func accountable(actor, reason string) error {
	switch {
	case actor == "":
		return refusal(gates.RequestInvalid, "an actor is required")
	case reason == "":
		return refusal(gates.RequestInvalid, "a reason is required")
	case len(reason) > maxReason:
		return refusal(gates.RequestInvalid, "the reason has more than %d bytes", maxReason)
	default:
		return nil
	}
}

// refusal refuses an update; the type of the error is the reason code.
func refusal(code gates.Code, format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), string(code), nil)
}
