package workflows

import (
	"fmt"
	"sort"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// cancelActor stands for whoever cancelled the workflow through Temporal, which
// does not say who that was.
const cancelActor = "temporal:cancel"

// decided keeps a decision for the record and returns how the build ends if it
// is a refusal.
func (b *build) decided(ctx workflow.Context, d gates.Decision) *ending {
	entryType := records.TypeGatePassed
	if !d.Permits() {
		entryType = records.TypeGateFailed
	}
	codes := codesOf(d)
	b.note(ctx, records.KindDecision, entryType, d.Subject.Stage, records.SystemActor, "", codes, d)
	if d.Permits() {
		return nil
	}
	return &ending{state: records.BuildBlocked, status: records.StageFail, stage: d.Subject.Stage, codes: codes}
}

func codesOf(d gates.Decision) []string {
	codes := make([]string, 0, len(d.Codes))
	for _, code := range d.Codes {
		codes = append(codes, string(code))
	}
	return codes
}

// failed returns how the build ends if a stage could not be done.
func (b *build) failed(ctx workflow.Context, stage records.Stage, err error) *ending {
	if temporal.IsCanceledError(err) && (b.stop != nil || ctx.Err() != nil) {
		return b.stopped(ctx)
	}
	detail, described := failureOf(err)
	codes := []string{string(detail.Code)}
	if !described || !detail.Recorded {
		b.note(ctx, records.KindEvent, records.TypeStageFailed, stage, records.SystemActor, "", codes, records.StageFailed{
			Message: detail.Message, Details: detail.Details, Attempt: max(detail.Attempt, 1), Final: true,
		})
	}
	return &ending{state: records.BuildFailed, status: records.StageError, stage: stage, codes: codes}
}

// stopped returns how the build ends if an operator has asked to stop it, or
// cancelled its workflow.
func (b *build) stopped(ctx workflow.Context) *ending {
	if b.stop == nil && ctx.Err() != nil {
		b.stop = &StopRequest{Actor: cancelActor, Reason: "the workflow was cancelled in Temporal"}
		b.noteStop(ctx)
	}
	if b.stop == nil {
		return nil
	}
	end := ending{state: records.BuildStopped, status: records.StageSkip, codes: []string{string(gates.StoppedByOperator)}}
	if len(b.passed) < len(b.spine) {
		end.stage = b.spine[len(b.passed)].Stage
	}
	return &end
}

// merge unites two endings: the first says how, both say why.
func merge(a, b *ending) *ending {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	seen := map[string]bool{}
	merged := *a
	merged.codes = nil
	for _, code := range append(append([]string{}, a.codes...), b.codes...) {
		if !seen[code] {
			seen[code] = true
			merged.codes = append(merged.codes, code)
		}
	}
	sort.Strings(merged.codes)
	return &merged
}

// retried waits, as long as the pipeline says, for an operator to retry a build
// that ended at a stage, or to override the gates that refused it. It returns
// false if none does.
func (b *build) retried(ctx workflow.Context, end ending) bool {
	patience := b.pinned.Pins.WaitForOperator.Std()
	b.show(ctx, end.stage, end.status, end.codes)
	if end.state == records.BuildStopped || patience <= 0 {
		return false
	}
	until := workflow.Now(ctx).Add(patience)
	b.note(ctx, records.KindEvent, records.TypeBuildWaiting, end.stage, records.SystemActor, "", end.codes,
		records.BuildWaits{Stage: end.stage, Until: until, As: end.status})
	if err := b.record(ctx); err != nil {
		return false
	}
	b.waiting, b.retry = &end, nil
	defer func() { b.refused = nil }()
	b.mark(ctx, records.BuildWaiting, end.stage, end.codes)
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: patience,
		TimerOptions: workflow.TimerOptions{
			Summary: fmt.Sprintf("waits for an operator to retry %s until %s", end.stage, until.Format(time.RFC3339)),
		},
	}, func() bool { return b.retry != nil || b.stop != nil || b.refused.overridden() })
	b.waiting = nil
	switch {
	case b.stop != nil || err != nil:
		return false
	case b.retry != nil:
		b.reopen(ctx, *b.retry)
		return true
	case b.refused.overridden():
		b.pass(ctx, b.refused.Passed)
		b.mark(ctx, records.BuildRunning, end.stage, nil)
		return true
	default:
		return false
	}
}

// reopen opens a new generation at the retried stage. What lies downstream of
// it, and its own output, is void.
func (b *build) reopen(ctx workflow.Context, r RetryRequest) {
	b.passed = b.passed[:records.BuildIndex(r.Stage)]
	b.resetSteps(r.Stage)
	b.mark(ctx, records.BuildRunning, r.Stage, nil)
}

// record writes the pending entries now, for there is no next activity that
// could carry them.
func (b *build) record(ctx workflow.Context) error {
	local := bookkeeping(ctx, "record decisions")
	return workflow.ExecuteLocalActivity(local, ActivityRecord, activities.RecordInput{Entries: b.takePending()}).Get(ctx, nil)
}

// finish records how the build ended, also when its workflow was cancelled.
func (b *build) finish(ctx workflow.Context, end ending) (BuildOutcome, error) {
	if b.stop != nil && end.state != records.BuildPassed {
		end = *merge(b.stopped(ctx), &end)
	}
	b.ended = true
	outlasting, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	in := activities.FinishInput{
		Organization: b.in.Organization, BuildID: b.in.BuildID, Request: b.in.Request,
		State: end.state, Codes: end.codes, Stage: end.stage, Pending: b.takePending(),
	}
	if b.pinned.Ref.Valid() {
		in.Pins = &b.pinned.Pins
	}
	var finished activities.Finished
	local := bookkeeping(outlasting, "write the build record")
	if err := workflow.ExecuteLocalActivity(local, ActivityFinish, in).Get(outlasting, &finished); err != nil {
		return BuildOutcome{}, err
	}
	b.show(ctx, records.StepRecord, records.StagePass, nil)
	b.mark(outlasting, end.state, end.stage, end.codes)
	if err := workflow.Await(outlasting, func() bool { return workflow.AllHandlersFinished(outlasting) }); err != nil {
		return BuildOutcome{}, err
	}
	return BuildOutcome{BuildID: b.in.BuildID, State: end.state, Stage: end.stage, Codes: end.codes, Record: finished.Record}, nil
}

// note keeps an entry to be recorded with the next activity, before whatever
// that does.
//
// What the entry says is part of its identity, its place in a sequence is not: a
// workflow task that was lost with its process is done again, with its inline
// activities, at another time and perhaps with an update in between. What it makes
// then is either the same fact or one more, never another under the same id.
func (b *build) note(
	ctx workflow.Context, kind records.EntryKind, entryType string, stage records.Stage, actor, reason string, codes []string, body any,
) {
	info := workflow.GetInfo(ctx).WorkflowExecution
	content, err := records.CanonicalDigest([]any{actor, reason, body})
	if err != nil {
		// Only a body without canonical form can fail, which is a defect: stop here
		// rather than go on unrecorded.
		panic(err)
	}
	entry, err := records.NewEntry(records.Entry{
		Organization: b.in.Organization, Kind: kind, Type: entryType,
		Subject: records.Subject{Kind: records.SubjectBuild, ID: b.in.BuildID},
		At:      workflow.Now(ctx), Actor: actor, Reason: reason, Codes: codes,
		Correlation: records.Correlation{
			BuildID: b.in.BuildID, Stage: stage, Generation: b.generation,
			WorkflowID: info.ID, RunID: info.RunID,
		},
	}, fmt.Sprintf("workflow/%s/%s/%d/%s", info.RunID, stage, b.generation, content), body)
	if err != nil {
		panic(err) // for the same reason
	}
	b.pending = append(b.pending, entry)
}

func (b *build) takePending() []records.Entry {
	taken := b.pending
	b.pending = nil
	return taken
}
