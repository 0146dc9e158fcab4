package stack

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// Decisions, those about overrides, and warnings are counted apart, and each has
// a line in the log.
func TestDecisionsAreCounted(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	o := NewObserver(slog.New(slog.NewTextHandler(&log, nil)))
	observe := func(d gates.Decision) {
		entry, err := records.NewEntry(records.Entry{
			Organization: records.DefaultOrganization, Kind: records.KindDecision, Type: records.TypeGatePassed,
			Subject: records.Subject{Kind: records.SubjectBuild, ID: "b"}, At: time.Now(), Actor: "ann",
			Correlation: records.Correlation{BuildID: "b", Stage: records.Ingest},
		}, string(d.Verdict), d)
		require.NoError(t, err)
		o.Observe(store.Stored{Entry: entry})
	}
	observe(gates.Decision{Gate: gates.GateProvenance, Verdict: gates.Fail})
	observe(gates.Decision{Gate: gates.GateProvenance, Verdict: gates.Pass, Override: &gates.Override{Actor: "bob"}})
	observe(gates.Decision{Gate: gates.GateValidation, Verdict: gates.Pass, Findings: []gates.Finding{
		{RuleID: "p/r", Verdict: gates.Fail, Code: gates.ValidationIssueLimit, Advisory: true, Enforcement: gates.Should},
		{RuleID: "p/s", Verdict: gates.Fail, Code: gates.ValidationIssueLimit, Advisory: true, Enforcement: gates.May},
	}})

	answer := httptest.NewRecorder()
	o.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{
		`orgo_gate_decisions_total{gate="provenance",stage="ingest",verdict="FAIL"} 1`,
		`orgo_gate_decisions_total{gate="provenance",stage="ingest",verdict="OVERRIDE_PASS"} 1`,
		`orgo_gate_warnings_total{code="VALIDATION_ISSUE_LIMIT_EXCEEDED",gate="validation",stage="ingest"} 1`,
	} {
		require.Contains(t, answer.Body.String(), line)
	}
	require.Contains(t, log.String(), "rule=p/r reason_code=VALIDATION_ISSUE_LIMIT_EXCEEDED")
}

// What happens to Cases is counted, with labels of closed tables.
func TestCasesAreCounted(t *testing.T) {
	t.Parallel()
	o := NewObserver(slog.New(slog.DiscardHandler))
	observe := func(typ string, body any) {
		entry, err := cases.Entry(records.DefaultOrganization, "c", typ, cases.Act{Actor: "ann", At: time.Now()}, body)
		require.NoError(t, err)
		o.Observe(store.Stored{Entry: entry})
	}
	observe(cases.TypeOpened, cases.Opened{Type: "a person's own word", Cause: cases.Cause{Kind: cases.CauseRequest, ID: "k"}})
	observe(cases.TypeOpened, cases.Opened{Cause: cases.Cause{Kind: "no such kind", ID: "k"}, Route: cases.Route{Severity: "SEV2"}})
	observe(cases.TypeMoved, cases.Moved{To: cases.Blocked})
	observe(cases.TypeReopened, cases.Reopened{})
	observe(cases.TypeRecurred, cases.Recurred{})
	observe(cases.TypeTaskMoved, cases.TaskMoved{To: cases.TaskCompleted})
	observe(cases.TypeTaskLate, cases.Escalated{Deadline: cases.Deadline{Kind: cases.DueTask, Level: 2}})

	o.cases.CaseRefused(string(gates.VersionStale))
	o.cases.CaseRefused("no code")

	answer := httptest.NewRecorder()
	o.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{
		`orgo_case_refusals_total{code="VERSION_STALE"} 1`,
		`orgo_case_refusals_total{code="unknown"} 1`,
		`orgo_cases_opened_total{cause="request",severity="none"} 1`,
		`orgo_cases_opened_total{cause="unknown",severity="SEV2"} 1`,
		`orgo_case_moves_total{to="BLOCKED"} 1`,
		`orgo_case_moves_total{to="OPEN"} 1`,
		`orgo_cases_recurred_total 1`,
		`orgo_task_moves_total{to="COMPLETED"} 1`,
		`orgo_case_escalations_total{kind="task",level="2"} 1`,
	} {
		require.Contains(t, answer.Body.String(), line)
	}
	require.NotContains(t, answer.Body.String(), "own word")
}
