package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/deployments/local/harness"
	"github.com/initkoa/orgo/records"
)

// openOrgo prepares builds whose runners do nothing: what is left is what Orgo
// itself costs, with every decision made and every record written.
func openOrgo(execution records.Execution) func(context.Context, environment) (opened, error) {
	return func(ctx context.Context, env environment) (opened, error) {
		dir, err := os.MkdirTemp(env.dir, "orgo-")
		if err != nil {
			return opened{}, err
		}
		_, build, err := openBuilds(ctx, env, dir, execution, false)
		return build, err
	}
}

// openBuilds opens a harness in a directory, whose sequencer may be left out, and
// prepares builds on it. Closing either closes both.
func openBuilds(
	ctx context.Context, env environment, dir string, execution records.Execution, unsequenced bool,
) (*harness.Harness, opened, error) {
	idle := &idleRunners{results: map[records.Stage]runner.Result{}}
	h, err := harness.Open(ctx, harness.Options{
		Server: env.server, Dir: dir, Unsequenced: unsequenced,
		Runners: func(real activities.Runners, _ *artifacts.Store) activities.Runners {
			idle.Runners = real
			return idle
		},
	})
	if err != nil {
		return nil, opened{}, err
	}
	run, err := prepare(ctx, h, idle, dir, execution)
	if err != nil {
		return nil, opened{}, errors.Join(err, h.Close())
	}
	return h, opened{run: run, close: func() { h.Close() }}, nil
}

// prepare makes one real build, whose results the runners then repeat.
func prepare(
	ctx context.Context, h *harness.Harness, idle *idleRunners, dir string, execution records.Execution,
) (func(context.Context, int) error, error) {
	inputs := filepath.Join(dir, "inputs")
	if err := os.Mkdir(inputs, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(inputs, "moons.csv"), []byte("name,radius\nIo,1821.6\nEuropa,1560.8\n"), 0o600); err != nil {
		return nil, err
	}
	pipeline, err := harness.Pipeline(execution)
	if err != nil {
		return nil, err
	}
	documents, err := h.Store(ctx, pipeline)
	if err != nil {
		return nil, err
	}
	build := func(ctx context.Context, number int) error {
		// The cases share a Temporal server, and a key is a build on it.
		key := fmt.Sprintf("%s-%s-%d", filepath.Base(dir), execution, number)
		view, err := h.Start(ctx, documents, inputs, key)
		if err != nil {
			return err
		}
		outcome, err := h.Wait(ctx, view.BuildID)
		if err == nil && outcome.State != records.BuildPassed {
			err = fmt.Errorf("build %s is %s: %v", view.BuildID, outcome.State, outcome.Codes)
		}
		return err
	}
	if err := build(ctx, -1); err != nil {
		return nil, err
	}
	idle.learned()
	return build, nil
}

// idleRunners repeat the results of the first build.
type idleRunners struct {
	activities.Runners
	mu      sync.Mutex
	results map[records.Stage]runner.Result
	idle    bool
}

func (r *idleRunners) learned() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = true
}

// Runner returns a runner that does nothing, once there is a result to repeat.
func (r *idleRunners) Runner(stage records.Stage, settings records.RunnerSettings) (runner.Runner, error) {
	real, err := r.Runners.Runner(stage, settings)
	return recorded{r, stage, real}, err
}

type recorded struct {
	of    *idleRunners
	stage records.Stage
	real  runner.Runner
}

func (r recorded) Run(ctx context.Context, req runner.Request, progress runner.Progress) (runner.Result, error) {
	r.of.mu.Lock()
	result, idle := r.of.results[r.stage], r.of.idle
	r.of.mu.Unlock()
	if idle {
		return result, nil
	}
	result, err := r.real.Run(ctx, req, progress)
	r.of.mu.Lock()
	defer r.of.mu.Unlock()
	r.of.results[r.stage] = result
	return result, err
}
