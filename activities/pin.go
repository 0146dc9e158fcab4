package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"path/filepath"
	"time"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/schemas"
)

// PinInput asks for the pins of a build.
type PinInput struct {
	Organization string      `json:"organization"`
	BuildID      string      `json:"build_id"`
	Request      records.Ref `json:"request"`
}

// Pinned is what a build workflow needs to know of its pins. All content stays
// in the artifact store.
type Pinned struct {
	Ref     records.Ref     `json:"ref"`
	Pins    records.Pins    `json:"pins"`
	Policy  gates.Policy    `json:"policy"`
	Inputs  []records.Input `json:"inputs"`
	Trigger records.Trigger `json:"trigger"`
	// Reproduce is set when the build must repeat the outputs of another.
	Reproduce *Reproduce `json:"reproduce,omitempty"`
}

// Reproduce names a build and the outputs that its stages had.
type Reproduce struct {
	Of      string                               `json:"of"`
	Outputs map[records.Stage][]records.Artifact `json:"outputs"`
}

// documentLimit bounds the size of a pipeline, policy or request, in bytes.
const documentLimit = 4 << 20

// inlineLimit is the size of inputs, in bytes, up to which "auto" runs stages
// inline: what takes well under a second.
const inlineLimit = 1 << 20

// Pin ties a build to its pipeline, policy, contract set and runners, each
// canonical, stored and referred to by digest. What floats is refused.
func (a *Activities) Pin(ctx context.Context, in PinInput) (Pinned, error) {
	pinned, err := a.pin(ctx, in)
	if err == nil {
		err = a.recordPinned(ctx, in, pinned)
	}
	if err != nil {
		return Pinned{}, a.stages.Fail(ctx, buildStage(in.Organization, in.BuildID, records.StepPin, 1), err, 0)
	}
	return pinned, nil
}

func (a *Activities) pin(ctx context.Context, in PinInput) (Pinned, error) {
	var request records.BuildRequest
	if err := a.reader.JSON(ctx, in.Request, &request); err != nil {
		return Pinned{}, err
	}
	pins, err := a.pinDocuments(ctx, request)
	if err != nil {
		return Pinned{}, err
	}
	policy, err := a.pinPolicy(ctx, request, &pins)
	if err != nil {
		return Pinned{}, err
	}
	pinned := Pinned{Policy: policy, Inputs: request.Inputs, Trigger: request.Trigger}
	if request.ReproduceOf != "" {
		if pinned.Reproduce, err = a.reproduced(ctx, request, pins); err != nil {
			return Pinned{}, err
		}
	}
	pinned.Pins = pins
	pinned.Ref, err = a.putJSON(ctx, pins)
	return pinned, err
}

// pinDocuments pins the pipeline and the contract set.
func (a *Activities) pinDocuments(ctx context.Context, request records.BuildRequest) (records.Pins, error) {
	pipeline, pipelineRef, err := a.pinPipeline(ctx, request.Pipeline)
	if err != nil {
		return records.Pins{}, err
	}
	contracts, err := a.reader.contracts.get(ctx, request.Contracts)
	if err != nil {
		return records.Pins{}, err
	}
	if err := contracts.complete(); err != nil {
		return records.Pins{}, err
	}
	pins := records.Pins{
		SchemaVersion: "1.0.0", PipelineID: pipeline.PipelineID, PipelineVersion: pipeline.Version,
		Pipeline: pipelineRef, Contracts: request.Contracts,
		SourceDate: pipeline.SourceDate.UTC().Truncate(time.Second), WaitForOperator: pipeline.WaitForOperator,
	}
	for _, spec := range records.BuildSpine() {
		settings, present := pipeline.Stages[spec.Stage]
		if !present {
			return records.Pins{}, runner.Fail(gates.PinInvalid, nil, "pipeline %s has no stage %s", pipeline.PipelineID, spec.Stage)
		}
		stage, err := a.pinStage(ctx, spec.Stage, settings, request.Inputs)
		if err != nil {
			return records.Pins{}, err
		}
		pins.Stages = append(pins.Stages, stage)
	}
	return pins, nil
}

func (a *Activities) pinPipeline(ctx context.Context, ref records.Ref) (records.Pipeline, records.Ref, error) {
	canonical, err := a.pinDocument(ctx, ref, gates.PinInvalid, "pipeline", schemas.ValidatePipeline)
	if err != nil {
		return records.Pipeline{}, records.Ref{}, err
	}
	var pipeline records.Pipeline
	if err := json.Unmarshal(canonical, &pipeline); err != nil {
		return records.Pipeline{}, records.Ref{}, runner.Fail(gates.PinInvalid, err, "pipeline does not decode")
	}
	stored, err := a.artifacts.PutBytes(ctx, records.MediaJSON, canonical)
	return pipeline, stored, err
}

func (a *Activities) pinPolicy(ctx context.Context, request records.BuildRequest, pins *records.Pins) (gates.Policy, error) {
	bundle, err := a.reader.Bundle(ctx, request.Policy)
	if err != nil {
		return gates.Policy{}, err
	}
	pins.Policy, err = a.artifacts.PutBytes(ctx, records.MediaJSON, bundle.Canonical)
	pins.PolicyID = bundle.Policy.BundleID
	return bundle.Policy, err
}

// pinDocument reads a document as it was sent (YAML or JSON), checks it against
// its schema, and returns it in canonical form. What was sent is read and verified
// each time; content that was found good under its digest is not checked again.
func (a *Activities) pinDocument(
	ctx context.Context, ref records.Ref, code gates.Code, what string, validate func([]byte) error,
) ([]byte, error) {
	sent, err := a.artifacts.ReadAll(ctx, ref, documentLimit)
	if err != nil {
		return nil, err
	}
	return a.checked.Get(checkedKey{ref.Digest, what}, func() ([]byte, error) {
		return checkDocument(sent, code, what, validate)
	})
}

func checkDocument(sent []byte, code gates.Code, what string, validate func([]byte) error) ([]byte, error) {
	document, err := schemas.DecodeYAML(sent)
	if err != nil {
		return nil, runner.Fail(code, err, "%s does not parse", what)
	}
	canonical, err := schemas.CanonicalizeJSON(document)
	if err != nil {
		return nil, runner.Fail(code, err, "%s has no canonical form", what)
	}
	if err := validate(canonical); err != nil {
		return nil, runner.Fail(code, err, "%s does not fit its schema", what)
	}
	return canonical, nil
}

// stageDefaults are the bounds of a stage that its pipeline leaves open.
var stageDefaults = records.PinnedStage{
	Execution: records.ExecuteAuto,
	Timeout:   records.Duration(30 * time.Minute),
	Heartbeat: records.Duration(15 * time.Second),
	Retry: records.RetrySettings{
		MaxAttempts: 3, InitialInterval: records.Duration(time.Second),
		MaxInterval: records.Duration(time.Minute), Coefficient: 2,
	},
}

func (a *Activities) pinStage(
	ctx context.Context, stage records.Stage, settings records.StageSettings, inputs []records.Input,
) (records.PinnedStage, error) {
	pinned, err := PinStage(ctx, a.runners, a.artifacts, stage, settings)
	if err == nil && pinned.Execution == records.ExecuteAuto {
		pinned.Execution = a.chooseExecution(ctx, pinned.Runner, inputs)
	}
	return pinned, err
}

// PinStage makes every choice that the settings of a stage leave open, but for auto,
// where it runs. Its config is stored in canonical form.
func PinStage(
	ctx context.Context, runners Runners, store *artifacts.Store, stage records.Stage, settings records.StageSettings,
) (records.PinnedStage, error) {
	if len(settings.Config) == 0 {
		settings.Config = json.RawMessage("{}")
	}
	chosen, err := runners.Pin(ctx, stage, settings)
	if err != nil {
		return records.PinnedStage{}, err
	}
	config, err := schemas.CanonicalizeJSON(settings.Config)
	if err != nil {
		return records.PinnedStage{}, runner.Fail(gates.PinInvalid, err, "config of stage %s", stage)
	}
	pinned := stageDefaults
	pinned.Stage, pinned.Runner = stage, chosen
	pinned.Execution = cmp.Or(settings.Execution, pinned.Execution)
	pinned.Timeout = cmp.Or(settings.Timeout, pinned.Timeout)
	pinned.Heartbeat = cmp.Or(settings.Heartbeat, pinned.Heartbeat)
	pinned.Retry.MaxAttempts = cmp.Or(settings.Retry.MaxAttempts, pinned.Retry.MaxAttempts)
	pinned.Retry.InitialInterval = cmp.Or(settings.Retry.InitialInterval, pinned.Retry.InitialInterval)
	pinned.Retry.MaxInterval = cmp.Or(settings.Retry.MaxInterval, pinned.Retry.MaxInterval)
	if settings.Retry.Coefficient >= 1 {
		pinned.Retry.Coefficient = settings.Retry.Coefficient
	}
	if pinned.Config, err = store.PutBytes(ctx, records.MediaJSON, config); err != nil {
		return records.PinnedStage{}, err
	}
	pinned.Digest, err = records.CanonicalDigest(struct {
		Runner records.RunnerSettings `json:"runner"`
		Config json.RawMessage        `json:"config"`
	}{chosen, config})
	return pinned, err
}

// chooseExecution resolves "auto": inline for a reference runner over inputs
// small enough to be short work, remote for all else.
func (a *Activities) chooseExecution(ctx context.Context, settings records.RunnerSettings, inputs []records.Input) records.Execution {
	if settings.Kind != records.RunnerReference {
		return records.ExecuteRemote
	}
	var total int64
	for _, input := range inputs {
		size, err := a.inputSize(ctx, input, inlineLimit-total)
		total += size
		if err != nil || total > inlineLimit {
			return records.ExecuteRemote
		}
	}
	return records.ExecuteInline
}

var errOverLimit = errors.New("over the limit")

// inputSize returns the size of an input in bytes; it stops early, with an
// error, once that is over limit. It is a hint only: nothing depends on it but
// where the stages run.
func (a *Activities) inputSize(ctx context.Context, input records.Input, limit int64) (int64, error) {
	var total int64
	if input.Snapshot != nil {
		var snapshot records.Snapshot
		if err := a.reader.JSON(ctx, *input.Snapshot, &snapshot); err != nil {
			return 0, err
		}
		for _, file := range snapshot.Files {
			total += file.Size
		}
		return total, nil
	}
	location, err := url.Parse(input.URI)
	if err != nil {
		return 0, err
	}
	err = filepath.WalkDir(filepath.FromSlash(location.Path), func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if total += info.Size(); total > limit {
			return errOverLimit
		}
		return nil
	})
	return total, err
}

// reproduced returns what the build to be reproduced had, after checking that
// the pins are the same.
func (a *Activities) reproduced(ctx context.Context, request records.BuildRequest, pins records.Pins) (*Reproduce, error) {
	view, err := a.store.Build(ctx, request.Organization, request.ReproduceOf)
	if errors.Is(err, store.ErrNotFound) {
		return nil, runner.Fail(gates.NotFound, err, "build %s, which this one should reproduce, is not known", request.ReproduceOf)
	}
	if err != nil {
		return nil, err
	}
	var before records.Pins
	if view.Pins == nil {
		return nil, runner.Fail(gates.PinUnknown, nil, "build %s was never pinned", request.ReproduceOf)
	}
	if err := a.reader.JSON(ctx, *view.Pins, &before); err != nil {
		return nil, err
	}
	if err := samePins(before, pins); err != nil {
		return nil, err
	}
	reproduce := &Reproduce{Of: request.ReproduceOf, Outputs: map[records.Stage][]records.Artifact{}}
	for _, step := range view.Steps {
		if len(step.Outputs) > 0 {
			reproduce.Outputs[step.Stage] = step.Outputs
		}
	}
	return reproduce, nil
}

// samePins compares what shapes artifacts. A runner that is no longer the same
// (another version in the worker, another program) shows here.
func samePins(before, now records.Pins) error {
	for i, stage := range now.Stages {
		if i >= len(before.Stages) || before.Stages[i].Digest != stage.Digest {
			return runner.Fail(gates.PinUnknown, nil, "stage %s can no longer be done as it was pinned", stage.Stage)
		}
	}
	if before.Contracts.Digest != now.Contracts.Digest {
		return runner.Fail(gates.PinUnknown, nil, "the contract set is not the pinned one")
	}
	return nil
}

func (a *Activities) recordPinned(ctx context.Context, in PinInput, pinned Pinned) error {
	entry, err := records.NewEntry(records.Entry{
		Organization: in.Organization, Kind: records.KindEvent, Type: records.TypeBuildPinned,
		Subject: buildSubject(in.BuildID), At: a.clock.Now(), Actor: records.SystemActor,
		Correlation: correlation(ctx, in.BuildID, records.StepPin, 1),
	}, "pinned", records.BuildPinned{Pins: pinned.Ref, PipelineID: pinned.Pins.PipelineID})
	if err != nil {
		return err
	}
	_, err = a.store.Append(ctx, entry)
	return err
}

func buildSubject(buildID string) records.Subject {
	return records.Subject{Kind: records.SubjectBuild, ID: buildID}
}

// putJSON stores v in canonical form.
func (a *Activities) putJSON(ctx context.Context, v any) (records.Ref, error) {
	canonical, err := records.Canonical(v)
	if err != nil {
		return records.Ref{}, err
	}
	return a.artifacts.PutBytes(ctx, records.MediaJSON, canonical)
}
