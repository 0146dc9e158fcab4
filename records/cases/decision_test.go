package cases_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/cases"
)

var (
	reviewers = cases.Owner{Kind: cases.Team, ID: "reviewers"}
	closers   = cases.Owner{Kind: cases.Team, ID: "closers"}
)

// asking is a route that asks for every decision.
func asking(r *cases.Route) {
	r.Review, r.Tasks = true, nil
	r.ReviewBy = &cases.Asked{Owner: &reviewers, DueWithin: hours(2)}
	r.CloseBy = &cases.Asked{Owner: &closers, DueWithin: hours(3)}
}

// last returns what the newest Task of a decision is like.
func (h *history) last(d cases.Decision) string {
	for i := len(h.Tasks) - 1; i >= 0; i-- {
		if t := h.Tasks[i]; t.Decides == d {
			return fmt.Sprintf("%s of %s: %s", t.Status, t.Owner.ID, t.Resolution)
		}
	}
	return "none"
}

func TestAReviewIsATask(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		by, reason string
		to         cases.Status
		want       string
	}{
		{"rita", "", cases.Completed, "COMPLETED of reviewers: approved"},
		{"rita", "it is not so", cases.InProgress, "COMPLETED of reviewers: sent back: it is not so"},
		{"rita", "nobody needs it", cases.Cancelled, "CANCELLED of reviewers: the Case ended: nobody needs it"},
		{"rita", "it cannot be done", cases.Failed, "CANCELLED of reviewers: the Case ended: it cannot be done"},
	} {
		t.Run(string(c.to), func(t *testing.T) {
			t.Parallel()
			h := opened(t, asking)
			require.NoError(t, h.move("olga", "", cases.InProgress, ""))
			require.Equal(t, "none", h.last(cases.DecideReview))
			require.NoError(t, h.move("olga", "", cases.WaitingReview, "mended"))
			require.Equal(t, "PENDING of reviewers: ", h.last(cases.DecideReview))
			require.Zero(t, h.Undone(), "it keeps nothing from being completed")
			require.Equal(t, h.now.Add(hours(2).Std()), *h.Tasks[0].Due.Due)
			require.Equal(t, h.Version, h.Tasks[0].Version)
			require.NoError(t, h.move(c.by, c.reason, c.to, ""))
			require.Equal(t, c.want, h.last(cases.DecideReview))
			require.Equal(t, c.to == cases.Completed || c.to == cases.InProgress, h.Tasks[0].Due.Met != nil)
			require.NotNil(t, h.Tasks[0].ClosedAt)
		})
	}
}

// Every review is asked for anew.
func TestAReviewOfEachAttempt(t *testing.T) {
	t.Parallel()
	h := opened(t, asking)
	require.NoError(t, h.move("olga", "", cases.InProgress, ""))
	for range 3 {
		require.NoError(t, h.move("olga", "", cases.WaitingReview, "mended"))
		require.NoError(t, h.move("rita", "no", cases.InProgress, ""))
	}
	keys := map[string]bool{}
	for _, task := range h.Tasks {
		require.Equal(t, cases.TaskCompleted, task.Status)
		require.Equal(t, cases.TaskID(h.CaseID, task.Key), task.TaskID)
		keys[task.Key] = true
	}
	require.Len(t, keys, 3)
}

func TestADecisionIsNotDoneWithoutIt(t *testing.T) {
	t.Parallel()
	h := opened(t, asking)
	require.NoError(t, h.move("olga", "", cases.InProgress, ""))
	require.NoError(t, h.move("olga", "", cases.WaitingReview, "mended"))
	id := h.Tasks[0].TaskID
	move := func(to cases.TaskStatus) error {
		return h.do(cases.TypeTaskMoved, "olga", "why", cases.TaskMoved{TaskID: id, To: to, Resolution: "done"})
	}
	for _, to := range []cases.TaskStatus{cases.TaskCompleted, cases.TaskCancelled} {
		err := move(to)
		require.Equal(t, cases.CodeTransition, code(err))
		require.ErrorContains(t, err, "WAITING_REVIEW and can become")
	}
	require.NoError(t, move(cases.TaskInProgress), "somebody looks at it")
	require.Equal(t, cases.CodeTransition, code(move(cases.TaskFailed)))
	require.NoError(t, h.do(cases.TypeTaskOwned, "rita", "", cases.TaskAssigned{TaskID: id, Owner: closers}))
	require.Equal(t, "IN_PROGRESS of closers: ", h.last(cases.DecideReview))
	require.Equal(t, cases.CodeApprover, code(h.move("olga", "", cases.Completed, "")))
	require.NoError(t, h.move("rita", "", cases.Completed, ""))
	require.Equal(t, "COMPLETED of closers: approved", h.last(cases.DecideReview))
}

// Whoever is waited for has a deadline, whatever pauses the rest.
func TestAReviewIsNotPausedByWhatItReviews(t *testing.T) {
	t.Parallel()
	h := opened(t, func(r *cases.Route) {
		asking(r)
		r.Pauses = []cases.Status{cases.WaitingReview}
	})
	require.NoError(t, h.move("olga", "", cases.InProgress, ""))
	require.NoError(t, h.move("olga", "", cases.WaitingReview, "mended"))
	require.NotNil(t, h.PausedAt)
	due, is := h.Next()
	require.True(t, is)
	require.Equal(t, cases.DueTask, due.Kind)
	require.Equal(t, h.now.Add(hours(2).Std()), due.At)
}

func TestWhatIsClearedIsToBeClosed(t *testing.T) {
	t.Parallel()
	h := opened(t, asking)
	clear := func() { require.NoError(t, h.do(cases.TypeCleared, "orgo", "it passed", cases.ClearedBy{})) }
	clear()
	require.Equal(t, "PENDING of closers: ", h.last(cases.DecideClose))
	clear()
	require.Len(t, h.Tasks, 1, "once")
	require.NoError(t, h.do(cases.TypeRecurred, "orgo", "", cases.Recurred{}))
	require.Equal(t, "CANCELLED of closers: it was met again", h.last(cases.DecideClose))
	clear()
	require.Len(t, h.Tasks, 2)
	require.NoError(t, h.move("olga", "", cases.InProgress, ""))
	require.Equal(t, "PENDING of closers: ", h.last(cases.DecideClose))
	require.NoError(t, h.move("olga", "", cases.WaitingReview, "mended"))
	require.Equal(t, "COMPLETED of closers: mended", h.last(cases.DecideClose))
	require.NoError(t, h.move("rita", "no", cases.InProgress, ""))
	require.Equal(t, "PENDING of closers: ", h.last(cases.DecideClose), "it is as gone as before")
	require.NoError(t, h.move("olga", "nobody needs it", cases.Cancelled, ""))
	require.Equal(t, "CANCELLED of closers: the Case ended: nobody needs it", h.last(cases.DecideClose))
}

// What is about to close by itself asks nobody; what still has something to do, does.
func TestWhatClosesItselfAsksNobody(t *testing.T) {
	t.Parallel()
	for _, todo := range []bool{false, true} {
		h := opened(t, func(r *cases.Route) {
			tasks := r.Tasks
			asking(r)
			r.Review, r.CloseCleared = false, true
			if todo {
				r.Tasks = tasks
			}
		})
		require.NoError(t, h.do(cases.TypeCleared, "orgo", "it passed", cases.ClearedBy{}))
		if !todo {
			require.Equal(t, "none", h.last(cases.DecideClose))
			continue
		}
		require.Equal(t, "PENDING of closers: ", h.last(cases.DecideClose))
		require.NoError(t, h.do(cases.TypeTaskMoved, "olga", "", cases.TaskMoved{TaskID: h.Tasks[0].TaskID, To: cases.TaskCompleted, Resolution: "looked"}))
		require.Equal(t, "PENDING of closers: ", h.last(cases.DecideClose), "it did not close by that")
		require.NoError(t, h.move("olga", "", cases.Completed, "mended"))
		require.Equal(t, "COMPLETED of closers: mended", h.last(cases.DecideClose))
	}
}

// One that is blocked does not close by what cleared it, so somebody is asked.
func TestWhatIsBlockedDoesNotCloseItself(t *testing.T) {
	t.Parallel()
	h := opened(t, func(r *cases.Route) {
		asking(r)
		r.Review, r.CloseCleared = false, true
	})
	require.NoError(t, h.move("olga", "the vendor", cases.Blocked, ""))
	require.NoError(t, h.do(cases.TypeCleared, "orgo", "it passed", cases.ClearedBy{}))
	require.False(t, h.ClosesItself())
	require.Equal(t, "PENDING of closers: ", h.last(cases.DecideClose))
}

// A Case that goes to and fro has so many Tasks, and goes on.
func TestDecisionsAreBounded(t *testing.T) {
	t.Parallel()
	h := opened(t, asking)
	for range cases.MaxDecisions + 10 {
		require.NoError(t, h.do(cases.TypeCleared, "orgo", "it passed", cases.ClearedBy{}))
		require.NoError(t, h.do(cases.TypeRecurred, "orgo", "", cases.Recurred{}))
	}
	require.Len(t, h.Tasks, cases.MaxDecisions)
	plan := cases.Plan{Key: "more", Type: "more", Title: "More"}
	require.NoError(t, h.do(cases.TypeTaskOpened, "olga", "", cases.TaskOpened{TaskID: cases.TaskID(h.CaseID, "more"), Source: cases.SourceManual, Plan: plan}))
}

// A Case that was routed before there were Tasks of decisions replays to what it was.
func TestARouteThatAsksNobodyHasNoDecisions(t *testing.T) {
	t.Parallel()
	h := opened(t, func(r *cases.Route) { r.Review, r.Tasks = true, nil })
	require.NoError(t, h.do(cases.TypeCleared, "orgo", "it passed", cases.ClearedBy{}))
	require.NoError(t, h.move("olga", "", cases.InProgress, ""))
	require.NoError(t, h.move("olga", "", cases.WaitingReview, "mended"))
	require.Empty(t, h.Tasks)
}

func TestAskedForNothing(t *testing.T) {
	t.Parallel()
	route := opened(t, asking).Route
	require.Empty(t, route.Problem())
	for want, asked := range map[string]cases.Asked{
		"a decision is due within some time": {Owner: &closers},
		"owner 1 has a kind":                 {Owner: &cases.Owner{Kind: "crowd", ID: "x"}, DueWithin: hours(1)},
	} {
		route.ReviewBy, route.CloseBy = &asked, nil
		require.Contains(t, route.Problem(), want)
		route.ReviewBy, route.CloseBy = nil, &asked
		require.Contains(t, route.Problem(), want)
	}
	route.CloseBy, route.Tasks = nil, []cases.Plan{{Key: "decision/review/9", Type: "x", Title: "X"}}
	require.Contains(t, route.Problem(), "begins with")
}
