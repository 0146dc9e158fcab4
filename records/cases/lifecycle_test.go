package cases_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// Written from CONTRACTS §1 and docs/cases.md, and not from the table: which
// transitions are legal, and what each asks for.
var caseLegal = map[cases.Status]map[cases.Status]string{
	"OPEN":           {"IN_PROGRESS": "", "BLOCKED": "reason", "COMPLETED": "resolution", "CANCELLED": "reason"},
	"IN_PROGRESS":    {"BLOCKED": "reason", "WAITING_REVIEW": "resolution", "COMPLETED": "resolution", "CANCELLED": "reason", "FAILED": "reason"},
	"BLOCKED":        {"IN_PROGRESS": "", "CANCELLED": "reason", "FAILED": "reason"},
	"WAITING_REVIEW": {"IN_PROGRESS": "reason", "COMPLETED": "approval", "CANCELLED": "reason", "FAILED": "reason"},
	"COMPLETED":      {}, "CANCELLED": {}, "FAILED": {},
}

var taskLegal = map[cases.TaskStatus]map[cases.TaskStatus]string{
	"PENDING":     {"IN_PROGRESS": "", "ON_HOLD": "reason", "COMPLETED": "resolution", "CANCELLED": "reason"},
	"IN_PROGRESS": {"ON_HOLD": "reason", "COMPLETED": "resolution", "FAILED": "reason", "CANCELLED": "reason"},
	"ON_HOLD":     {"IN_PROGRESS": "", "FAILED": "reason", "CANCELLED": "reason"},
	"ESCALATED":   {"IN_PROGRESS": "", "ON_HOLD": "reason", "COMPLETED": "resolution", "FAILED": "reason", "CANCELLED": "reason"},
	"COMPLETED":   {}, "FAILED": {}, "CANCELLED": {},
}

// The way to each state from the first one.
var caseWays = map[cases.Status][]cases.Status{
	"OPEN": nil, "IN_PROGRESS": {"IN_PROGRESS"}, "BLOCKED": {"BLOCKED"}, "WAITING_REVIEW": {"IN_PROGRESS", "WAITING_REVIEW"},
	"COMPLETED": {"COMPLETED"}, "CANCELLED": {"CANCELLED"}, "FAILED": {"IN_PROGRESS", "FAILED"},
}

var taskWays = map[cases.TaskStatus][]cases.TaskStatus{
	"PENDING": nil, "IN_PROGRESS": {"IN_PROGRESS"}, "ON_HOLD": {"ON_HOLD"}, "ESCALATED": {"ESCALATED"},
	"COMPLETED": {"COMPLETED"}, "FAILED": {"IN_PROGRESS", "FAILED"}, "CANCELLED": {"CANCELLED"},
}

// caseIn returns a Case without Tasks in a state.
func caseIn(t *testing.T, status cases.Status, change func(*cases.Route)) *history {
	t.Helper()
	h := opened(t, func(r *cases.Route) {
		r.Tasks = nil
		if change != nil {
			change(r)
		}
	})
	for _, to := range caseWays[status] {
		require.NoError(t, h.move("ann", "because", to, "mended"))
	}
	require.Equal(t, status, h.Status)
	return h
}

// taskIn returns a Case whose Task is in a state.
func taskIn(t *testing.T, status cases.TaskStatus) *history {
	t.Helper()
	h := opened(t, nil)
	for _, to := range taskWays[status] {
		if to == cases.TaskEscalated {
			h.escalate() // the Case
			h.escalate()
			continue
		}
		require.NoError(t, h.task("ann", "because", to, "mended"))
	}
	require.Equal(t, status, h.Tasks[0].Status)
	return h
}

func (h *history) task(actor, reason string, to cases.TaskStatus, resolution string) error {
	return h.do(cases.TypeTaskMoved, actor, reason, cases.TaskMoved{TaskID: h.Tasks[0].TaskID, To: to, Resolution: resolution})
}

func TestCasesMoveAsTheListSays(t *testing.T) {
	t.Parallel()
	tried := 0
	for _, from := range cases.Statuses() {
		for _, to := range append(cases.Statuses(), "DONE", "") {
			needs, legal := caseLegal[from][to]
			h := caseIn(t, from, nil)
			before := h.Case
			err := h.move("bob", "because", to, "mended")
			tried++
			if !legal {
				want := cases.CodeTransition
				if from.Terminal() {
					want = cases.CodeTerminal
				}
				require.Equal(t, want, code(err), "%s to %s", from, to)
				require.Equal(t, before, h.Case, "nothing has changed")
				continue
			}
			require.NoError(t, err, "%s to %s", from, to)
			require.Equal(t, to, h.Status)
			require.Equal(t, to.Terminal(), h.ClosedAt != nil)
			require.True(t, slices.Contains(from.From(), to))
			lacking := map[string]cases.Code{"reason": cases.CodeReason, "resolution": cases.CodeResolution, "approval": cases.CodeApprover, "": ""}[needs]
			require.Equal(t, lacking, code(caseIn(t, from, nil).move("ann", "", to, "")), "%s to %s", from, to)
		}
		require.Len(t, from.From(), len(caseLegal[from]))
	}
	require.Equal(t, 7*9, tried)
}

func TestTasksMoveAsTheListSays(t *testing.T) {
	t.Parallel()
	for _, from := range cases.TaskStatuses() {
		for _, to := range append(cases.TaskStatuses(), "DONE", "") {
			needs, legal := taskLegal[from][to]
			h := taskIn(t, from)
			before := h.Case
			err := h.task("bob", "because", to, "mended")
			if !legal {
				want := cases.CodeTransition
				if from.Terminal() {
					want = cases.CodeTaskTerminal
				}
				require.Equal(t, want, code(err), "%s to %s", from, to)
				require.Equal(t, before, h.Case, "nothing has changed")
				continue
			}
			require.NoError(t, err, "%s to %s", from, to)
			require.Equal(t, to, h.Tasks[0].Status)
			require.Equal(t, to.Terminal(), h.Tasks[0].ClosedAt != nil)
			require.Equal(t, h.Version, h.Tasks[0].Version)
			lacking := map[string]cases.Code{"reason": cases.CodeReason, "resolution": cases.CodeResolution, "": ""}[needs]
			require.Equal(t, lacking, code(taskIn(t, from).task("ann", "", to, "")), "%s to %s", from, to)
		}
		require.Len(t, from.From(), len(taskLegal[from]))
	}
}

// What a terminal Case takes, and what it does not: nothing new, but what is said
// about it.
func TestATerminalCaseAbsorbs(t *testing.T) {
	t.Parallel()
	for _, status := range cases.Statuses() {
		if !status.Terminal() {
			continue
		}
		refused := map[string]any{
			cases.TypeRecurred: cases.Recurred{}, cases.TypeAssigned: cases.Assigned{Owners: []cases.Owner{ops}}, cases.TypeCleared: cases.ClearedBy{},
			cases.TypeMoved:      cases.Moved{To: cases.InProgress},
			cases.TypeTaskOpened: cases.TaskOpened{Source: cases.SourceAPI, Plan: cases.Plan{Key: "k", Type: "t", Title: "T"}},
		}
		for typ, body := range refused {
			h := caseIn(t, status, nil)
			require.Equal(t, cases.CodeTerminal, code(h.do(typ, "bob", "because", body)), "%s of %s", typ, status)
		}
		h := caseIn(t, status, nil)
		require.Equal(t, cases.CodeNotDue, code(h.do(cases.TypeEscalated, "orgo", "", cases.Escalated{Deadline: cases.Deadline{Kind: cases.DueResolve, Level: 1}})))
		require.NoError(t, h.do(cases.TypeCommented, "bob", "", cases.Commented{Text: "for the record"}))
		require.NoError(t, h.do(cases.TypeLinked, "bob", "", cases.Linked{Ref: cases.Ref{Type: "url", Ref: "https://example.org"}}))
		require.Equal(t, status, h.Status)
	}
}

func TestReopening(t *testing.T) {
	t.Parallel()
	within := func(r *cases.Route) { r.ReopenWithin = hours(24) }
	for _, status := range cases.Statuses() {
		h := caseIn(t, status, within)
		if !status.Terminal() {
			require.Equal(t, cases.CodeTransition, code(h.do(cases.TypeReopened, "bob", "it is back", cases.Reopened{})))
			continue
		}
		require.Equal(t, cases.CodeReason, code(h.do(cases.TypeReopened, "bob", "", cases.Reopened{})))
		require.Equal(t, cases.CodeStale, code(h.do(cases.TypeReopened, "bob", "it is back", cases.Reopened{Expects: h.Version - 1})))
		h.now = h.ClosedAt.Add(24*time.Hour + time.Second)
		require.Equal(t, cases.CodeReopen, code(h.do(cases.TypeReopened, "bob", "it is back", cases.Reopened{})))
		h.now = h.ClosedAt.Add(24 * time.Hour)
		require.NoError(t, h.do(cases.TypeReopened, "bob", "it is back", cases.Reopened{Expects: h.Version}))
		require.Equal(t, cases.Open, h.Status)
		require.Equal(t, 1, h.Reopened)
		require.Nil(t, h.ClosedAt)
		require.Empty(t, h.Resolution+h.ResolvedBy)
		require.Equal(t, h.now.Add(time.Hour), *h.Response.Due, "it begins anew")
		require.Nil(t, h.Response.Met)
		require.NoError(t, h.move("bob", "", cases.InProgress, ""))
	}
	require.Equal(t, cases.CodeReopen, code(caseIn(t, cases.Completed, nil).do(cases.TypeReopened, "bob", "it is back", cases.Reopened{})), "its route lets nobody")
}

func TestReviewsAreOfAnotherPerson(t *testing.T) {
	t.Parallel()
	for _, actor := range []string{"ann", "Ann", " ANN ", records.SystemActor} {
		h := caseIn(t, cases.WaitingReview, nil) // ann resolved it
		require.Equal(t, cases.CodeApprover, code(h.move(actor, "fine", cases.Completed, "")), actor)
	}
	h := caseIn(t, cases.WaitingReview, nil)
	require.NoError(t, h.move("bob", "not so", cases.InProgress, ""))
	require.NoError(t, h.move("bob", "", cases.WaitingReview, "mended again"))
	require.Equal(t, cases.CodeApprover, code(h.move("bob", "fine", cases.Completed, "")))
	require.NoError(t, h.move("ann", "fine", cases.Completed, ""))
	require.Equal(t, "mended again", h.Resolution)
	for _, from := range []cases.Status{cases.Open, cases.InProgress} {
		h := caseIn(t, from, func(r *cases.Route) { r.Review = true })
		require.Equal(t, cases.CodeReview, code(h.move("bob", "", cases.Completed, "mended")))
	}
}

func TestAWriterThatIsBehindIsRefused(t *testing.T) {
	t.Parallel()
	h := opened(t, nil)
	seen := h.Version
	require.NoError(t, h.do(cases.TypeCommented, "bob", "", cases.Commented{Text: "look"}))
	err := h.do(cases.TypeMoved, "ann", "", cases.Moved{To: cases.InProgress, Expects: seen})
	var refusal *cases.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, cases.CodeStale, refusal.Code)
	require.Equal(t, [2]int64{h.Version, seen}, [2]int64{refusal.Current, refusal.Expected})
	require.NoError(t, h.do(cases.TypeMoved, "ann", "", cases.Moved{To: cases.InProgress, Expects: h.Version}))
	task := h.Tasks[0]
	require.NoError(t, h.do(cases.TypeTaskMoved, "ann", "", cases.TaskMoved{TaskID: task.TaskID, To: cases.TaskInProgress, Expects: task.Version}), "the task is as it was")
	require.Equal(t, cases.CodeStale, code(h.do(cases.TypeTaskMoved, "bob", "", cases.TaskMoved{TaskID: task.TaskID, To: cases.TaskCompleted, Resolution: "done", Expects: task.Version})))
	require.Equal(t, cases.CodeStale, code(h.do(cases.TypeTaskOwned, "bob", "", cases.TaskAssigned{TaskID: task.TaskID, Owner: ops, Expects: task.Version})))
	require.Equal(t, cases.CodeStale, code(h.do(cases.TypeAssigned, "bob", "", cases.Assigned{Owners: []cases.Owner{ops}, Expects: seen})))
}
