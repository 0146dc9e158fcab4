package activities

import (
	"context"
	"encoding/json"
	"errors"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// FailureDetail travels in the details of an application error, so that the
// workflow, the record and the Temporal Web UI tell the same.
type FailureDetail struct {
	Code     gates.Code      `json:"code"`
	Message  string          `json:"message"`
	Details  json.RawMessage `json:"details,omitempty"`
	Attempt  int             `json:"attempt"`
	Recorded bool            `json:"recorded"` // its stage.failed entry is in the store
}

// applicationError turns a failure into what Temporal understands: the type is
// the reason code, and what cannot get better is not tried again. Expected
// retries are benign: they are no reason for an alert.
func applicationError(failure *runner.Failure, detail FailureDetail) error {
	category := temporal.ApplicationErrorCategoryUnspecified
	if !failure.Final {
		category = temporal.ApplicationErrorCategoryBenign
	}
	return temporal.NewApplicationErrorWithOptions(failure.Message, string(failure.Code), temporal.ApplicationErrorOptions{
		NonRetryable: failure.Final,
		Cause:        failure.Cause,
		Details:      []any{detail},
		Category:     category,
	})
}

// ReportFailure returns a failure as the error of an activity that has not
// recorded it; the workflow does.
func ReportFailure(failure *runner.Failure, attempt int) error {
	return applicationError(failure, FailureDetail{
		Code: failure.Code, Message: failure.Text(), Details: failure.Details, Attempt: attempt,
	})
}

// Report returns an error as that of the running activity, by its reason code.
func Report(ctx context.Context, err error) error {
	return ReportFailure(named(err), attempt(ctx))
}

// named gives errors of the store and the artifact store their reason codes.
func named(err error) *runner.Failure {
	var failure *runner.Failure
	var conflict *store.OutputConflict
	var duplicate *store.EntryConflict
	var invalid *store.InvalidEntry
	switch {
	case errors.As(err, &failure):
		return failure
	case errors.As(err, &conflict):
		return runner.Fail(gates.StageOutputConflict, err, "the stage yielded another output before, which stays")
	case errors.As(err, &duplicate):
		return runner.Fail(gates.StageOutputConflict, err, "another fact was recorded under the same id")
	case errors.As(err, &invalid):
		return runner.Fail(gates.RequestInvalid, err, "an entry cannot be recorded")
	case errors.Is(err, records.ErrBuildEnded), errors.Is(err, records.ErrVoided):
		return runner.Fail(gates.InvalidTransition, err, "the record has moved on")
	case errors.Is(err, context.DeadlineExceeded):
		return runner.Fail(gates.RunnerTimeout, err, "the stage did not finish in its pinned time")
	}
	var unavailable *store.Unavailable
	if errors.As(err, &unavailable) {
		return runner.Fail(gates.StoreUnavailable, err, "the record store did not answer")
	}
	return runner.AsFailure(err)
}

// attempt returns the number of the current attempt, from 1.
func attempt(ctx context.Context) int { return int(activity.GetInfo(ctx).Attempt) }

// correlation returns the ids of the running activity.
func correlation(ctx context.Context, buildID string, stage records.Stage, generation int) records.Correlation {
	info := activity.GetInfo(ctx)
	return records.Correlation{
		BuildID: buildID, Stage: stage, Generation: generation, Attempt: int(info.Attempt),
		WorkflowID: info.WorkflowExecution.ID, RunID: info.WorkflowExecution.RunID,
	}
}
