//go:build linux

// Package command does a stage with a program: a JSON request on stdin, files in
// a scratch directory, a JSON result on stdout. docs/runners.md has the protocol.
//
// The program that runs is byte for byte the one that was pinned: its bytes are
// hashed on their way into a sealed memory file (memfd_create(2)), and that is
// executed. It runs in a process group of its own, with only the environment that
// the pipeline names, and the group is killed when the attempt ends, however it
// ends. It is no sandbox: a program can do what the worker's user can do.
package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Options are the settings of a worker for the programs it runs.
type Options struct {
	// Dir is where scratch directories are made; empty means the system's place for
	// temporary files. It needs room for the inputs and outputs of every program
	// that runs at one time.
	Dir string
	// Grace is the time between SIGTERM and SIGKILL; 0 means 5 s.
	Grace time.Duration
	Log   *slog.Logger // required
}

const defaultGrace = 5 * time.Second

// Runner runs programs. It is safe for concurrent use.
type Runner struct {
	store   runner.ArtifactStore
	scratch *scratchHome
	grace   time.Duration
	log     *slog.Logger
}

var _ runner.Runner = (*Runner)(nil)

// New returns a runner over an artifact store. It removes the scratch directories
// that killed workers left in o.Dir. The caller closes it.
func New(store runner.ArtifactStore, o Options) (*Runner, error) {
	if o.Dir == "" {
		o.Dir = os.TempDir()
	}
	if o.Grace == 0 {
		o.Grace = defaultGrace
	}
	home, err := openScratchHome(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("scratch directories of command runners: %w", err)
	}
	return &Runner{store: store, scratch: home, grace: o.Grace, log: o.Log}, nil
}

// Close removes what is left on disk. No program may run any more.
func (r *Runner) Close() error { return r.scratch.close() }

// Run runs the program of req once. The attempt's scratch directory is removed
// before Run returns.
func (r *Runner) Run(ctx context.Context, req runner.Request, progress runner.Progress) (runner.Result, error) {
	settings := req.Runner.Command
	if req.Runner.Kind != records.RunnerCommand || settings == nil {
		return runner.Result{}, runner.Fail(gates.PinInvalid, nil, "stage %s is not pinned to a command runner", req.Stage)
	}
	result, err := r.run(ctx, req, *settings, progress)
	if err != nil {
		return runner.Result{}, ended(ctx, settings.Program, err)
	}
	return result, nil
}

// The steps that progress tells of.
const (
	stepInputs = iota + 1
	stepProgram
	steps
)

func (r *Runner) run(ctx context.Context, req runner.Request, settings records.CommandRunner, progress runner.Progress) (runner.Result, error) {
	program, err := openPinned(settings)
	if err != nil {
		return runner.Result{}, err
	}
	defer program.Close()

	dir, err := r.scratch.attempt()
	if err != nil {
		return runner.Result{}, runner.Fail(gates.RunnerUnavailable, err, "command %s: no scratch directory", settings.Program)
	}
	defer func() {
		if err := dir.remove(); err != nil {
			r.log.WarnContext(ctx, "a scratch directory was not removed", "dir", dir.path, "build_id", req.BuildID, "stage", req.Stage, "error", err)
		}
	}()
	paths, err := dir.materialize(ctx, r.store, req.Inputs)
	if err != nil {
		return runner.Result{}, err
	}
	// Opened before the program starts: it may put something else in its place.
	outputs, err := os.OpenRoot(dir.join(outputsDir))
	if err != nil {
		return runner.Result{}, scratchFailure(err)
	}
	defer outputs.Close()
	progress(stepInputs, steps)

	stdin, err := json.Marshal(invocation{Request: req, Scratch: paths})
	if err != nil {
		return runner.Result{}, fmt.Errorf("command %s: encode its request: %w", settings.Program, err)
	}
	limit := outputLimit(settings)
	done, err := process{
		program:     program,
		arguments:   append([]string{settings.Program}, settings.Args...),
		environment: environment(settings.Environment, dir, req.SourceDate),
		dir:         dir.path,
		stdin:       bytes.NewReader(stdin),
		stdoutLimit: min(limit, stdoutMax),
		outputs:     outputs,
		outputLimit: limit,
		grace:       r.grace,
	}.run(ctx)
	if err != nil {
		return runner.Result{}, err
	}
	progress(stepProgram, steps)

	result, err := r.conclude(ctx, settings.Program, limit, outputs, done)
	if err != nil {
		return runner.Result{}, err
	}
	progress(steps, steps)
	return result, nil
}

// conclude turns what a program left behind into a result or a failure.
func (r *Runner) conclude(ctx context.Context, program string, limit int64, outputs *os.Root, done outcome) (runner.Result, error) {
	answer, err := conclusion(program, limit, outputs, done)
	if err != nil {
		return runner.Result{}, withDetails(err, done)
	}
	result, err := r.collect(ctx, program, limit-int64(len(done.stdout)), outputs, answer)
	if err != nil {
		return runner.Result{}, withDetails(err, done)
	}
	if len(done.stderr) == 0 {
		return result, nil
	}
	stderr, err := r.store.Put(ctx, "text/plain", bytes.NewReader(done.stderr))
	if err != nil {
		return runner.Result{}, err
	}
	result.Attachments = append(result.Attachments, records.Artifact{Name: records.AttachmentStderr, Ref: stderr})
	return result, nil
}

// ended names the end of the context as what it means for a runner: a deadline is
// a timeout; a cancellation stays what it is.
func ended(ctx context.Context, program string, err error) error {
	switch cause := ctx.Err(); {
	case errors.Is(cause, context.DeadlineExceeded):
		failure := runner.Fail(gates.RunnerTimeout, cause, "command %s did not finish in the pinned time and was killed", program)
		failure.Details = runner.AsFailure(err).Details
		return failure
	case cause != nil:
		return fmt.Errorf("command %s was killed: %w", program, cause)
	}
	return err
}
