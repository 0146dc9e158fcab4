package workflows_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/workflows"
)

// begins is what the workflow's first run is given.
var begins = workflows.ReleaseInput{Organization: organization, ReleaseID: releaseID}

// live runs the release's workflow in the world, as many runs as it takes.
func (w *world) live() (err error) {
	w.unfold(begins, func(_ *world, ended error) { err = ended })
	return err
}

// unfold lives the world's history to its end, and every other that branches off it. Each
// is given to each as it has ended.
//
// Histories branch where the workflow continues as new: then all of a release is in the
// store, so that the same can go on in several worlds. Late phases are seen more often
// for the same work, as what led there is lived through once.
func (w *world) unfold(in workflows.ReleaseInput, each func(*world, error)) {
	for {
		next, err := w.run(in)
		if next == nil {
			each(w, err)
			return
		}
		for range w.branches {
			w.branch().unfold(*next, each)
		}
		in = *next
	}
}

// run is one run of the workflow. It returns what the next one begins with, if any does.
func (w *world) run(in workflows.ReleaseInput) (*workflows.ReleaseInput, error) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(slog.New(slog.DiscardHandler))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	// How fast the machine is says nothing here.
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute})
	env.SetStartTime(w.clock)
	env.RegisterWorkflowWithOptions(workflows.Release, workflow.RegisterOptions{Name: workflows.ReleaseWorkflow})
	w.register(env)
	w.begin(env)
	env.ExecuteWorkflow(workflows.ReleaseWorkflow, in)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !env.IsWorkflowCompleted() {
		return nil, errors.New("the workflow did not end")
	}
	w.clock, w.env = w.now(), nil
	var again *workflow.ContinueAsNewError
	err := env.GetWorkflowError()
	if !errors.As(err, &again) {
		w.ended = true
		return nil, err
	}
	var next workflows.ReleaseInput
	if err := converter.GetDefaultDataConverter().FromPayloads(again.Input, &next); err != nil {
		return nil, err
	}
	return &next, nil
}

// begin has what is under way happen in a run.
func (w *world) begin(env *testsuite.TestWorkflowEnvironment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.env = env
	for _, h := range w.ahead {
		w.schedule(h)
	}
}

// happening is something that is under way. It outlasts the run in which it began.
type happening struct {
	at time.Time
	do func(*world)
}

// later does something after a time.
func (w *world) later(after time.Duration, do func(*world)) {
	h := &happening{w.now().Add(after), do}
	w.ahead = append(w.ahead, h)
	if w.env != nil {
		w.schedule(h)
	}
}

// schedule has the environment say when something happens, unless nothing is looked at any
// more.
func (w *world) schedule(h *happening) {
	env := w.env
	env.RegisterDelayedCallback(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.ended && w.env == env {
			w.ahead = slices.DeleteFunc(w.ahead, func(other *happening) bool { return other == h })
			h.do(w)
		}
	}, max(0, h.at.Sub(w.now())))
}

// storms are what branches are like: how many of a thousand calls go wrong, how often
// operators hold and lift, and how much of that at once.
var storms = []struct{ rate, restless int }{{100, 2}, {200, 1}, {300, 1}, {300, 4}, {400, 1}, {400, 2}, {500, 1}, {500, 2}}

// branch is another world in which the same happened up to now.
func (w *world) branch() *world {
	w.mu.Lock() // what the run before left running may still be
	defer w.mu.Unlock()
	w.branched++
	b := &world{name: fmt.Sprintf("%s, branch %d", w.name, w.branched), past: w.past.clone(), manner: w.manner, seen: newCoverage()}
	b.seed += uint64(w.branched) << 32
	storm := storms[w.pick("storm", len(storms))]
	b.rate, b.restless = storm.rate, storm.restless
	return b
}

// clone returns a past that goes on without changing this one.
func (p past) clone() past {
	p.ahead, p.samples, p.decisions = slices.Clone(p.ahead), slices.Clip(p.samples), slices.Clip(p.decisions)
	p.entries = maps.Clone(p.entries)
	for subject, entries := range p.entries {
		p.entries[subject] = slices.Clip(entries)
	}
	p.calls, p.byID, p.told, p.last = maps.Clone(p.calls), maps.Clone(p.byID), maps.Clone(p.told), maps.Clone(p.last)
	p.votes, p.truth, p.confirmed, p.sent = maps.Clone(p.votes), maps.Clone(p.truth), maps.Clone(p.confirmed), maps.Clone(p.sent)
	return p
}

// TestABranchChangesNothingOfWhatItLeft lives branches to their end, and looks at the world
// that they branched off.
func TestABranchChangesNothingOfWhatItLeft(t *testing.T) {
	if testing.Short() {
		t.Skip("histories take their time: without -short they run")
	}
	t.Parallel()
	looks := func(w *world) string {
		channel, err := json.Marshal(w.channel)
		require.NoError(t, err)
		return fmt.Sprintf("%s %v %v %v %s %+v", channel, w.entries, w.decisions, w.samples, w.newest, w.past)
	}
	left := 0
	for seed := range uint64(4) {
		w := newWorld(seed, 0, honest)
		w.branches = 1
		for in := &begins; in != nil; {
			next, err := w.run(*in)
			if next == nil {
				require.True(t, err == nil || temporal.IsCanceledError(err), "%v", err)
				break
			}
			b := w.branch()
			as := looks(w)
			b.unfold(*next, func(*world, error) {})
			require.True(t, as == looks(w), "%s changed", w.name)
			require.False(t, as == looks(b), "%s did nothing", b.name)
			left++
			in = next
		}
	}
	require.Greater(t, left, 10, "worlds that do not branch show nothing")
}
