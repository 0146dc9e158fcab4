package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// pin ties the build to its documents. What cannot be pinned ends the build at
// once: no retry of it could change the request.
func (b *build) pin(ctx workflow.Context) *ending {
	local := bookkeeping(ctx, "pin pipeline, policy, contracts and runners")
	err := workflow.ExecuteLocalActivity(local, ActivityPin, activities.PinInput{
		Organization: b.in.Organization, BuildID: b.in.BuildID, Request: b.in.Request,
	}).Get(ctx, &b.pinned)
	if err != nil {
		return b.failed(ctx, records.StepPin, err)
	}
	if b.rules, err = b.pinned.Policy.Compile(); err != nil {
		return b.failed(ctx, records.StepPin, temporal.NewNonRetryableApplicationError(err.Error(), string(gates.PolicyInvalid), nil,
			activities.FailureDetail{Code: gates.PolicyInvalid, Message: err.Error()}))
	}
	b.show(ctx, records.StepPin, records.StagePass, nil)
	return nil
}

// execute does a stage where its pins say.
func (b *build) execute(ctx workflow.Context, stage records.Stage, inputs []records.Artifact) (activities.StageOutput, error) {
	pinned, found := b.pinned.Pins.Stage(stage)
	if !found {
		return activities.StageOutput{}, temporal.NewNonRetryableApplicationError(
			fmt.Sprintf("stage %s is not pinned", stage), string(gates.PinUnknown), nil)
	}
	in := activities.StageInput{
		Organization: b.in.Organization, BuildID: b.in.BuildID, Generation: b.generation,
		Inputs: inputs, Pinned: pinned, Contracts: b.pinned.Pins.Contracts, Recipe: b.recipe,
		SourceDate: b.pinned.Pins.SourceDate, Pending: b.takePending(),
	}
	if stage == records.Ingest {
		in.Sources = b.pinned.Inputs
	}
	b.show(ctx, stage, records.StageRunning, nil)
	stageCtx, cancel := workflow.WithCancel(ctx)
	b.cancel = cancel
	defer func() { b.cancel = nil; cancel() }()

	var out activities.StageOutput
	err := executors[routeOf(pinned)](stageCtx, in, &out)
	if out.Carried != nil {
		b.pending = append(b.pending, *out.Carried)
	}
	return out, err
}

// route is a way in which a stage reaches whoever does it.
type route string

const (
	routeInline   route = "inline"   // a local activity
	routeRemote   route = "remote"   // one activity
	routeCall     route = "call"     // an activity that may be completed from outside
	routeExternal route = "external" // an activity of another worker
)

func routeOf(pinned records.PinnedStage) route {
	switch pinned.Runner.Kind {
	case records.RunnerHTTP:
		return routeCall
	case records.RunnerTaskQueue:
		return routeExternal
	default:
		if pinned.Execution == records.ExecuteInline {
			return routeInline
		}
		return routeRemote
	}
}

// executors says how each route runs a stage.
var executors = map[route]func(workflow.Context, activities.StageInput, *activities.StageOutput) error{
	routeInline:   executeInline,
	routeRemote:   executeRemote,
	routeCall:     executeCall,
	routeExternal: executeExternal,
}

func executeInline(ctx workflow.Context, in activities.StageInput, out *activities.StageOutput) error {
	in.Carry = true
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: in.Pinned.Timeout.Std(),
		RetryPolicy:         retryPolicy(in.Pinned),
		Summary:             summary(in),
	})
	return workflow.ExecuteLocalActivity(local, StageActivity(in.Pinned.Stage), in).Get(ctx, out)
}

func executeRemote(ctx workflow.Context, in activities.StageInput, out *activities.StageOutput) error {
	return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, remoteOptions(in)), StageActivity(in.Pinned.Stage), in).Get(ctx, out)
}

func executeCall(ctx workflow.Context, in activities.StageInput, out *activities.StageOutput) error {
	return executeSplit(ctx, in, out, func(begun activities.StageBegun, result *runner.Result) error {
		options := remoteOptions(in)
		options.ActivityID = CallActivityID(in.Pinned.Stage, in.Generation)
		// The answer may come from outside: nobody beats meanwhile.
		options.HeartbeatTimeout = 0
		// Nor would anybody confirm a cancellation.
		options.WaitForCancellation = false
		return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), CallActivity(in.Pinned.Stage), begun).Get(ctx, result)
	})
}

func executeExternal(ctx workflow.Context, in activities.StageInput, out *activities.StageOutput) error {
	return executeSplit(ctx, in, out, func(begun activities.StageBegun, result *runner.Result) error {
		external := in.Pinned.Runner.TaskQueue
		options := remoteOptions(in)
		options.TaskQueue = external.TaskQueue
		err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), external.Activity, begun.Request).Get(ctx, result)
		return reported(external.TaskQueue, err)
	})
}

// reported makes of a foreign worker's error what any runner may report: it can
// name a failure of its work, but no decision of Orgo's, and cannot claim that it
// was recorded.
func reported(taskQueue string, err error) error {
	var application *temporal.ApplicationError
	if !errors.As(err, &application) {
		return err
	}
	final := application.NonRetryable()
	failure := runner.ReportedError{
		Code: gates.Code(application.Type()), Message: application.Message(), Final: &final,
	}.Failure("task queue " + taskQueue)
	return activities.ReportFailure(failure, 1)
}

// executeSplit does a stage in three steps, so that its start is recorded before
// and its output verified after somebody else does it.
func executeSplit(
	ctx workflow.Context, in activities.StageInput, out *activities.StageOutput,
	call func(activities.StageBegun, *runner.Result) error,
) error {
	var begun activities.StageBegun
	local := bookkeeping(ctx, "begin "+summary(in))
	if err := workflow.ExecuteLocalActivity(local, BeginActivity(in.Pinned.Stage), in).Get(ctx, &begun); err != nil {
		return err
	}
	in.Pending = nil // recorded
	var result runner.Result
	if !begun.Done {
		if err := call(begun, &result); err != nil {
			return err
		}
	}
	// Reading a large output back takes its time: an activity, not inline.
	options := remoteOptions(in)
	options.Summary = "verify " + summary(in)
	return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), EndActivity(in.Pinned.Stage),
		activities.StageResult{Input: in, Result: result, Done: begun.Done}).Get(ctx, out)
}

func remoteOptions(in activities.StageInput) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout: in.Pinned.Timeout.Std(),
		HeartbeatTimeout:    in.Pinned.Heartbeat.Std(),
		// A stopped stage is waited for, so that no program outlives its build.
		WaitForCancellation: true,
		RetryPolicy:         retryPolicy(in.Pinned),
		Summary:             summary(in),
	}
}

func summary(in activities.StageInput) string {
	return fmt.Sprintf("%s (%s %s, generation %d)",
		in.Pinned.Stage, in.Pinned.Runner.Kind, in.Pinned.Runner.Version, in.Generation)
}

func retryPolicy(pinned records.PinnedStage) *temporal.RetryPolicy {
	return &temporal.RetryPolicy{
		InitialInterval:    pinned.Retry.InitialInterval.Std(),
		MaximumInterval:    pinned.Retry.MaxInterval.Std(),
		BackoffCoefficient: pinned.Retry.Coefficient,
		MaximumAttempts:    int32(min(pinned.Retry.MaxAttempts, 1000)),
	}
}

// bookkeeping returns the context of a short local activity that is tried until
// it succeeds or finds that it never can.
func bookkeeping(ctx workflow.Context, what string) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout:    bookkeepingTimeout,
		ScheduleToCloseTimeout: 365 * 24 * time.Hour,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: bookkeepingRetry,
		},
		Summary: what,
	})
}

// failureOf reads what an activity said of its failure. A failure that no
// activity could describe (a timeout, a lost worker) is named here.
func failureOf(err error) (activities.FailureDetail, bool) {
	var application *temporal.ApplicationError
	if errors.As(err, &application) {
		var detail activities.FailureDetail
		if application.HasDetails() && application.Details(&detail) == nil && detail.Code != "" {
			return detail, true
		}
		return activities.FailureDetail{Code: gates.RunnerFailed, Message: application.Error()}, false
	}
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return activities.FailureDetail{Code: gates.RunnerTimeout, Message: err.Error()}, false
	}
	return activities.FailureDetail{Code: gates.InternalError, Message: err.Error()}, false
}
