package workflows_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/casework"
	"github.com/initkoa/orgo/activities/registry"
	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/schemas"
	"github.com/initkoa/orgo/workflows"
)

const organization = records.DefaultOrganization

// bench is a build workflow in Temporal's test environment over a real store, a
// real artifact store and the real reference stages.
type bench struct {
	t         *testing.T
	env       *testsuite.TestWorkflowEnvironment
	store     *store.Store
	artifacts *artifacts.Store
	faults    *faults
	buildID   string
	inputs    string
}

// faults lets a test replace what a stage does. Calls counts the runs.
type faults struct {
	activities.Runners
	mu    sync.Mutex
	run   map[records.Stage]func(ctx context.Context, req runner.Request, real runner.Runner) (runner.Result, error)
	calls map[records.Stage]int
}

func (f *faults) Runner(stage records.Stage, settings records.RunnerSettings) (runner.Runner, error) {
	real, err := f.Runners.Runner(stage, settings)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[stage]++
	if replaced := f.run[stage]; replaced != nil {
		return faulty{replaced, real}, nil
	}
	return real, nil
}

type faulty struct {
	run  func(ctx context.Context, req runner.Request, real runner.Runner) (runner.Result, error)
	real runner.Runner
}

func (f faulty) Run(ctx context.Context, req runner.Request, _ runner.Progress) (runner.Result, error) {
	return f.run(ctx, req, f.real)
}

func silent(int64, int64) {}

func setup(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	ctx := context.Background()
	b := &bench{t: t, inputs: filepath.Join(dir, "inputs"), buildID: records.BuildID(organization, t.Name())}
	require.NoError(t, os.Mkdir(b.inputs, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(b.inputs, "moons.csv"), []byte("name,radius\nIo,1821.6\nEuropa,1560.8\n"), 0o600))

	var err error
	b.store, err = store.Open(ctx, store.SQLiteDSN(filepath.Join(dir, "orgo.db")))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.store.Close()) })
	require.NoError(t, b.store.Migrate(ctx))
	b.artifacts, err = artifacts.Open(ctx, "file://"+filepath.Join(dir, "artifacts"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.artifacts.Close()) })

	b.faults = &faults{
		Runners: registry.New(registry.ReferenceStages(b.artifacts, registry.ReferenceOptions{Clock: activities.SystemClock{}}), nil),
		run:     map[records.Stage]func(context.Context, runner.Request, runner.Runner) (runner.Result, error){},
		calls:   map[records.Stage]int{},
	}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	b.env = suite.NewTestWorkflowEnvironment()
	b.env.SetTestTimeout(time.Minute)
	workflows.Register(b.env, activities.New(activities.Options{
		Store: b.store, Artifacts: b.artifacts, Runners: b.faults, Clock: activities.SystemClock{},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Environment: records.Environment{Name: "test"},
	}), releases.New(releases.Options{Store: b.store, Artifacts: b.artifacts, Clock: activities.SystemClock{}}), casework.New(b.store, activities.SystemClock{}))
	return b
}

// pipeline is a pipeline document; each test changes what it needs.
func pipeline() map[string]any {
	stages := map[string]any{}
	for _, spec := range records.BuildSpine() {
		stages[string(spec.Stage)] = map[string]any{
			"runner":    map[string]any{"kind": "reference", "version": "1.0.0"},
			"execution": "remote",
			"retry":     map[string]any{"max_attempts": 2, "initial_interval": "1ms"},
		}
	}
	return map[string]any{
		"kind": "pipeline", "schema_version": "1.0.0", "pipeline_id": "test", "version": "1.0.0",
		"source_date": "2026-01-01T00:00:00Z", "wait_for_operator": "0s", "stages": stages,
	}
}

func inline(document map[string]any) map[string]any {
	for _, stage := range document["stages"].(map[string]any) {
		stage.(map[string]any)["execution"] = "inline"
	}
	return document
}

func waiting(document map[string]any, patience string) map[string]any {
	document["wait_for_operator"] = patience
	return document
}

func policy() map[string]any {
	return map[string]any{
		"schema_version": "1.0.0", "kind": "mandate_bundle", "bundle_id": "test", "created_at": "2026-01-01T00:00:00Z",
		"issuer":  map[string]any{"organization_id": organization, "issuer_id": "ann"},
		"mandate": map[string]any{"mandate_id": "m", "name": "test"},
		"policies": []any{map[string]any{
			"policy_id": "p", "version": "1.0.0", "name": "validation", "enforcement": "MUST",
			"rules": []any{map[string]any{"rule_id": "r", "type": "validation", "config": map[string]any{"admit": []any{"passed"}}}},
		}},
	}
}

func (b *bench) put(document any) records.Ref {
	data, err := json.Marshal(document)
	require.NoError(b.t, err)
	ref, err := b.artifacts.PutBytes(context.Background(), records.MediaJSON, data)
	require.NoError(b.t, err)
	return ref
}

// request records a request as the API does, and returns the workflow's input.
func (b *bench) request(pipeline, policy any, change ...func(*records.BuildRequest)) workflows.BuildInput {
	ctx := context.Background()
	set, err := schemas.BuiltinContractSet()
	require.NoError(b.t, err)
	contracts, err := b.artifacts.PutBytes(ctx, records.MediaJSON, set.Manifest())
	require.NoError(b.t, err)
	for _, file := range set.Files() {
		_, err := b.artifacts.PutBytes(ctx, records.MediaJSON, file)
		require.NoError(b.t, err)
	}
	request := records.BuildRequest{
		Organization: organization, BuildID: b.buildID, IdempotencyKey: b.t.Name(),
		Inputs:   []records.Input{{URI: "file://" + b.inputs}},
		Pipeline: b.put(pipeline), Policy: b.put(policy), Contracts: contracts,
		Trigger: records.Trigger{Type: records.TriggerManual, Actor: "ann", Reason: "test"},
	}
	for _, c := range change {
		c(&request)
	}
	ref := b.put(request)
	entry, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: records.TypeBuildRequested,
		Subject: records.Subject{Kind: records.SubjectBuild, ID: b.buildID}, At: time.Now(), Actor: "ann",
	}, "requested", records.BuildRequested{IdempotencyKey: request.IdempotencyKey, Request: ref, Trigger: request.Trigger})
	require.NoError(b.t, err)
	_, err = b.store.Append(ctx, entry)
	require.NoError(b.t, err)
	return workflows.BuildInput{Organization: organization, BuildID: b.buildID, Request: ref}
}

// run runs the workflow to its end and returns outcome, view and entries.
func (b *bench) run(in workflows.BuildInput) (workflows.BuildOutcome, records.BuildView, []records.Entry) {
	b.env.ExecuteWorkflow(workflows.BuildWorkflow, in)
	require.True(b.t, b.env.IsWorkflowCompleted())
	require.NoError(b.t, b.env.GetWorkflowError())
	var outcome workflows.BuildOutcome
	require.NoError(b.t, b.env.GetWorkflowResult(&outcome))
	view, err := b.store.Build(context.Background(), organization, b.buildID)
	require.NoError(b.t, err)
	require.Equal(b.t, outcome.State, view.State)
	stored, err := b.store.Entries(context.Background(), organization,
		records.Subject{Kind: records.SubjectBuild, ID: b.buildID}, store.EntryQuery{})
	require.NoError(b.t, err)
	entries := []records.Entry{}
	for _, s := range stored {
		entries = append(entries, s.Entry)
	}
	return outcome, view, entries
}

// recordOf returns the Build Record among entries, and checks its hash.
func (b *bench) recordOf(entries []records.Entry) records.BuildRecord {
	var found []records.BuildRecord
	for _, entry := range entries {
		if entry.Type != records.TypeRecordWritten {
			continue
		}
		var record records.BuildRecord
		require.NoError(b.t, json.Unmarshal(entry.Body, &record))
		found = append(found, record)
	}
	require.Len(b.t, found, 1, "every build has exactly one record")
	require.NoError(b.t, found[0].VerifyHash())
	return found[0]
}

func codes(list ...gates.Code) []string {
	text := []string{}
	for _, code := range list {
		text = append(text, string(code))
	}
	return text
}
