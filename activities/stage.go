package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// StageInput asks for one stage of a build. Pending are entries that the
// workflow made since the last activity; they are recorded before anything is
// done.
type StageInput struct {
	Organization string              `json:"organization"`
	BuildID      string              `json:"build_id"`
	Generation   int                 `json:"generation"`
	Inputs       []records.Artifact  `json:"inputs"`
	Sources      []records.Input     `json:"sources,omitempty"` // for ingest only
	Pinned       records.PinnedStage `json:"pinned"`
	Contracts    records.Ref         `json:"contracts"`
	Recipe       records.Digest      `json:"recipe,omitzero"` // zero for ingest
	SourceDate   time.Time           `json:"source_date"`
	Pending      []records.Entry     `json:"pending,omitempty"`
	// Carry has the output returned as an entry for the workflow to carry, not
	// recorded here. It is for a stage that runs inline: what follows it records
	// the entry first, and until then nothing has seen the output, so that a
	// flush to disk is saved and nothing lost but work that is short.
	Carry bool `json:"carry,omitempty"`
}

// StageOutput is what a stage yielded and what was found when it was read back.
type StageOutput struct {
	Outputs  []records.Artifact    `json:"outputs"`
	Evidence gates.Evidence        `json:"evidence"`
	Report   *gates.ReportEvidence `json:"report,omitempty"` // of validate
	// Provenance is what ingest says of where its files come from, if it does.
	Provenance *gates.Provenance `json:"provenance,omitempty"`
	// Carried is the entry of the output, still to be recorded.
	Carried *records.Entry `json:"carried,omitempty"`
}

// StageBegun is a stage that has started and is done by somebody else.
type StageBegun struct {
	Request runner.Request `json:"request"`
	// Done is set when the stage's authoritative output is there already.
	Done bool `json:"done"`
}

// StageResult is what somebody else made of a stage that was begun.
type StageResult struct {
	Input  StageInput    `json:"input"`
	Result runner.Result `json:"result"`
	Done   bool          `json:"done"`
}

// Stage does one stage: it records the pending entries and the start, verifies
// the inputs, runs the runner, records the output, and reads it back. A second
// run under the same idempotency key finds the first output and runs nothing.
func (a *Activities) Stage(ctx context.Context, in StageInput) (StageOutput, error) {
	beat := a.heartbeat(ctx, in.Pinned.Heartbeat.Std())
	defer beat.stop()
	out, err := a.stage(ctx, in, beat.progress)
	if err != nil {
		return StageOutput{}, a.failStage(ctx, in, err)
	}
	return out, nil
}

func (a *Activities) stage(ctx context.Context, in StageInput, progress runner.Progress) (StageOutput, error) {
	begun, err := a.begin(ctx, in)
	if err != nil {
		return StageOutput{}, err
	}
	var result runner.Result
	if !begun.Done {
		run, err := a.runners.Runner(in.Pinned.Stage, in.Pinned.Runner)
		if err != nil {
			return StageOutput{}, err
		}
		if result, err = run.Run(ctx, begun.Request, progress); err != nil {
			return StageOutput{}, err
		}
	}
	return a.end(ctx, StageResult{Input: in, Result: result, Done: begun.Done})
}

// BeginStage is the first half of Stage, for a stage that is done elsewhere.
func (a *Activities) BeginStage(ctx context.Context, in StageInput) (StageBegun, error) {
	begun, err := a.begin(ctx, in)
	if err != nil {
		return StageBegun{}, a.failStage(ctx, in, err)
	}
	return begun, nil
}

// EndStage is the second half of Stage.
func (a *Activities) EndStage(ctx context.Context, result StageResult) (StageOutput, error) {
	out, err := a.end(ctx, result)
	if err != nil {
		return StageOutput{}, a.failStage(ctx, result.Input, err)
	}
	return out, nil
}

// CallStage hands a begun stage to a runner that may answer later: it then
// returns activity.ErrResultPending, and the answer completes the activity.
func (a *Activities) CallStage(ctx context.Context, begun StageBegun) (runner.Result, error) {
	beat := a.heartbeat(ctx, activity.GetInfo(ctx).HeartbeatTimeout)
	defer beat.stop()
	request := begun.Request
	request.Attempt = attempt(ctx)
	run, err := a.runners.Runner(request.Stage, request.Runner)
	if err != nil {
		return runner.Result{}, Report(ctx, err)
	}
	result, err := run.Run(ctx, request, beat.progress)
	if errors.Is(err, runner.ErrPending) {
		return runner.Result{}, activity.ErrResultPending
	}
	if err != nil {
		return runner.Result{}, Report(ctx, err)
	}
	return result, nil
}

func (a *Activities) begin(ctx context.Context, in StageInput) (StageBegun, error) {
	stage := in.Pinned.Stage
	key, err := records.StageKey(in.BuildID, stage, in.Generation, in.Inputs, in.Pinned.Digest)
	if err != nil {
		return StageBegun{}, err
	}
	started, err := a.stages.Started(ctx, in.of(), records.StageStarted{Key: key, Inputs: in.Inputs, Runner: in.Pinned.Runner})
	if err != nil {
		return StageBegun{}, err
	}
	if _, done, err := a.store.Output(ctx, in.Organization, key); err != nil || done {
		if err == nil && len(in.Pending) > 0 {
			_, err = a.store.Append(ctx, in.Pending...)
		}
		return StageBegun{Done: done, Request: runner.Request{IdempotencyKey: key}}, err
	}
	if _, err := a.store.Append(ctx, append(in.Pending[:len(in.Pending):len(in.Pending)], started)...); err != nil {
		return StageBegun{}, err
	}
	if err := a.mayRun(ctx, in); err != nil {
		return StageBegun{}, err
	}
	if err := a.verifyInputs(ctx, in.Inputs); err != nil {
		return StageBegun{}, err
	}
	config, err := a.artifacts.ReadAll(ctx, in.Pinned.Config, documentLimit)
	if err != nil {
		return StageBegun{}, err
	}
	return StageBegun{Request: runner.Request{
		Organization: in.Organization, BuildID: in.BuildID, Stage: stage, Generation: in.Generation,
		Attempt: attempt(ctx), IdempotencyKey: key, Inputs: in.Inputs, Sources: in.Sources,
		Config: json.RawMessage(config), Recipe: in.Recipe, SourceDate: in.SourceDate, Runner: in.Pinned.Runner,
	}}, nil
}

// mayRun is the second lock on compile, behind the workflow's gate: the store
// must hold a passing validation decision of this build over exactly the inputs
// that compile is about to get.
func (a *Activities) mayRun(ctx context.Context, in StageInput) error {
	if in.Pinned.Stage != records.Compile {
		return nil
	}
	decisions, err := a.store.Entries(ctx, in.Organization, buildSubject(in.BuildID), decisionQuery)
	if err != nil {
		return err
	}
	for _, stored := range decisions {
		var decision gates.Decision
		if err := json.Unmarshal(stored.Body, &decision); err != nil {
			return fmt.Errorf("decision %s: %w", stored.ID, err)
		}
		if gates.PermitsCompile(decision, in.BuildID, in.Generation, in.Inputs) {
			return nil
		}
	}
	return runner.Fail(gates.ValidationNotRun, nil,
		"no passing validation of exactly these inputs is recorded for build %s", in.BuildID)
}

// verifyInputs reads every input back before it is used, the files of a
// snapshot included: a stage that would run over changed content refuses.
func (a *Activities) verifyInputs(ctx context.Context, inputs []records.Artifact) error {
	for _, input := range inputs {
		verify := a.artifacts.Verify
		if input.Name == records.OutSnapshot {
			verify = a.artifacts.VerifySnapshot
		}
		if err := verify(ctx, input.Ref); err != nil {
			return fmt.Errorf("input %s: %w", input.Name, err)
		}
	}
	return nil
}

func (a *Activities) end(ctx context.Context, done StageResult) (StageOutput, error) {
	in := done.Input
	key, err := records.StageKey(in.BuildID, in.Pinned.Stage, in.Generation, in.Inputs, in.Pinned.Digest)
	if err != nil {
		return StageOutput{}, err
	}
	finished := records.StageFinished{
		Key: key, Inputs: in.Inputs, Outputs: done.Result.Outputs,
		Attachments: done.Result.Attachments, Metrics: done.Result.Metrics, Notes: done.Result.Notes,
	}
	var carried *records.Entry
	switch {
	case done.Done:
		finished, err = a.existing(ctx, in.Organization, key)
	case in.Carry:
		var entry records.Entry
		entry, err = a.stages.Output(ctx, in.of(), finished)
		carried = &entry
	default:
		finished, err = a.stages.Finish(ctx, in.of(), finished)
	}
	if err != nil {
		return StageOutput{}, err
	}
	out, err := a.readBack(ctx, in, finished)
	out.Carried = carried
	return out, err
}

func (a *Activities) existing(ctx context.Context, organization, key string) (records.StageFinished, error) {
	var finished records.StageFinished
	entry, found, err := a.store.Output(ctx, organization, key)
	if err != nil {
		return finished, err
	}
	if !found {
		return finished, fmt.Errorf("output of %s has disappeared", key)
	}
	return finished, json.Unmarshal(entry.Body, &finished)
}

// of says of what the attempt is one.
func (in StageInput) of() StageOf {
	return buildStage(in.Organization, in.BuildID, in.Pinned.Stage, in.Generation)
}

func buildStage(organization, buildID string, stage records.Stage, generation int) StageOf {
	return StageOf{organization, buildSubject(buildID), records.Correlation{BuildID: buildID, Stage: stage, Generation: generation}}
}

func (a *Activities) failStage(ctx context.Context, in StageInput, err error) error {
	return a.stages.Fail(ctx, in.of(), err, in.Pinned.Retry.MaxAttempts)
}
