package races_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/deployments/local/races"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/telemetry"
)

// comparing is a policy whose bounds alone would let nine of ten executions fail.
var comparing = json.RawMessage(`{"kind":"mandate_bundle","schema_version":"1.0.0","bundle_id":"comparing","created_at":"2026-01-01T00:00:00Z",
"issuer":{"organization_id":"00000000-0000-4000-8000-000000000001","issuer_id":"races"},"mandate":{"mandate_id":"m","name":"compares"},
"policies":[{"policy_id":"p","version":"1.0.0","name":"p","enforcement":"MUST","rules":[
{"rule_id":"validation","type":"validation","config":{"admit":["passed"]}},
{"rule_id":"agree","type":"approvals","config":{"solo":true}},
{"rule_id":"fits","type":"compatibility","config":{"downgrade":"refuse","format":"same_major"}},
{"rule_id":"health","type":"rollout_health","config":{"min_reporting_percent":100,"max_age":"10m","metrics":[
{"name":"execution.failure_rate","max":0.9,"min_samples":40,"compare":{"alpha":"0.01","min_samples":40}}]}}]}]}`)

// compared has a good release everywhere, and a newer one whose first stage is watched.
func compared(ctx context.Context, t *testing.T, r *races.Rig, observe time.Duration) (good, watched release.Record) {
	t.Helper()
	build, err := r.Build(ctx, "Europa")
	require.NoError(t, err)
	good, err = r.CloseWell(ctx, races.Order{Key: "good", BuildID: build, Version: "1.0.0", Channel: channel, Observe: time.Second, Soak: time.Second})
	require.NoError(t, err)
	build, err = r.Harness.Build(ctx, filepath.Join(t.TempDir(), "inputs"), "Ganymede", comparing)
	require.NoError(t, err)
	asked, err := r.Stack.Releases().Create(ctx, races.Organization, release.Request{
		IdempotencyKey: "watched", BuildID: build, Channel: channel, Version: "1.1.0",
		Strategy: release.Strategy{
			Mode: release.Staged, Stages: []release.Stage{{Name: "first", Cohorts: []string{"canary"}}, {Name: "all", Cohorts: []string{"rest"}}},
			Observe: records.Duration(observe), Deadline: records.Duration(observe + 5*time.Minute), Soak: records.Duration(time.Second),
		},
	}, api.Identity{Actor: "rita", Organization: races.Organization}, "to see")
	require.NoError(t, err)
	watched, err = r.Await(ctx, asked.ReleaseID, rollout.PhaseObserving)
	require.NoError(t, err)
	return good, watched
}

// executions are samples of a cohort, every so manieth of which failed.
func executions(of release.Record, cohort string, n, everyFails int) []telemetry.Sample {
	samples := []telemetry.Sample{races.Running(of, cohort)}
	for i := range n {
		status := telemetry.Succeeded
		if everyFails > 0 && i%everyFails == 0 {
			status = telemetry.Failed
		}
		samples = append(samples, races.Execution(of, cohort, status))
	}
	return samples
}

// What fails more often than the version before is taken back, though it is within all
// bounds.
func TestACanaryThatIsWorseThanItsControlIsTakenBack(t *testing.T) {
	t.Parallel()
	onRig(t, 100*time.Millisecond, func(ctx context.Context, t *testing.T, r *races.Rig) {
		good, watched := compared(ctx, t, r, time.Hour)
		require.Len(t, watched.Stages[0].Control, 1)
		require.Equal(t, good.ReleaseID, watched.Stages[0].Control[0].ReleaseID)
		require.NoError(t, r.Report(ctx, executions(good, "rest", 200, 0)...))
		require.NoError(t, r.Report(ctx, executions(watched, "canary", 100, 2)...))
		back, err := r.Await(ctx, watched.ReleaseID, rollout.PhaseRolledBack)
		require.NoError(t, err)
		require.Equal(t, string(gates.MetricWorse), back.Code)
		require.EqualValues(t, 200, back.Stages[0].Control[0].Counts[0].Samples)
	})
}

// What fails as often as the version before goes on, with a control and, in the last
// stage, without one; but not while the control is silent.
func TestACanaryThatIsNoWorseThanItsControlGoesOn(t *testing.T) {
	t.Parallel()
	onRig(t, 100*time.Millisecond, func(ctx context.Context, t *testing.T, r *races.Rig) {
		good, watched := compared(ctx, t, r, time.Second)
		require.NoError(t, r.Report(ctx, executions(watched, "canary", 100, 2)...))
		held := func() bool {
			record, err := r.Stack.Releases().Release(ctx, races.Organization, watched.ReleaseID)
			require.NoError(t, err)
			return record.Stage == 0 && record.Stages[0].Verdict == string(gates.NoData)
		}
		require.Eventually(t, held, 30*time.Second, 50*time.Millisecond, "nothing was heard of the control")
		for stage := 0; stage == 0; {
			require.NoError(t, r.Report(ctx, executions(good, "rest", 20, 2)...))
			require.NoError(t, r.Report(ctx, executions(watched, "canary", 20, 2)...))
			record, err := r.Stack.Releases().Release(ctx, races.Organization, watched.ReleaseID)
			require.NoError(t, err)
			require.Empty(t, record.Code)
			stage = record.Stage
			require.NoError(t, ctx.Err())
		}
		watched, err := r.Await(ctx, watched.ReleaseID, rollout.PhaseObserving)
		require.NoError(t, err)
		for phase := watched.Phase; phase != string(rollout.PhaseClosedGood); {
			require.NoError(t, r.Report(ctx, append(executions(watched, "canary", 20, 2), executions(watched, "rest", 20, 2)...)...))
			record, err := r.Stack.Releases().Release(ctx, races.Organization, watched.ReleaseID)
			require.NoError(t, err)
			require.Empty(t, record.Code)
			phase = record.Phase
			require.NoError(t, ctx.Err())
		}
	})
}
