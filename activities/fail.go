package activities

import (
	"context"
	"errors"
	"fmt"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// retryLimits says when a failed attempt is the last.
type retryLimits struct{ maxAttempts int }

func (a *Activities) failStage(ctx context.Context, in StageInput, err error) error {
	return a.fail(ctx, in.Organization, in.BuildID, in.Pinned.Stage, in.Generation, err,
		retryLimits{maxAttempts: in.Pinned.Retry.MaxAttempts})
}

// fail records that an attempt failed and returns the error for Temporal. A
// cancelled attempt is not a failure of the stage: the workflow records why it
// was cancelled.
func (a *Activities) fail(
	ctx context.Context, organization, buildID string, stage records.Stage, generation int, err error, limits retryLimits,
) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	failure := named(err)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		failure = runner.Fail(gates.RunnerTimeout, err, "stage %s did not finish in its pinned time", stage)
	}
	number := attempt(ctx)
	final := failure.Final || (limits.maxAttempts > 0 && number >= limits.maxAttempts)
	detail := FailureDetail{Code: failure.Code, Message: failure.Text(), Details: failure.Details, Attempt: number}
	entry, entryErr := records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: records.TypeStageFailed,
		Subject: buildSubject(buildID), At: a.clock.Now(), Actor: records.SystemActor, Codes: []string{string(failure.Code)},
		Correlation: correlation(ctx, buildID, stage, generation),
	}, fmt.Sprintf("%s/%d/%d", stage, generation, number), records.StageFailed{
		Message: detail.Message, Details: failure.Details, Attempt: number, Final: final,
	})
	if entryErr == nil {
		// The record must be written even when the attempt's own time is over.
		_, entryErr = a.store.Append(context.WithoutCancel(ctx), entry)
	}
	detail.Recorded = entryErr == nil
	if entryErr != nil {
		a.log.Error("a failed attempt is not recorded", "organization", organization, "build_id", buildID,
			"stage", stage, "generation", generation, "reason_code", failure.Code, "error", entryErr)
	}
	return applicationError(failure, detail)
}
