package releases_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/registry"
	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/attest"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/schemas"
	"github.com/initkoa/orgo/workflows"
)

const organization = records.DefaultOrganization

var (
	start   = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	channel = records.ChannelName{Environment: "production", Name: "main"}
)

// bench is the activities over a real store, a real artifact store and a target of
// real files, and a build that really passed.
type bench struct {
	caller    releases.Caller // who calls the activities
	t         *testing.T
	dir       string
	store     *store.Store
	artifacts *artifacts.Store
	act       *releases.Activities
	temporal  *temporal
	record    records.BuildRecord

	generation int // of the newest stage that was asked for
}

// temporal is the double of the workflows that are woken.
type temporal struct {
	mu    sync.Mutex
	woken []string
}

func (w *temporal) Act(_ context.Context, _ string, _ records.ChannelName, entryID string) (records.CommandOutcome, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.woken = append(w.woken, entryID)
	return records.CommandOutcome{Command: entryID, Code: string(gates.ReleaseHeld)}, nil
}

// targets opens the target of a channel below a directory.
type targets struct{ b *bench }

func (o targets) Target(_ context.Context, organization string, c records.ChannelName) (target.Target, error) {
	name := index.Channel{Organization: organization, Environment: c.Environment, Name: c.Name}
	opened, err := target.OpenDirectory(filepath.Join(o.b.dir, "targets"), name, o.b.artifacts, target.Unwatched{})
	if err == nil {
		o.b.t.Cleanup(func() { _ = opened.Close() })
	}
	return opened, err
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), temporal: &temporal{}}
	ctx := t.Context()
	var err error
	b.store, err = store.Open(ctx, store.SQLiteDSN(filepath.Join(b.dir, "orgo.db")))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.store.Close()) })
	require.NoError(t, b.store.Migrate(ctx))
	b.artifacts, err = artifacts.Open(ctx, "file://"+filepath.Join(b.dir, "artifacts"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.artifacts.Close()) })
	b.act = releases.New(releases.Options{
		Store: b.store, Artifacts: b.artifacts, Clock: activities.SystemClock{},
		Targets: targets{b}, Channels: b.temporal, Callers: b,
	})
	b.caller = releases.Caller{Organization: organization, Subject: records.ReleaseSubject("r")}
	b.record = b.build("passed")
	return b
}

// Caller makes every workflow the one of a release, or what a test says.
func (b *bench) Caller(string, string) (releases.Caller, bool) {
	return b.caller, b.caller.Organization != ""
}

func (b *bench) put(document any) records.Ref {
	data, err := json.Marshal(document)
	require.NoError(b.t, err)
	ref, err := b.artifacts.PutBytes(b.t.Context(), records.MediaJSON, data)
	require.NoError(b.t, err)
	return ref
}

func (b *bench) append(kind records.EntryKind, typ string, subject records.Subject, discriminator string, body any) records.Entry {
	entry := entryOf(b.t, kind, typ, subject, discriminator, body)
	_, err := b.store.Append(b.t.Context(), entry)
	require.NoError(b.t, err)
	return entry
}

func entryOf(t *testing.T, kind records.EntryKind, typ string, subject records.Subject, discriminator string, body any) records.Entry {
	entry, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: kind, Type: typ, Subject: subject, At: start, Actor: "ann",
	}, discriminator, body)
	require.NoError(t, err)
	return entry
}

func buildSubject(id string) records.Subject {
	return records.Subject{Kind: records.SubjectBuild, ID: id}
}

// policy looks at a health signal, and at the version of packs.
func policy(id string) map[string]any {
	return map[string]any{
		"schema_version": "1.0.0", "kind": "mandate_bundle", "bundle_id": id, "created_at": "2026-01-01T00:00:00Z",
		"issuer":  map[string]any{"organization_id": organization, "issuer_id": "ann"},
		"mandate": map[string]any{"mandate_id": "m", "name": "test"},
		"policies": []any{map[string]any{
			"policy_id": "p", "version": "1.0.0", "name": "health", "enforcement": "MUST",
			"rules": []any{map[string]any{"rule_id": "r", "type": "rollout_health", "config": map[string]any{
				"metrics":               []any{map[string]any{"name": "signal.load.mean", "max": 900, "min_samples": 1}, map[string]any{"name": "activation", "max": 1, "min_samples": 1}},
				"min_reporting_percent": 100, "max_age": "5m",
			}}},
		}},
	}
}

// build runs a build of the reference stages to its end.
func (b *bench) build(key string) records.BuildRecord {
	t, ctx := b.t, b.t.Context()
	inputs := filepath.Join(b.dir, "inputs-"+key)
	require.NoError(t, os.Mkdir(inputs, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(inputs, "moons.csv"), []byte("name,radius\nIo,1821.6\n"+key+",1560.8\n"), 0o600))
	set, err := schemas.BuiltinContractSet()
	require.NoError(t, err)
	contracts, err := b.artifacts.PutBytes(ctx, records.MediaJSON, set.Manifest())
	require.NoError(t, err)
	for _, file := range set.Files() {
		_, err := b.artifacts.PutBytes(ctx, records.MediaJSON, file)
		require.NoError(t, err)
	}
	stages := map[string]any{}
	for _, spec := range records.BuildSpine() {
		stages[string(spec.Stage)] = map[string]any{"runner": map[string]any{"kind": "reference", "version": "1.0.0"}, "execution": "inline"}
	}
	id := records.BuildID(organization, key)
	request := records.BuildRequest{
		Organization: organization, BuildID: id, IdempotencyKey: key, Inputs: []records.Input{{URI: "file://" + inputs}},
		Pipeline: b.put(map[string]any{
			"kind": "pipeline", "schema_version": "1.0.0", "pipeline_id": "test", "version": "1.0.0",
			"source_date": "2026-01-01T00:00:00Z", "wait_for_operator": "0s", "stages": stages,
		}),
		Policy: b.put(policy("of-the-build")), Contracts: contracts,
		Trigger: records.Trigger{Type: records.TriggerManual, Actor: "ann"},
	}
	ref := b.put(request)
	b.append(records.KindEvent, records.TypeBuildRequested, buildSubject(id), "requested",
		records.BuildRequested{IdempotencyKey: key, Request: ref, Trigger: request.Trigger})

	quiet := slog.New(slog.DiscardHandler)
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet)
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflow(workflows.Build)
	private, err := attest.Generate(rand.Reader)
	require.NoError(t, err)
	signer, err := attest.ParseSigner(private)
	require.NoError(t, err)
	act := activities.New(activities.Options{
		Signer: signer,
		Store:  b.store, Artifacts: b.artifacts, Clock: activities.SystemClock{}, Log: quiet, Environment: records.Environment{Name: "test"},
		Runners: registry.New(registry.ReferenceStages(b.artifacts, registry.ReferenceOptions{Clock: activities.SystemClock{}}), nil),
	})
	functions := map[string]any{workflows.ActivityPin: act.Pin, workflows.ActivityRecord: act.Record, workflows.ActivityFinish: act.Finish}
	for _, spec := range records.BuildSpine() {
		functions[workflows.StageActivity(spec.Stage)] = act.Stage
	}
	for name, function := range functions {
		env.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
	env.ExecuteWorkflow(workflows.Build, workflows.BuildInput{Organization: organization, BuildID: id, Request: ref})
	require.NoError(t, env.GetWorkflowError())
	stored, err := b.store.Entries(ctx, organization, buildSubject(id), store.EntryQuery{Types: []string{records.TypeRecordWritten}})
	require.NoError(t, err)
	require.Len(t, stored, 1)
	var record records.BuildRecord
	require.NoError(t, json.Unmarshal(stored[0].Body, &record))
	require.Equal(t, records.BuildPassed, record.State, "%v", record.Codes)
	return record
}

// plant records a build that ended with a changed record, and returns its id.
func (b *bench) plant(key string, change func(*records.BuildRecord)) string {
	id := records.BuildID(organization, key)
	record := b.record
	record.BuildID = id
	record.Decisions = nil
	for _, raw := range b.record.Decisions {
		var decision gates.Decision
		require.NoError(b.t, json.Unmarshal(raw, &decision))
		decision.Subject.BuildID = id
		changed, err := records.Canonical(decision)
		require.NoError(b.t, err)
		record.Decisions = append(record.Decisions, changed)
	}
	record.Hash = records.Digest{}
	seal(b.t, &record)
	change(&record)
	subject := buildSubject(id)
	b.append(records.KindEvent, records.TypeBuildRequested, subject, "requested", records.BuildRequested{IdempotencyKey: key, Request: record.Request, Trigger: record.Trigger})
	written := b.append(records.KindRecord, records.TypeRecordWritten, subject, "1", record)
	end := map[records.BuildState]string{records.BuildPassed: records.TypeBuildPassed, records.BuildBlocked: records.TypeBuildBlocked}[record.State]
	b.append(records.KindEvent, end, subject, "ended", records.BuildEnded{State: record.State, Record: written.Digest})
	return id
}

// seal gives a record the hash that it then really has.
func seal(t *testing.T, record *records.BuildRecord) {
	record.Hash = records.Digest{}
	hash, err := records.CanonicalDigest(*record)
	require.NoError(t, err)
	record.Hash = hash
}

// file is where an artifact lies.
func (b *bench) file(ref records.Ref) string {
	return filepath.Join(b.dir, "artifacts", ref.Alg, ref.Value[:2], ref.Value)
}

func (b *bench) tamper(ref records.Ref) {
	require.NoError(b.t, os.Chmod(b.file(ref), 0o600))
	content, err := os.ReadFile(b.file(ref))
	require.NoError(b.t, err)
	content[len(content)/2] ^= 1
	require.NoError(b.t, os.WriteFile(b.file(ref), content, 0o600))
}

// run executes an activity as a worker does: what goes in and out is JSON.
func run[O, I any](b *bench, function func(context.Context, I) (O, error), in I) (O, error) {
	b.t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(slog.New(slog.DiscardHandler))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: "activity"})
	var out O
	value, err := env.ExecuteActivity("activity", in)
	if err == nil {
		require.NoError(b.t, value.Get(&out))
	}
	return out, err
}

func must[O, I any](b *bench, function func(context.Context, I) (O, error), in I) O {
	b.t.Helper()
	out, err := run(b, function, in)
	require.NoError(b.t, err)
	return out
}

func (b *bench) request(buildID string) release.Request {
	return release.Request{ReleaseID: "release-new", BuildID: buildID, Channel: channel, Version: "1.2.0"}
}

func (b *bench) check(request release.Request, on rollout.Record) releases.Checked {
	b.t.Helper()
	return must(b, b.act.Check, releases.CheckInput{Organization: organization, Request: request, Channel: on})
}

// member is a release that joined with the pack of a build.
func (b *bench) member(id string, number int64, buildID string) rollout.Member {
	b.t.Helper()
	checked := b.check(b.request(buildID), rollout.Record{})
	require.Empty(b.t, checked.Problems)
	return rollout.Member{ReleaseID: id, Number: number, Pack: *checked.Pack}
}

func placement(t *testing.T, m rollout.Member) rollout.Placement {
	digest, err := m.Pack.Digest()
	require.NoError(t, err)
	return rollout.Placement{ReleaseID: m.ReleaseID, Pack: rollout.Pack{Digest: digest, Version: m.Pack.Version, BuildID: m.Pack.BuildID}}
}

func codes(problems []releases.Problem) []gates.Code {
	list := []gates.Code{}
	for _, p := range problems {
		list = append(list, p.Code)
	}
	return gates.SortCodes(list)
}
