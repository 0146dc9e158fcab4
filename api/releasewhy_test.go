package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// refusing is a decision on the health of a stage.
func refusing(verdict gates.Verdict, codes ...gates.Code) gates.Decision {
	decision := gates.Decision{Gate: gates.GateHealth, Verdict: verdict, Codes: codes, EvaluatorVersion: gates.EvaluatorVersion, EvaluatedAt: apitest.Epoch}
	for _, code := range codes {
		decision.Findings = append(decision.Findings, gates.Finding{RuleID: "health/errors", Verdict: verdict, Code: code, Message: "3 of 100 failed", Target: "errors"})
	}
	return decision
}

func TestWhyRelease(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*testing.T, *apitest.Stack, string)
		want   map[string]client.Where // by code
	}{
		"waits for approvals": {
			func(*testing.T, *apitest.Stack, string) {},
			map[string]client.Where{"APPROVALS_MISSING": {Stage: "canary"}},
		},
		"held": {
			func(t *testing.T, s *apitest.Stack, id string) {
				_, err := s.Client(t).ActOnRelease(t.Context(), id, client.HoldRelease{Because: because("lunch")}, "")
				require.NoError(t, err)
			},
			map[string]client.Where{"APPROVALS_MISSING": {Stage: "canary"}, "RELEASE_HELD": {Stage: "canary"}},
		},
		"a decision with its findings": {
			func(t *testing.T, s *apitest.Stack, id string) {
				require.NoError(t, s.Releases.Decide(t.Context(), records.DefaultOrganization, id, refusing(gates.Fail, gates.MetricWorse), 0, "canary"))
			},
			map[string]client.Where{"METRIC_WORSE_THAN_CONTROL": {Gate: "rollout-health", Stage: "canary", Cohort: "canary"}},
		},
		"a decision whose entry is not there": {
			func(t *testing.T, s *apitest.Stack, id string) {
				changed(t, s, id, func(r *release.Record) {
					r.Codes = nil
					r.Decisions = []release.DecisionSummary{{EntryID: "gone", Gate: "rollout-health", Stage: 2, Cohort: "late", Verdict: "STALE", Codes: []string{"TELEMETRY_STALE"}}}
				})
			},
			map[string]client.Where{"TELEMETRY_STALE": {Gate: "rollout-health", Stage: "close", Cohort: "late"}},
		},
		"a refusal that a later decision replaced": {
			func(t *testing.T, s *apitest.Stack, id string) {
				changed(t, s, id, func(r *release.Record) {
					r.Codes = nil
					r.Decisions = []release.DecisionSummary{
						{EntryID: "a", Gate: "rollout-health", Verdict: "STALE", Codes: []string{"TELEMETRY_STALE"}}, {EntryID: "b", Gate: "rollout-health", Verdict: "PASS"},
					}
				})
			},
			map[string]client.Where{},
		},
		"soaking": {
			func(t *testing.T, s *apitest.Stack, id string) {
				changed(t, s, id, func(r *release.Record) {
					r.Phase, r.Codes, r.Stage = string(rollout.PhaseSoaking), []string{"TELEMETRY_STALE"}, 1
					r.Soak = &release.StageState{Part: release.Part{Name: "soak"}}
				})
			},
			map[string]client.Where{"TELEMETRY_STALE": {Stage: "soak"}},
		},
		"why it ended": {
			func(t *testing.T, s *apitest.Stack, id string) {
				changed(t, s, id, func(r *release.Record) {
					r.Phase, r.Codes, r.Code, r.Stage = string(rollout.PhaseRolledBack), nil, "METRIC_OUT_OF_BOUNDS", 1
				})
			},
			map[string]client.Where{"METRIC_OUT_OF_BOUNDS": {Stage: "rest"}},
		},
		"closed well": {
			func(t *testing.T, s *apitest.Stack, id string) {
				require.NoError(t, s.Releases.Decide(t.Context(), records.DefaultOrganization, id, refusing(gates.Stale, gates.TelemetryStale), 0, "canary"))
				changed(t, s, id, func(r *release.Record) { r.Phase, r.Codes = string(rollout.PhaseClosedGood), nil })
			},
			map[string]client.Where{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := apitest.New(t)
			record := released(t, s, "k")
			tc.change(t, s, record.ReleaseID)
			why, err := s.Client(t).ReleaseWhy(t.Context(), record.ReleaseID)
			require.NoError(t, err)
			found := map[string]client.Where{}
			for _, unmet := range why.Unmet {
				found[unmet.Code] = unmet.Where
				require.NotEmpty(t, unmet.Meaning, unmet.Code)
				require.NotEmpty(t, unmet.Remedy, unmet.Code)
				require.NotEmpty(t, unmet.ClearedBy, unmet.Code)
			}
			require.Equal(t, tc.want, found)
		})
	}
}

func TestWhyReleaseHasTheEvidenceAndTheWait(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	record := released(t, s, "k")
	require.NoError(t, s.Releases.Decide(t.Context(), records.DefaultOrganization, record.ReleaseID, refusing(gates.Fail, gates.MetricWorse), 0, "canary"))
	why, err := s.Client(t).ReleaseWhy(t.Context(), record.ReleaseID)
	require.NoError(t, err)
	require.Equal(t, "approvals", why.Waits.For)
	require.Len(t, why.Unmet, 1)
	require.Equal(t, "3 of 100 failed", why.Unmet[0].Message)
	require.Equal(t, []string{"health/errors"}, why.Unmet[0].Rules)
	require.NotEmpty(t, why.Unmet[0].EntryID)
	require.Contains(t, string(why.Unmet[0].Evidence), "inputs_digest")
}

func changed(t *testing.T, s *apitest.Stack, id string, change func(*release.Record)) {
	t.Helper()
	require.NoError(t, s.Releases.Change(records.DefaultOrganization, id, change))
}
