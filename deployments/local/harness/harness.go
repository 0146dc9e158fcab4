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
	Dir    string // for the stores
	// Runners replaces the runners of the worker; nil keeps them.
	Runners func(activities.Runners, *artifacts.Store) activities.Runners
	// Unsequenced leaves the entries without leaves; the caller may give them some.
	Unsequenced bool
}

// Harness is a running worker with its stores.
type Harness struct {
	Temporal client.Client
	Stack    *stack.Stack
	worker   worker.Worker
	stop     func() // the sequencer, if one runs
}

// Open starts the worker. The caller closes the harness.
func Open(ctx context.Context, o Options) (*Harness, error) {
	log := slog.New(slog.DiscardHandler)
	connection, err := client.DialContext(ctx, client.Options{
		HostPort: o.Server.FrontendAddr(), Namespace: o.Server.Namespace(), Logger: log,
	})
	if err != nil {
		return nil, err
	}
	settings := stack.Settings{
		Store:     store.SQLiteDSN(filepath.Join(o.Dir, "orgo.db")),
		Artifacts: "file://" + filepath.Join(o.Dir, "artifacts"),
		Temporal:  connection, Namespace: o.Server.Namespace(), Organization: records.DefaultOrganization,
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
	h := &Harness{Temporal: connection, Stack: k, worker: k.Worker(), stop: func() {}}
	if !o.Unsequenced {
		sequencer, err := k.Sequencer()
		if err != nil {
			connection.Close()
			return nil, errors.Join(err, k.Close())
		}
		h.stop = stack.Beside(sequencer.Run)
	}
	if err := h.worker.Start(); err != nil {
		h.stop()
		connection.Close()
		return nil, errors.Join(err, k.Close())
	}
	return h, nil
}

// Run opens a harness on a server and in a directory of its own, hands both to
// use, and removes everything.
func Run(ctx context.Context, use func(ctx context.Context, h *Harness, dir string) error) (err error) {
	dir, err := os.MkdirTemp("", "orgo-harness-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, err := temporal.Start(ctx, temporal.Options{
		DBPath: filepath.Join(dir, "temporal.db"), FrontendAddr: "127.0.0.1:0", SearchAttributes: stack.SearchAttributes(),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	h, err := Open(ctx, Options{Server: server, Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	return use(ctx, h, dir)
}

// Close stops the worker and closes the stores.
func (h *Harness) Close() error {
	h.worker.Stop()
	h.stop()
	h.Temporal.Close()
	return h.Stack.Close()
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
