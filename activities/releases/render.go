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
	"github.com/initkoa/orgo/schemas"
)

// RenderInput asks for the pack of a release, rendered.
type RenderInput struct {
	Organization string     `json:"organization"`
	ReleaseID    string     `json:"release_id"`
	Pack         index.Pack `json:"pack"`
}

// Rendered is what a pack was rendered to, by what. Outputs stand in the order of the
// spine. Key is the same for every attempt at the same work.
type Rendered struct {
	Outputs []records.Artifact     `json:"outputs"`
	Runner  records.RunnerSettings `json:"runner"`
	Key     string                 `json:"idempotency_key"`
}

// Render renders a pack with the runner that the pipeline of its build names, and
// verifies what that yields. It records nothing.
func (a *Activities) Render(ctx context.Context, in RenderInput) (Rendered, error) {
	number, progress, stop := heartbeat(ctx)
	defer stop()
	rendered, err := a.render(ctx, in, number, progress)
	return reported(ctx, rendered, err)
}

// render does what Render says. Failures are *runner.Failure, or of the context or the
// record store.
func (a *Activities) render(ctx context.Context, in RenderInput, attempt int, progress runner.Progress) (Rendered, error) {
	if a.runners == nil {
		return Rendered{}, final(gates.RunnerUnavailable, nil, "release %s: this worker has no runners", in.ReleaseID)
	}
	record, pack, err := a.packToRender(ctx, in)
	if err != nil {
		return Rendered{}, err
	}
	chosen, err := a.renderer(ctx, *record.Pins)
	if err != nil {
		return Rendered{}, err
	}
	request, err := renderRequest(in, record, pack, chosen)
	if err != nil {
		return Rendered{}, err
	}
	request.Attempt = attempt
	outputs, err := a.runRenderer(ctx, request, chosen, progress)
	if failure := (*runner.Failure)(nil); errors.As(err, &failure) && chosen.attempts > 0 && attempt >= chosen.attempts {
		failure.Final = true // the pipeline grants no more
	}
	return Rendered{Outputs: outputs, Runner: chosen.runner, Key: request.IdempotencyKey}, err
}

// packToRender returns the record of the build that made a pack, and the pack as that
// record has it. One that the build did not make is refused.
func (a *Activities) packToRender(ctx context.Context, in RenderInput) (records.BuildRecord, index.Pack, error) {
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

// renderer is what renders, with every choice made.
type renderer struct {
	runner   records.RunnerSettings
	config   json.RawMessage // canonical
	digest   records.Digest  // of both: what shapes the output
	timeout  time.Duration
	attempts int // how many there may be; 0 leaves it to the release
}

// defaultRenderer renders the packs of pipelines that name nothing. It is a version, and
// not the newest one: the choice must not move below a pipeline that stays.
var defaultRenderer = records.RunnerSettings{Kind: records.RunnerReference, Version: "1.0.0"}

// renderTimeout bounds an attempt where the pipeline does not.
const renderTimeout = 30 * time.Minute

// renderer chooses what renders: what the pins of a build hold; else what its pipeline
// names; else the default.
func (a *Activities) renderer(ctx context.Context, pins records.Pins) (renderer, error) {
	if pinned, held := pins.Stage(records.Render); held {
		config, err := a.artifacts.ReadAll(ctx, pinned.Config, configLimit)
		return renderer{pinned.Runner, config, pinned.Digest, cmp.Or(pinned.Timeout.Std(), renderTimeout), pinned.Retry.MaxAttempts}, err
	}
	var pipeline records.Pipeline
	if err := a.reader.JSON(ctx, pins.Pipeline, &pipeline); err != nil {
		return renderer{}, err
	}
	settings, named := pipeline.Stages[records.Render]
	if !named {
		settings.Runner = defaultRenderer
	}
	if len(settings.Config) == 0 {
		settings.Config = json.RawMessage("{}")
	}
	chosen := renderer{timeout: cmp.Or(settings.Timeout.Std(), renderTimeout), attempts: settings.Retry.MaxAttempts}
	var err error
	if chosen.runner, err = a.runners.Pin(ctx, records.Render, settings); err != nil {
		return renderer{}, err
	}
	if chosen.config, err = schemas.CanonicalizeJSON(settings.Config); err != nil {
		return renderer{}, runner.Fail(gates.PinInvalid, err, "config of stage %s", records.Render)
	}
	chosen.digest, err = records.CanonicalDigest(struct {
		Runner records.RunnerSettings `json:"runner"`
		Config json.RawMessage        `json:"config"`
	}{chosen.runner, chosen.config})
	return chosen, err
}

// configLimit bounds the size of the config of a stage, in bytes.
const configLimit = 4 << 20

// renderRequest makes the request for a renderer.
func renderRequest(in RenderInput, record records.BuildRecord, pack index.Pack, by renderer) (runner.Request, error) {
	digest, err := pack.Digest()
	if err != nil {
		return runner.Request{}, err
	}
	key, err := records.CanonicalDigest(map[string]any{"release_id": in.ReleaseID, "pack": digest, "runner": by.digest})
	if err != nil {
		return runner.Request{}, err
	}
	recipe, err := records.Recipe(*record.Pins, record.Snapshot.Digest)
	if err != nil {
		return runner.Request{}, err
	}
	inputs := []records.Artifact{
		{Name: records.OutExchangeManifest, Ref: pack.Exchange},
		{Name: records.OutRuntimePackManifest, Ref: pack.Manifest},
	}
	return runner.Request{
		Organization: in.Organization, BuildID: record.BuildID, Stage: records.Render, Generation: 1,
		IdempotencyKey: key.String(), Inputs: append(inputs, pack.Files...), Config: by.config,
		Recipe: recipe, SourceDate: record.Pins.SourceDate, Runner: by.runner,
	}, nil
}

// runRenderer verifies the inputs, runs the runner in its time, and returns what it
// yielded, verified.
func (a *Activities) runRenderer(ctx context.Context, request runner.Request, by renderer, progress runner.Progress) ([]records.Artifact, error) {
	run, err := a.runners.Runner(records.Render, by.runner)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, by.timeout)
	defer cancel()
	for _, input := range request.Inputs {
		if err := a.artifacts.Verify(bounded, input.Ref); err != nil {
			return nil, inTime(bounded, err)
		}
	}
	result, err := run.Run(bounded, request, progress)
	if errors.Is(err, runner.ErrPending) {
		return nil, final(gates.RunnerFailed, nil, "stage %s: its runner wants to answer by a callback, which releases do not take", request.Stage)
	}
	if err != nil {
		return nil, inTime(bounded, err)
	}
	outputs, err := a.verifyRendered(bounded, result.Outputs)
	return outputs, inTime(bounded, err)
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
