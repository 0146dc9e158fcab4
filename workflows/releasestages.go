package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// stageGrace is what an attempt may take longer than its pinned time, to record that it
// was over.
const stageGrace = 10 * time.Second

// pinStages finds out what does the stages of the spine.
func (r *releaseRun) pinStages(ctx workflow.Context) (releases.Pinned, error) {
	var pinned releases.Pinned
	err := workflow.ExecuteActivity(checkOptions(ctx, "pin what does distribute, activate and render"), ActivityPinRelease,
		releases.PinInput{Organization: r.organization, Channel: r.record.Request.Channel, BuildID: r.record.Request.BuildID}).Get(ctx, &pinned)
	return pinned, err
}

// unpinned is what is wrong with pins as a matter of fact.
func unpinned(pinned releases.Pinned) []releases.Problem {
	problems := pinned.Problems
	for _, stage := range []records.Stage{records.Distribute, records.Activate} {
		if _, is := (records.Pins{Stages: pinned.Stages}).Stage(stage); !is && len(problems) == 0 {
			problems = append(problems, releases.Problem{Code: gates.PinUnknown, Message: fmt.Sprintf("nothing is pinned for stage %s", stage)})
		}
	}
	return problems
}

// sameTarget reports whether what distributes and activates is what was approved.
func (r *releaseRun) sameTarget(now releases.Pinned) bool {
	for _, stage := range []records.Stage{records.Distribute, records.Activate} {
		then, is := r.record.Pinned(stage)
		found, still := records.Pins{Stages: now.Stages}.Stage(stage)
		if !is || !still || then.Digest != found.Digest {
			return false
		}
	}
	return true
}

// part names the part of the plan that the release is in.
func (r *releaseRun) part() string { return r.record.Stages[r.record.Stage].Name }

// runStage has a stage of the spine done, and keeps what became of it. Its start is
// durable before.
func (r *releaseRun) runStage(ctx workflow.Context, stage records.Stage, part, activity string) error {
	row := r.record.SpineStage(stage, part)
	pinned, is := r.record.Pinned(stage)
	if row == nil || !is {
		return stageError(gates.PinUnknown, fmt.Sprintf("nothing is pinned for stage %s", stage))
	}
	r.record.BeginStage(row, workflow.Now(ctx).UTC(), release.SpineInputs(*r.record.Pack))
	generation := row.Generation
	if done, err := r.save(ctx); err != nil || !done {
		return errors.Join(err, errLost(done))
	}
	var finished records.StageFinished
	err := workflow.ExecuteActivity(stageOptions(ctx, pinned), activity, releases.StageInput{
		Organization: r.organization, ReleaseID: r.in.ReleaseID, Channel: r.record.Request.Channel,
		Part: part, Generation: generation, Pack: *r.record.Pack, Pinned: pinned,
	}).Get(ctx, &finished)
	if err == nil {
		err = unyielded(stage, finished)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	attempts, unread := r.attempts(ctx, stage, generation)
	if unread != nil || ctx.Err() != nil {
		return errors.Join(unread, ctx.Err())
	}
	row = r.record.SpineStage(stage, part)
	if row == nil || row.Generation != generation || row.Status != records.StageRunning {
		return err // the release went on without it
	}
	row.Attempts = append(row.Attempts, attempts...)
	if err != nil {
		r.stageFailed(ctx, row, err)
		return err
	}
	row.Yield(finished)
	row.End(records.StagePass, workflow.Now(ctx).UTC(), nil, "")
	return nil
}

// stageFailed keeps why a stage yielded nothing, and records it where no activity did.
func (r *releaseRun) stageFailed(ctx workflow.Context, row *release.SpineStage, err error) {
	detail, described := failureOf(err)
	codes := []string{string(detail.Code)}
	row.End(records.StageFail, workflow.Now(ctx).UTC(), codes, detail.Message)
	if !described || !detail.Recorded {
		attempt := max(detail.Attempt, 1)
		r.noteStage(ctx, row, records.Entry{Type: records.TypeStageFailed, Codes: codes}, attempt, "/unrecorded", records.StageFailed{
			Message: detail.Message, Details: detail.Details, Attempt: attempt, Final: true,
		})
	}
}

// noteStage notes an entry about an attempt at a stage, and keeps it among the stage's
// attempts. Of one type there is one of each generation.
func (r *releaseRun) noteStage(ctx workflow.Context, row *release.SpineStage, entry records.Entry, attempt int, of string, body any) {
	entry.Correlation.Stage, entry.Correlation.Generation, entry.Correlation.Attempt = row.Stage, row.Generation, attempt
	key := fmt.Sprintf("%s/%d%s", row.Stage, row.Generation, of)
	r.note(ctx, entry, key, body)
	full, err := records.NewEntry(r.entry(ctx, entry), key, body)
	if err != nil {
		panic(err) // as when it is committed: what is noted has a canonical form
	}
	told, err := records.AttemptOf(full)
	if err != nil {
		panic(err) // it was made just now
	}
	row.Attempts = append(row.Attempts, told)
}

// attempts reads what attempts there were.
func (r *releaseRun) attempts(ctx workflow.Context, stage records.Stage, generation int) ([]records.AttemptRecord, error) {
	var attempts []records.AttemptRecord
	err := workflow.ExecuteLocalActivity(bookkeeping(ctx, fmt.Sprintf("read the attempts at %s", stage)), ActivityAttempts,
		releases.AttemptsInput{Organization: r.organization, ReleaseID: r.in.ReleaseID, Stage: stage, Generation: generation}).Get(ctx, &attempts)
	return attempts, err
}

// unyielded returns an error unless all that a stage declares is there.
func unyielded(stage records.Stage, finished records.StageFinished) error {
	spec, _ := records.ReleaseStage(stage)
	for _, declared := range spec.Outputs {
		found := false
		for _, output := range finished.Outputs {
			found = found || output.Name == declared.Name && output.Ref.Digest.Valid()
		}
		if !found {
			return stageError(gates.OutputMissing, fmt.Sprintf("stage %s did not yield %s", stage, declared.Name))
		}
	}
	return nil
}

func stageError(code gates.Code, message string) error {
	return temporal.NewNonRetryableApplicationError(message, string(code), nil, activities.FailureDetail{Code: code, Message: message})
}

func stageOptions(ctx workflow.Context, pinned records.PinnedStage) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: pinned.Timeout.Std() + stageGrace,
		HeartbeatTimeout:    pinned.Heartbeat.Std(),
		RetryPolicy:         retryPolicy(pinned),
		Summary:             fmt.Sprintf("%s (%s %s)", pinned.Stage, pinned.Runner.Kind, pinned.Runner.Version),
	})
}

// distribute makes the pack fetchable at the target. Nothing becomes active.
func (r *releaseRun) distribute(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	if err := r.runStage(ctx, records.Distribute, r.part(), ActivityDistribute); err != nil {
		return nil, err
	}
	return &rollout.ReleaseEvent{Kind: rollout.Distributed}, nil
}

// renderBeside begins to render the pack, beside what is watched until then, and returns
// what tells whether that is over. A pack that cannot be rendered is a finding: it
// moves nothing, neither forward nor back.
func (r *releaseRun) renderBeside(ctx workflow.Context, until time.Time) (over func() bool) {
	row := r.record.SpineStage(records.Render, "")
	ended := row == nil || row.Status != records.StagePending && row.Status != records.StageRunning
	if ended {
		return func() bool { return true }
	}
	workflow.GoNamed(ctx, "render", func(ctx workflow.Context) {
		defer func() {
			ended = true
			if !workflow.Now(ctx).Before(until) {
				r.news++ // the judge may wait for nothing else, and looks again
			}
		}()
		for ctx.Err() == nil {
			err := r.runStage(ctx, records.Render, "", ActivityRender)
			if ctx.Err() != nil || r.lost {
				return
			}
			if row := r.record.SpineStage(records.Render, ""); row != nil && row.Status == records.StageRunning {
				workflow.GetLogger(ctx).Warn("what became of a rendering could not be told; it is tried again", "release_id", r.in.ReleaseID, "error", err)
				_ = workflow.Sleep(ctx, stepPause) // its error is that of the context
				continue
			}
			if _, err := r.save(ctx); err != nil {
				workflow.GetLogger(ctx).Warn("what was rendered is recorded with what comes next", "release_id", r.in.ReleaseID, "error", err)
			}
			return
		}
	})
	return func() bool { return ended }
}
