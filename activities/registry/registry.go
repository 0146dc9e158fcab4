// Package registry knows every runner that a worker has.
package registry

import (
	"context"
	"encoding/json"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Reference is a stage that is built into the worker.
type Reference struct {
	Version     string
	CheckConfig func(json.RawMessage) error
	Runner      runner.Runner
}

// Pinner makes the choices that the settings of a kind of runner leave open.
type Pinner func(ctx context.Context, settings records.RunnerSettings) (records.RunnerSettings, error)

// Kind is a kind of runner other than reference. A nil Runner is one that other
// workers serve.
type Kind struct {
	Pin    Pinner
	Runner runner.Runner
}

// Registry is a worker's set of runners.
type Registry struct {
	reference map[records.Stage]Reference
	kinds     map[records.RunnerKind]Kind
}

// New returns a registry of built-in stages and of the other kinds.
func New(reference map[records.Stage]Reference, kinds map[records.RunnerKind]Kind) *Registry {
	return &Registry{reference: reference, kinds: kinds}
}

// Pin checks that the runner which settings name is there in exactly that
// version, that it would take the stage's config, and makes every choice that is
// left open.
func (r *Registry) Pin(ctx context.Context, stage records.Stage, settings records.StageSettings) (records.RunnerSettings, error) {
	if settings.Runner.Kind == records.RunnerReference {
		return settings.Runner, r.checkReference(stage, settings)
	}
	kind, known := r.kinds[settings.Runner.Kind]
	if !known {
		return settings.Runner, runner.Fail(gates.PinUnknown, nil, "stage %s: this worker has no runner of kind %q", stage, settings.Runner.Kind)
	}
	if settings.Runner.Kind != records.RunnerCommand && settings.Execution == records.ExecuteInline {
		return settings.Runner, runner.Fail(gates.PinInvalid, nil, "stage %s: a runner of kind %s cannot run inline", stage, settings.Runner.Kind)
	}
	return kind.Pin(ctx, settings.Runner)
}

func (r *Registry) checkReference(stage records.Stage, settings records.StageSettings) error {
	reference, known := r.reference[stage]
	if !known {
		return runner.Fail(gates.PinUnknown, nil, "no reference runner does stage %s", stage)
	}
	if settings.Runner.Version != reference.Version {
		return runner.Fail(gates.PinUnknown, nil, "stage %s: this worker has version %s of the reference runner, the pipeline pins %s",
			stage, reference.Version, settings.Runner.Version)
	}
	return reference.CheckConfig(settings.Config)
}

// Runner returns the runner that does a stage as it was pinned.
func (r *Registry) Runner(stage records.Stage, settings records.RunnerSettings) (runner.Runner, error) {
	if settings.Kind == records.RunnerReference {
		reference, known := r.reference[stage]
		if !known || reference.Version != settings.Version {
			return nil, runner.Fail(gates.PinUnknown, nil, "this worker has no reference runner %s for stage %s", settings.Version, stage)
		}
		return reference.Runner, nil
	}
	kind, known := r.kinds[settings.Kind]
	if !known || kind.Runner == nil {
		return nil, runner.Fail(gates.PinUnknown, nil, "this worker has no runner of kind %q", settings.Kind)
	}
	return kind.Runner, nil
}
