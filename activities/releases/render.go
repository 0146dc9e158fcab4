package releases

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/initkoa/orgo/activities/reference/render"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
)

// render renders the pack with the runner that is pinned, and returns what that yields,
// verified, or what was yielded first. Failures are *runner.Failure, or of the context
// or the record store.
func (a *Activities) render(ctx context.Context, at attempt) (records.StageFinished, error) {
	if a.runners == nil {
		return records.StageFinished{}, final(gates.RunnerUnavailable, nil, "release %s: this worker has no runners", at.ReleaseID)
	}
	first, found, err := a.store.Output(ctx, at.Organization, at.key)
	if err != nil || found {
		return a.renderedBefore(ctx, first, err)
	}
	record, pack, err := a.packToRender(ctx, at.StageInput)
	if err != nil {
		return records.StageFinished{}, err
	}
	request, err := a.renderRequest(ctx, at, record, pack)
	if err != nil {
		return records.StageFinished{}, err
	}
	return a.runRenderer(ctx, request, cmp.Or(at.Pinned.Timeout.Std(), renderTimeout), at.progress)
}

// renderedBefore returns what was rendered first, read back.
func (a *Activities) renderedBefore(ctx context.Context, first records.Entry, err error) (records.StageFinished, error) {
	var finished records.StageFinished
	if err == nil {
		err = json.Unmarshal(first.Body, &finished)
	}
	if err == nil {
		finished.Outputs, err = a.verifyRendered(ctx, finished.Outputs)
	}
	return finished, err
}

// packToRender returns the record of the build that made a pack, and the pack as that
// record has it. One that the build did not make is refused.
func (a *Activities) packToRender(ctx context.Context, in StageInput) (records.BuildRecord, index.Pack, error) {
	var b built
	if err := a.readRecord(ctx, in.Organization, in.Pack.BuildID, &b); err != nil {
		return b.record, b.pack, err
	}
	if len(b.problems) > 0 {
		return b.record, b.pack, final(b.problems[0].Code, nil, "%s", b.problems[0].Message)
	}
	asked, err := in.Pack.Digest()
	if err != nil {
		return b.record, b.pack, err
	}
	pack, made := index.PackOf(b.record, in.Pack.Version)
	if !made {
		return b.record, pack, final(gates.OutputMissing, nil, "build %s made no runtime pack, or no exchange", in.Pack.BuildID)
	}
	if digest, err := pack.Digest(); err != nil || digest != asked {
		return b.record, pack, final(gates.PackUnverified, err, "pack %s is not what build %s made", asked, in.Pack.BuildID)
	}
	if err := pack.Check(); err != nil {
		return b.record, pack, final(gates.IndexRefused, err, "the pack of build %s", in.Pack.BuildID)
	}
	return b.record, pack, nil
}

// renderTimeout bounds an attempt where its pin does not.
const renderTimeout = 30 * time.Minute

// configLimit bounds the size of the config of a stage, in bytes.
const configLimit = 4 << 20

// renderRequest makes the request for what renders.
func (a *Activities) renderRequest(ctx context.Context, at attempt, record records.BuildRecord, pack index.Pack) (runner.Request, error) {
	config, err := a.artifacts.ReadAll(ctx, at.Pinned.Config, configLimit)
	if err != nil {
		return runner.Request{}, err
	}
	recipe, err := records.Recipe(*record.Pins, record.Snapshot.Digest)
	return runner.Request{
		Organization: at.Organization, BuildID: record.BuildID, Stage: records.Render, Generation: at.Generation, Attempt: at.number,
		IdempotencyKey: at.key, Inputs: append(release.SpineInputs(pack), pack.Files...), Config: config,
		Recipe: recipe, SourceDate: record.Pins.SourceDate, Runner: at.Pinned.Runner,
	}, err
}

// runRenderer verifies the inputs, runs the runner in its time, and returns what it
// yielded, verified.
func (a *Activities) runRenderer(ctx context.Context, request runner.Request, timeout time.Duration, progress runner.Progress) (records.StageFinished, error) {
	var none records.StageFinished
	run, err := a.runners.Runner(records.Render, request.Runner)
	if err != nil {
		return none, err
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for _, input := range request.Inputs {
		if err := a.artifacts.Verify(bounded, input.Ref); err != nil {
			return none, inTime(bounded, err)
		}
	}
	result, err := run.Run(bounded, request, progress)
	if errors.Is(err, runner.ErrPending) {
		return none, final(gates.RunnerFailed, nil, "stage %s: its runner wants to answer by a callback, which releases do not take", request.Stage)
	}
	if err != nil {
		return none, inTime(bounded, err)
	}
	outputs, err := a.verifyRendered(bounded, result.Outputs)
	return records.StageFinished{
		Outputs: outputs, Attachments: result.Attachments, Metrics: result.Metrics, Notes: result.Notes,
	}, inTime(bounded, err)
}

// inTime returns an error as a *runner.Failure, unless the caller has given up: that
// is none of the stage.
func inTime(ctx context.Context, err error) error {
	switch ended := ctx.Err(); {
	case err == nil:
		return nil
	case errors.Is(ended, context.DeadlineExceeded):
		return runner.Fail(gates.RunnerTimeout, err, "stage %s did not finish in its time", records.Render)
	case ended != nil:
		return ended
	}
	return runner.AsFailure(err)
}

// verifyRendered returns outputs in the order of the spine, each read back to its end.
// What is not declared, not there, there twice or not what its reference says is a
// failure, and so is a trace that does not lead from the page to claims.
func (a *Activities) verifyRendered(ctx context.Context, outputs []records.Artifact) ([]records.Artifact, error) {
	spec, _ := records.ReleaseStage(records.Render)
	for _, output := range outputs {
		if _, declared := spec.Output(output.Name); !declared || output.Path != "" {
			return nil, final(gates.OutputUndeclared, nil, "stage %s yielded %q with path %q, which is not declared", spec.Stage, output.Name, output.Path)
		}
	}
	verified := make([]records.Artifact, 0, len(spec.Outputs))
	for _, declared := range spec.Outputs {
		at := slices.IndexFunc(outputs, func(o records.Artifact) bool { return o.Name == declared.Name })
		if at < 0 {
			return nil, final(gates.OutputMissing, nil, "stage %s did not yield %s", spec.Stage, declared.Name)
		}
		if slices.ContainsFunc(outputs[at+1:], func(o records.Artifact) bool { return o.Name == declared.Name }) {
			return nil, final(gates.OutputUndeclared, nil, "stage %s yielded %s twice", spec.Stage, declared.Name)
		}
		ref := outputs[at].Ref
		if ref.MediaType != declared.MediaType {
			return nil, final(gates.MediaTypeMismatch, nil, "%s is %q, not %s", declared.Name, ref.MediaType, declared.MediaType)
		}
		ref.URI = "" // where a runner says that it may be fetched is no identity
		verified = append(verified, records.Artifact{Name: declared.Name, Ref: ref})
	}
	return verified, render.Check(ctx, a.artifacts, verified[0].Ref, verified[1].Ref)
}

// final returns a failure that is not tried again, whatever the table of reasons says
// of its code.
func final(code gates.Code, cause error, format string, args ...any) *runner.Failure {
	failure := runner.Fail(code, cause, format, args...)
	failure.Final = true
	return failure
}
