package control_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/control"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/gatestest"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

// epoch is when the decisions of the tests begin.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func digest(text string) records.Digest { return records.DigestOf([]byte(text)) }

// rule makes a binding rule.
func rule(id, kind, config string) gates.Rule {
	return gates.Rule{ID: id, Type: kind, Enforcement: gates.Must, Config: []byte(config)}
}

// mixedRules asks something of many gates.
func mixedRules(t testing.TB, name string, maxBytes int) gates.Ruleset {
	t.Helper()
	validation := rule("p/status", "validation", `{"admit": ["passed", "partial"], "max_by_code": {"A": 3}}`)
	validation.Validation = &gates.ValidationConfig{Admit: []gates.ReportStatus{gates.ReportPassed, gates.ReportPartial}, MaxByCode: map[string]int64{"A": 3}}
	rules, err := gates.Policy{Digest: digest(name), BundleID: name, Rules: []gates.Rule{
		rule("p/size", "integrity", fmt.Sprintf(`{"max_bytes": %d}`, maxBytes)),
		validation,
		rule("p/few", "cel", `{"gate": "validation", "expression": "issues < 5", "message": "fewer than 5", "refuses": {"issues": 5}}`),
		rule("p/health", "rollout_health", `{"metrics": [{"name": "errors", "max": 0.05, "min_samples": 10}], "min_reporting_percent": 90, "max_age": "5m"}`),
		rule("p/votes", "approvals", `{"quorum": 2, "max_age": "24h"}`),
		rule("p/frozen", "freeze_window", `{"windows": [{"from": "2026-03-01T13:00:00Z", "to": "2026-03-01T14:00:00Z", "reason": "x"}]}`),
		rule("p/override", "override", `{"gates": ["freeze"], "max_duration": "4h"}`),
	}}.Compile()
	require.NoError(t, err)
	return rules
}

// mixedDecision is the i-th of decisions of all kinds of gates and verdicts.
func mixedDecision(rules gates.Ruleset, i int) gates.Decision {
	at := epoch.Add(time.Duration(i) * time.Second)
	subject := gates.Subject{BuildID: records.BuildID(records.DefaultOrganization, fmt.Sprint(i)), Stage: records.Validate, Generation: 1}
	c := gates.Context{Subject: subject, Rules: rules, At: at, Actor: records.SystemActor, Evaluator: gates.EvaluatorVersion}
	ref := records.Ref{Digest: digest(fmt.Sprint(i)), MediaType: records.MediaJSON, Size: int64(i % 200)}
	switch i % 6 {
	case 0:
		c.Subject.Stage = records.Ingest
		return gates.Integrity(c, gates.Evidence{Stage: records.Ingest, Declared: 1, Outputs: []gates.OutputEvidence{
			{Artifact: records.Artifact{Name: records.OutSnapshot, Ref: ref}, Found: ref.Digest, Read: ref.Size},
		}})
	case 1:
		issues := int64(i % 7)
		return gates.Validation(c, gates.ValidationInputs{
			CompileInputs: []records.Artifact{{Name: records.OutSnapshot, Ref: ref}, {Name: records.OutResolved, Ref: ref}},
			Report: &gates.ReportEvidence{Report: ref, Status: gates.ReportPartial, Codes: map[string]int64{"A": issues}, ByCode: issues,
				Severities: map[string]int64{"WARNING": issues}, BySeverity: issues, Resolved: ref.Digest, Snapshot: ref.Digest},
		})
	case 2:
		rate := float64(i%11) / 100
		return gates.Health(c, gates.Window{Digest: ref.Digest, ActivatedAt: at.Add(-time.Hour), From: at.Add(-time.Hour), To: at.Add(-time.Minute),
			Ended: i%4 == 0, Expected: 10, Reporting: int64(8 + i%3), Measured: 1, Metrics: []gates.Metric{{Name: "errors", Samples: 100, Value: &rate}}})
	case 3:
		votes := []gates.Vote{{Actor: "ann", Intent: ref.Digest, Approve: true, At: at.Add(-time.Hour), ExpiresAt: at.Add(time.Hour)}, {Actor: "bob", Intent: ref.Digest, Approve: i%2 == 0, At: at.Add(-time.Hour), ExpiresAt: at.Add(time.Hour)}}
		return gates.Approvals(c, gates.Votes{Intent: ref.Digest, Requester: "cem", Initiator: "dan", Recorded: new(2), Votes: votes})
	case 4:
		return gates.Freeze(c, gates.Action{Kind: gates.ActionPromote})
	default:
		frozen := gates.Freeze(c, gates.Action{Kind: gates.ActionPromote})
		return gates.Overrule(c, frozen, "cem", gates.Override{Actor: "ann", Reason: "r", CaseID: "c", ExpiresAt: at.Add(time.Hour), Of: frozen.InputsDigest})
	}
}

// seed stores decisions as builds do and returns control over policies.
func seed(t testing.TB, dsn string, rules gates.Ruleset, n int) control.Policies {
	t.Helper()
	s := storetest.Open(t, dsn)
	require.NoError(t, s.Migrate(t.Context()))
	const together = 500
	for first := 0; first < n; first += together {
		var entries []records.Entry
		for i := first; i < min(first+together, n); i++ {
			d := mixedDecision(rules, i)
			entry, err := records.NewEntry(records.Entry{
				Organization: records.DefaultOrganization, Kind: records.KindDecision, Type: records.TypeGatePassed,
				Subject: records.Subject{Kind: "release", ID: d.Subject.BuildID}, At: d.EvaluatedAt, Actor: d.Actor,
			}, string(d.Gate), d)
			require.NoError(t, err)
			entries = append(entries, entry)
		}
		_, err := s.Append(t.Context(), entries...)
		require.NoError(t, err)
	}
	return control.Policies{Store: s}
}

// databases are the two kinds, each empty.
func databases() map[string]func(testing.TB) string {
	return map[string]func(testing.TB) string{
		"SQLite":   func(t testing.TB) string { return store.SQLiteDSN(filepath.Join(t.TempDir(), "orgo.db")) },
		"Postgres": storetest.Postgres,
	}
}

const decisions = 10_000

func TestTenThousandDecisionsReplayIdentically(t *testing.T) {
	t.Parallel()
	decisions := gatestest.Cases(t, decisions)
	for name, open := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules := mixedRules(t, "own", 100)
			policies := seed(t, open(t), rules, decisions)
			began := time.Now()
			result, err := policies.Backtest(context.Background(), records.DefaultOrganization, rules, api.BacktestQuery{Limit: 2 * decisions})
			require.NoError(t, err)
			t.Logf("%d decisions in %s", result.Decisions, time.Since(began))
			require.Equal(t, decisions, result.Decisions, "skipped: %v", result.Skipped)
			require.Equal(t, decisions, result.Identical)
			require.Empty(t, result.Changes)

			// The planted fault: a policy that differs in one number must show.
			other, err := policies.Backtest(context.Background(), records.DefaultOrganization, mixedRules(t, "stricter", 99), api.BacktestQuery{Limit: 2 * decisions})
			require.NoError(t, err)
			require.Less(t, other.Identical, other.Decisions)
			require.Equal(t, map[gates.Code]int{gates.ArtifactTooLarge: len(other.Changes)}, other.Blocked)
			require.NotEmpty(t, other.Changes)
			require.Positive(t, other.Skipped["override"])
		})
	}
}

// BenchmarkBacktest prints how long it takes to make 10,000 decisions again.
func BenchmarkBacktest(b *testing.B) {
	for name, open := range databases() {
		b.Run(name, func(b *testing.B) {
			rules := mixedRules(b, "own", 100)
			policies := seed(b, open(b), rules, decisions)
			for b.Loop() {
				result, err := policies.Backtest(b.Context(), records.DefaultOrganization, rules, api.BacktestQuery{Limit: decisions})
				require.NoError(b, err)
				require.Equal(b, decisions, result.Identical)
			}
			b.ReportMetric(float64(b.N*decisions)/b.Elapsed().Seconds(), "decisions/s")
		})
	}
}
