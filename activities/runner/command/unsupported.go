//go:build !linux

// Package command does a stage with a program. It stands on sealed memory files
// and parent-death signals, which only Linux has; on other systems it refuses.
package command

import (
	"context"
	"log/slog"
	"time"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Options are the settings of a worker for the programs it runs.
type Options struct {
	Dir   string
	Grace time.Duration
	Log   *slog.Logger
}

// Runner refuses to run programs.
type Runner struct{}

// New returns a runner that refuses.
func New(runner.ArtifactStore, Options) (*Runner, error) { return &Runner{}, nil }

// Close does nothing.
func (*Runner) Close() error { return nil }

// Pin refuses, so that a build fails before its first stage.
func (*Runner) Pin(_ context.Context, settings records.CommandRunner) (records.CommandRunner, error) {
	return settings, refusal(settings.Program)
}

// Run refuses.
func (*Runner) Run(_ context.Context, req runner.Request, _ runner.Progress) (runner.Result, error) {
	return runner.Result{}, refusal(string(req.Stage))
}

func refusal(what string) error {
	return runner.Fail(gates.RunnerUnavailable, nil, "command %s: command runners need a worker on linux", what)
}
