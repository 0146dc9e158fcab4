// Package harness runs Orgo's worker over an embedded Temporal server, for the
// programs that measure it and record its histories. The API is left out: they
// start builds through the control that the API uses.
package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/api/builtin"
	"github.com/initkoa/orgo/cmd/stack"
	"github.com/initkoa/orgo/deployments/local/temporal"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/schemas"
	"github.com/initkoa/orgo/workflows"
)

// Pollers is how many pollers of each kind the local stack's worker has.
const Pollers = 32

// Options say what to run.
type Options struct {
	Server *temporal.Server
	Dir    string // for the stores, and the targets of releases
	// Runners replaces the runners of the worker; nil keeps them.
	Runners func(activities.Runners, *artifacts.Store) activities.Runners
	// Unsequenced leaves the entries without leaves; the caller may give them some.
	Unsequenced bool
	// Relay is how often releases are told of telemetry; 0: they are not.
	Relay time.Duration
	// Identity is that of the worker and the client; empty: one with the process's id.
	Identity string
	// Tokens is the file of who may call the API, for those who serve it.
	Tokens string
}

// Harness is a running worker with its stores.
type Harness struct {
	Temporal client.Client
	Stack    *stack.Stack
	Worker   worker.Worker // is running; who replaces it stops it before
	stops    []func()      // of what runs beside it
}

// Open starts the worker. The caller closes the harness.
func Open(ctx context.Context, o Options) (*Harness, error) {
	log := slog.New(slog.DiscardHandler)
	connection, err := client.DialContext(ctx, client.Options{
		HostPort: o.Server.FrontendAddr(), Namespace: o.Server.Namespace(), Logger: log, Identity: o.Identity,
	})
	if err != nil {
		return nil, err
	}
	settings := stack.Settings{
		Store:     store.SQLiteDSN(filepath.Join(o.Dir, "orgo.db")),
		Artifacts: "file://" + filepath.Join(o.Dir, "artifacts"),
		Targets:   filepath.Join(o.Dir, "targets"), RelayInterval: o.Relay, Tokens: o.Tokens,
		Temporal: connection, Namespace: o.Server.Namespace(), Organization: records.DefaultOrganization,
		Environment: "harness", Pollers: Pollers, Observer: stack.NewObserver(log), Log: log, Runners: o.Runners,
	}
	settings.SigningKey = filepath.Join(o.Dir, "signing.key")
	settings.LedgerKey = filepath.Join(o.Dir, "ledger.key")
	if err := errors.Join(
		stack.EnsureKey(settings.SigningKey, stack.CreateSigningKey),
		stack.EnsureKey(settings.LedgerKey, func(path string) error { return stack.CreateLedgerKey(path, "orgo.harness/ledger") }),
	); err != nil {
		connection.Close()
		return nil, err
	}
	if err := stack.Migrate(ctx, settings.Store); err != nil {
		connection.Close()
		return nil, err
	}
	k, err := stack.Open(ctx, settings)
	if err != nil {
		connection.Close()
		return nil, err
	}
	h := &Harness{Temporal: connection, Stack: k}
	if err := h.run(o); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *Harness) run(o Options) error {
	if !o.Unsequenced {
		sequencer, err := h.Stack.Sequencer()
		if err != nil {
			return err
		}
		h.stops = append(h.stops, stack.Beside(sequencer.Run))
	}
	if o.Relay > 0 {
		relay, err := h.Stack.Relay()
		if err != nil {
			return err
		}
		h.stops = append(h.stops, stack.Beside(relay.Run))
	}
	h.Worker = h.Stack.Worker()
	return h.Worker.Start()
}

// Run opens a harness on a server and in a directory of its own, hands both to
// use, and removes everything. Server and Dir of the options are its.
func Run(ctx context.Context, o Options, use func(ctx context.Context, h *Harness, dir string) error) (err error) {
	o.Dir, err = os.MkdirTemp("", "orgo-harness-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	if o.Server, err = StartServer(ctx, o.Dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Server.Stop(context.WithoutCancel(ctx))) }()
	h, err := Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	return use(ctx, h, o.Dir)
}

// StartServer starts a Temporal server that keeps its data in a directory.
func StartServer(ctx context.Context, dir string) (*temporal.Server, error) {
	return temporal.Start(ctx, temporal.Options{
		DBPath: filepath.Join(dir, "temporal.db"), FrontendAddr: "127.0.0.1:0", SearchAttributes: stack.SearchAttributes(),
	})
}

// Close stops the worker and what runs beside it, and closes the stores.
func (h *Harness) Close() error {
	if h.Worker != nil {
		h.Worker.Stop()
	}
	for _, stop := range slices.Backward(h.stops) {
		stop()
	}
	h.Temporal.Close()
	return h.Stack.Close()
}

// Build makes a build of one file that is like no other under its name, under a policy
// or, without one, the built-in one, and waits until it has passed.
func (h *Harness) Build(ctx context.Context, inputs, name string, policy json.RawMessage) (string, error) {
	if err := errors.Join(os.MkdirAll(inputs, 0o700),
		os.WriteFile(filepath.Join(inputs, "moons.csv"), fmt.Appendf(nil, "name,radius\nIo,1821.6\n%s,1560.8\n", name), 0o600)); err != nil {
		return "", err
	}
	pipeline, err := Pipeline(records.ExecuteInline)
	if err != nil {
		return "", err
	}
	documents, err := h.Store(ctx, pipeline)
	if err != nil {
		return "", err
	}
	if policy != nil {
		if documents.Policy, err = h.Put(ctx, policy); err != nil {
			return "", err
		}
	}
	view, err := h.Start(ctx, documents, inputs, name)
	if err != nil {
		return "", err
	}
	outcome, err := h.Wait(ctx, view.BuildID)
	if err == nil && outcome.State != records.BuildPassed {
		err = fmt.Errorf("build %s is %s: %v", view.BuildID, outcome.State, outcome.Codes)
	}
	return view.BuildID, err
}

// Documents are the pinned documents of a request, stored.
type Documents struct{ Pipeline, Policy, Contracts records.Ref }

// Store stores a pipeline, the built-in policy and the built-in contract set.
func (h *Harness) Store(ctx context.Context, pipeline records.Pipeline) (Documents, error) {
	var d Documents
	defaults, err := builtin.Load()
	if err != nil {
		return d, err
	}
	if d.Policy, err = h.Put(ctx, defaults.Policy); err != nil {
		return d, err
	}
	if d.Pipeline, err = h.Put(ctx, pipeline); err != nil {
		return d, err
	}
	set, err := schemas.BuiltinContractSet()
	if err != nil {
		return d, err
	}
	for _, schema := range set.Files() {
		if _, err := h.Stack.Artifacts().PutBytes(ctx, records.MediaJSON, schema); err != nil {
			return d, err
		}
	}
	d.Contracts, err = h.Stack.Artifacts().PutBytes(ctx, records.MediaJSON, set.Manifest())
	return d, err
}

// Put stores a document as JSON.
func (h *Harness) Put(ctx context.Context, document any) (records.Ref, error) {
	data, err := json.Marshal(document)
	if err != nil {
		return records.Ref{}, err
	}
	return h.Stack.Artifacts().PutBytes(ctx, records.MediaJSON, data)
}

// Pipeline returns a pipeline of reference runners that all execute the same way.
func Pipeline(execution records.Execution, change ...func(*records.Pipeline)) (records.Pipeline, error) {
	var pipeline records.Pipeline
	defaults, err := builtin.Load()
	if err != nil {
		return pipeline, err
	}
	if err := json.Unmarshal(defaults.Pipeline, &pipeline); err != nil {
		return pipeline, fmt.Errorf("default pipeline: %w", err)
	}
	for stage, settings := range pipeline.Stages {
		settings.Execution = execution
		pipeline.Stages[stage] = settings
	}
	for _, c := range change {
		c(&pipeline)
	}
	return pipeline, nil
}

// Start starts a build of the files at path, under an idempotency key.
func (h *Harness) Start(ctx context.Context, d Documents, path, key string) (records.BuildView, error) {
	return h.Stack.Builds().Start(ctx, records.BuildRequest{
		Organization: records.DefaultOrganization, IdempotencyKey: key,
		Inputs:   []records.Input{{URI: "file://" + path}},
		Pipeline: d.Pipeline, Policy: d.Policy, Contracts: d.Contracts,
		Trigger: records.Trigger{Type: records.TriggerManual, Actor: "harness", Reason: "measurement"},
	})
}

// Wait waits until a build has ended and returns how.
func (h *Harness) Wait(ctx context.Context, buildID string) (workflows.BuildOutcome, error) {
	var outcome workflows.BuildOutcome
	run := h.Temporal.GetWorkflow(ctx, workflows.BuildWorkflowID(records.DefaultOrganization, buildID), "")
	err := run.Get(ctx, &outcome)
	return outcome, err
}
