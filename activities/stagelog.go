package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.temporal.io/sdk/activity"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// Appender is what a StageLog needs of the record store.
type Appender interface {
	Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error)
}

// StageLog records what becomes of attempts at stages. Stages of builds and of
// releases are recorded by it alike.
type StageLog struct {
	store Appender
	clock Clock
}

// NewStageLog returns a log over a store.
func NewStageLog(store Appender, clock Clock) StageLog { return StageLog{store, clock} }

// StageOf says of what an attempt is one. About has the ids that tie it to its
// surroundings, its stage and its generation among them; the running activity adds
// its attempt, workflow and run.
type StageOf struct {
	Organization string
	Subject      records.Subject
	About        records.Correlation
}

// Entry makes an entry about the stage, of the running activity.
func (l StageLog) Entry(
	ctx context.Context, of StageOf, kind records.EntryKind, entryType, discriminator string, codes []string, body any,
) (records.Entry, error) {
	info := activity.GetInfo(ctx)
	about := of.About
	about.Attempt, about.WorkflowID, about.RunID = int(info.Attempt), info.WorkflowExecution.ID, info.WorkflowExecution.RunID
	return records.NewEntry(records.Entry{
		Organization: of.Organization, Kind: kind, Type: entryType, Subject: of.Subject,
		At: l.clock.Now(), Actor: records.SystemActor, Codes: codes, Correlation: about,
	}, discriminator, body)
}

func (of StageOf) generation() string {
	return fmt.Sprintf("%s/%d", of.About.Stage, of.About.Generation)
}

func (of StageOf) attempt(ctx context.Context) string {
	return fmt.Sprintf("%s/%d", of.generation(), attempt(ctx))
}

// Started makes the entry of an attempt that begins.
func (l StageLog) Started(ctx context.Context, of StageOf, body records.StageStarted) (records.Entry, error) {
	body.Attempt = attempt(ctx)
	return l.Entry(ctx, of, records.KindEvent, records.TypeStageStarted, of.attempt(ctx), nil, body)
}

// Output makes the entry of a stage's output.
func (l StageLog) Output(ctx context.Context, of StageOf, finished records.StageFinished) (records.Entry, error) {
	return l.Entry(ctx, of, records.KindOutput, records.TypeStageFinished, of.generation(), nil, finished)
}

// Finish makes an output the authoritative one of its key, unless another is: that
// one stays, and the attempt to replace it is recorded. It returns the authoritative
// one.
func (l StageLog) Finish(ctx context.Context, of StageOf, finished records.StageFinished) (records.StageFinished, error) {
	output, err := l.Output(ctx, of, finished)
	if err != nil {
		return finished, err
	}
	stored, err := l.store.Append(ctx, output)
	if failure := named(err); err != nil && failure.Code == gates.StageOutputConflict {
		return finished, errors.Join(err, l.conflicted(ctx, of, finished))
	}
	if err != nil {
		return finished, err
	}
	var authoritative records.StageFinished
	if err := json.Unmarshal(stored[0].Body, &authoritative); err != nil {
		return finished, fmt.Errorf("output %s: %w", stored[0].ID, err)
	}
	return authoritative, nil
}

func (l StageLog) conflicted(ctx context.Context, of StageOf, refused records.StageFinished) error {
	entry, err := l.Entry(ctx, of, records.KindEvent, records.TypeStageConflict, of.attempt(ctx),
		[]string{string(gates.StageOutputConflict)}, refused)
	if err != nil {
		return err
	}
	_, err = l.store.Append(ctx, entry)
	return err
}

// Fail records that an attempt failed and returns the error for Temporal. A
// cancelled attempt is not a failure of the stage: the workflow records why it was
// cancelled. With a limit of attempts the last one is final.
func (l StageLog) Fail(ctx context.Context, of StageOf, err error, maxAttempts int) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	failure := named(err)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		failure = runner.Fail(gates.RunnerTimeout, err, "stage %s did not finish in its pinned time", of.About.Stage)
	}
	number := attempt(ctx)
	final := failure.Final || (maxAttempts > 0 && number >= maxAttempts)
	detail := FailureDetail{Code: failure.Code, Message: failure.Text(), Details: failure.Details, Attempt: number}
	entry, entryErr := l.Entry(ctx, of, records.KindEvent, records.TypeStageFailed, of.attempt(ctx), []string{string(failure.Code)},
		records.StageFailed{Message: detail.Message, Details: failure.Details, Attempt: number, Final: final})
	if entryErr == nil {
		// The record must be written even when the attempt's own time is over.
		_, entryErr = l.store.Append(context.WithoutCancel(ctx), entry)
	}
	detail.Recorded = entryErr == nil
	if entryErr != nil {
		activity.GetLogger(ctx).Error("a failed attempt is not recorded", "organization", of.Organization, "build_id", of.About.BuildID,
			"release_id", of.About.ReleaseID, "stage", of.About.Stage, "generation", of.About.Generation, "reason_code", failure.Code, "error", entryErr)
	}
	return applicationError(failure, detail)
}
