//go:build linux

package e2e_test

import (
	"cmp"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/workflows"
)

// about waits until there is a Case of a cause that is as a test wants it, and requires
// that there is no other.
func (s *stack) about(t *testing.T, cause cases.Cause, what string, holds func(cases.Case) bool) cases.Case {
	t.Helper()
	var found []cases.Case
	eventually(t, cause.String()+" has a case that is "+what, func() bool {
		list, err := s.orgo.Cases(t.Context(), client.CaseQuery{Cause: &cause})
		if err != nil || len(list.Cases) == 0 {
			return false
		}
		require.Len(t, list.Cases, 1, cause)
		whole, err := s.orgo.Case(t.Context(), list.Cases[0].CaseID)
		require.NoError(t, err)
		found = []cases.Case{whole}
		return holds(whole)
	})
	return found[0]
}

// tasks returns how far the Tasks of a Case are, by key, or by what they decide.
func tasks(c cases.Case) map[string]cases.TaskStatus {
	found := map[string]cases.TaskStatus{}
	for _, task := range c.Tasks {
		found[cmp.Or(string(task.Decides), task.Key)] = task.Status
	}
	return found
}

// showsCase waits until Temporal shows the workflow of a Case in a state.
func (s *stack) showsCase(t *testing.T, caseID string, status enumspb.WorkflowExecutionStatus) {
	t.Helper()
	c := s.temporal(t)
	eventually(t, "the workflow of the case is "+status.String(), func() bool {
		shown, err := c.DescribeWorkflowExecution(t.Context(), workflows.CaseWorkflowID(records.DefaultOrganization, caseID), "")
		return err == nil && shown.WorkflowExecutionInfo.Status == status && shown.WorkflowExecutionInfo.Type.Name == workflows.CaseWorkflow
	})
}

func TestABuildThatFailsIsWorkUntilItPasses(t *testing.T) {
	t.Parallel()
	p := newPlayed(t, func(extractor player) { extractor.set(t, "fail") }, waiting(records.Duration(time.Hour)))
	p.waits(t, p.id, 1)
	cause := cases.Cause{Kind: "build", ID: p.id}
	opened := p.about(t, cause, "open", func(cases.Case) bool { return true })
	require.Equal(t, cases.Open, opened.Status)
	require.Equal(t, []string{string(gates.RunnerFailed)}, opened.Codes)
	require.Equal(t, []cases.Owner{{Kind: cases.Team, ID: "runner-owners"}}, opened.Owners)
	require.Equal(t, map[string]cases.TaskStatus{"investigate": cases.TaskPending}, tasks(opened))

	p.showsCase(t, opened.CaseID, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	require.Contains(t, p.cli(t, "task", "list", "--mine", "--due").done(t), opened.Tasks[0].TaskID, "who works alone has every team's work")
	listed := p.cli(t, "case", "list", "--cause", cause.String()).done(t)
	require.Contains(t, listed, opened.CaseID)

	// A Case outlives the process, and what happens again is counted, not opened again.
	p.restart(t)
	r := p.cli(t, "build", "retry", p.id, "--stage", "extract", "--reason", "perhaps now")
	require.Equal(t, 0, r.code, r.err)
	p.waits(t, p.id, 2)
	again := p.about(t, cause, "met twice", func(c cases.Case) bool { return c.Occurrences == 2 })
	require.Equal(t, opened.CaseID, again.CaseID)

	// A build that passes proposes to close: a person is asked to.
	p.extractor.unset(t, "fail")
	p.extractor.set(t, "go")
	p.cli(t, "build", "retry", p.id, "--stage", "extract", "--reason", "the program is mended").done(t)
	p.end(t, p.id, records.BuildPassed)
	cleared := p.about(t, cause, "cleared", func(c cases.Case) bool { return c.Cleared != nil })
	require.Equal(t, map[string]cases.TaskStatus{"investigate": cases.TaskCompleted, "close": cases.TaskPending}, tasks(cleared))
	require.Equal(t, cases.Open, cleared.Status)
	require.Contains(t, p.cli(t, "task", "list", "--mine", "--due").done(t), "What opened it is gone")
	p.cli(t, "case", "transition", cleared.CaseID, "--to", "COMPLETED", "--resolution", "the program is mended").done(t)
	closed := p.about(t, cause, "closed", func(c cases.Case) bool { return c.Status == cases.Completed })
	require.Equal(t, cases.TaskCompleted, tasks(closed)["close"])
	p.showsCase(t, closed.CaseID, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)

	var koa struct {
		Status string            `json:"status"`
		Audit  []json.RawMessage `json:"audit"`
	}
	require.NoError(t, json.Unmarshal([]byte(p.cli(t, "case", "get", closed.CaseID, "--format", "koa").done(t)), &koa))
	require.Equal(t, string(cases.Completed), koa.Status)
	require.Len(t, koa.Audit, int(closed.Version), "every entry of it, in order")
	p.verify(t)
}

func TestARollbackByAPersonIsWorkThatItsActionsDo(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0")
	o.play(t)
	first, second := o.sent(t, "main", "1.0.0"), o.sent(t, "main", "1.1.0")
	o.cli(t, "release", "rollback", second, "--reason", "wrong prices").done(t)
	o.reaches(t, second, rollout.PhaseRolledBack)
	o.requireActive(t, "main", first)

	rolledBack := o.onlyCase(t, "rollback")
	waiting := o.about(t, rolledBack, "done but for the hold", func(c cases.Case) bool { return tasks(c)["validate"] == cases.TaskCompleted })
	require.Equal(t, map[string]cases.TaskStatus{
		"freeze": cases.TaskCompleted, "roll-back": cases.TaskCompleted, "validate": cases.TaskCompleted, "unfreeze": cases.TaskPending,
	}, tasks(waiting))
	require.Nil(t, waiting.Cleared)

	o.cli(t, "channel", "lift", "staging/main", "--owner", rollout.AfterRollback, "--reason", "understood").done(t)
	done := o.about(t, rolledBack, "cleared", func(c cases.Case) bool { return c.Cleared != nil })
	require.Equal(t, cases.TaskCompleted, tasks(done)["unfreeze"])
	o.verify(t)
}

// onlyCase waits until there is a Case of a kind, and returns its cause.
func (s *stack) onlyCase(t *testing.T, kind string) cases.Cause {
	t.Helper()
	var cause cases.Cause
	eventually(t, "there is a case of "+kind, func() bool {
		list, err := s.orgo.Cases(t.Context(), client.CaseQuery{})
		if err != nil {
			return false
		}
		for _, c := range list.Cases {
			if c.Cause.Kind == kind {
				cause = c.Cause
			}
		}
		return cause.Kind == kind
	})
	return cause
}

func TestAnApprovalIsATaskOfThoseWhoMayGiveIt(t *testing.T) {
	t.Parallel()
	o := openShop(t, newStackOf(t, api.TokenEntry{Actor: "alice"}, api.TokenEntry{Actor: "bob", Roles: []string{"governance"}}), "1.0.0")
	o.play(t)
	request := o.order("main", "1.0.0", quick())
	request.Policy = quorum(t, 1)
	record, err := o.as(t, "alice").CreateRelease(t.Context(), request, "")
	require.NoError(t, err)
	o.reaches(t, record.ReleaseID, rollout.PhaseAwaitingApproval)

	cause := cases.Cause{Kind: "approval", ID: record.ReleaseID}
	asked := o.about(t, cause, "open", func(c cases.Case) bool { return len(c.Tasks) == 1 })
	require.Equal(t, cases.Owner{Kind: cases.Team, ID: "governance"}, asked.Tasks[0].Owner)
	require.NotNil(t, asked.Tasks[0].Due.Due)
	require.Contains(t, o.cliAs(t, "bob", "task", "list", "--mine", "--due").done(t), asked.Tasks[0].TaskID)
	require.NotContains(t, o.cliAs(t, "alice", "task", "list", "--mine", "--due").done(t), asked.Tasks[0].TaskID)

	approvable := o.becomes(t, record.ReleaseID, "to be approved", func(r release.Record) bool { return r.IntentDigest != nil && len(r.Codes) > 0 })
	o.cliAs(t, "bob", "release", "approve", record.ReleaseID, "--intent", approvable.IntentDigest.String(), "--reason", "read").done(t)
	o.reaches(t, record.ReleaseID, rollout.PhaseClosedGood)
	closed := o.about(t, cause, "closed by itself", func(c cases.Case) bool { return c.Status == cases.Completed })
	require.Equal(t, map[string]cases.TaskStatus{"approve": cases.TaskCompleted}, tasks(closed))
}
