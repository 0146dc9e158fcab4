package cases_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/cases"
)

func (h *history) after(d time.Duration) { h.now = h.now.Add(d) }

// due are the deadlines of the Case and its Task, in hours after it began.
func (h *history) due() string {
	in := func(k cases.Clock) string {
		if k.Due == nil {
			return "-"
		}
		return k.Due.Sub(began).String()
	}
	return fmt.Sprint(in(h.Response), " ", in(h.Resolve), " ", in(h.Tasks[0].Reactivity), " ", in(h.Tasks[0].Due))
}

func TestDeadlinesBegin(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1h0m0s 8h0m0s 1h0m0s 4h0m0s", opened(t, nil).due())
	h := opened(t, func(r *cases.Route) {
		r.RespondWithin, r.ResolveWithin, r.Tasks[0].DueWithin, r.Tasks[0].ReactWithin = 0, 0, 0, 0
	})
	require.Equal(t, "- - - -", h.due())
	_, is := h.Next()
	require.False(t, is, "nothing is ever due")
}

// The Case is blocked while the Task is on hold: what pauses twice counts once.
func TestNestedPauses(t *testing.T) {
	t.Parallel()
	h := opened(t, nil)
	h.after(30 * time.Minute)
	require.NoError(t, h.task("ann", "the vendor", cases.TaskOnHold, "")) // at 0.5 h, which meets its reactivity
	h.after(30 * time.Minute)
	require.NoError(t, h.move("ann", "the vendor", cases.Blocked, "")) // at 1 h, which meets the response
	h.after(2 * time.Hour)
	require.NoError(t, h.task("ann", "", cases.TaskInProgress, "")) // at 3 h: the Case still is
	require.NotNil(t, h.Tasks[0].PausedAt)
	h.after(time.Hour)
	require.NoError(t, h.move("ann", "", cases.InProgress, "")) // at 4 h
	require.Equal(t, "1h0m0s 11h0m0s 1h0m0s 7h30m0s", h.due(), "the Case was paused for 3 h, its task for 3.5 h")
}

// The other way round: the Case goes on first.
func TestATaskStaysOnHold(t *testing.T) {
	t.Parallel()
	h := opened(t, nil)
	require.NoError(t, h.move("ann", "the vendor", cases.Blocked, ""))
	h.after(time.Hour)
	require.NoError(t, h.task("ann", "the vendor", cases.TaskOnHold, ""))
	h.after(time.Hour)
	require.NoError(t, h.move("ann", "", cases.InProgress, "")) // at 2 h
	require.Nil(t, h.PausedAt)
	require.NotNil(t, h.Tasks[0].PausedAt)
	h.after(time.Hour)
	require.NoError(t, h.task("ann", "", cases.TaskInProgress, "")) // at 3 h
	require.Equal(t, "1h0m0s 10h0m0s 2h0m0s 7h0m0s", h.due())
}

// What is met during a pause was not met late: the deadline did not run.
func TestWhatIsMetWhilePausedIsInTime(t *testing.T) {
	t.Parallel()
	h := opened(t, nil)
	require.NoError(t, h.move("ann", "the vendor", cases.Blocked, ""))
	h.after(20 * time.Hour)
	require.NoError(t, h.task("bob", "", cases.TaskCompleted, "done"))
	task := h.Tasks[0]
	require.Equal(t, began.Add(24*time.Hour), *task.Due.Due)
	require.True(t, task.Due.Met.Before(*task.Due.Due))
	require.True(t, task.Reactivity.Met.Before(*task.Reactivity.Due))
	h.after(time.Hour)
	require.NoError(t, h.move("ann", "", cases.InProgress, ""))
	require.Equal(t, task.Due, h.Tasks[0].Due, "what was met is not put off any more")

	h = opened(t, func(r *cases.Route) { r.Pauses = []cases.Status{cases.Open}; r.Tasks = nil })
	h.after(20 * time.Hour)
	require.NoError(t, h.move("ann", "", cases.Completed, "mended"))
	require.Equal(t, began.Add(21*time.Hour), *h.Response.Due)
	require.Equal(t, began.Add(28*time.Hour), *h.Resolve.Due)
	require.Equal(t, h.now, *h.Resolve.Met)
}

// A clock that goes back makes no deadline earlier.
func TestATimeBeforeThePauseShortensNothing(t *testing.T) {
	t.Parallel()
	h := opened(t, nil)
	h.after(time.Hour)
	require.NoError(t, h.move("ann", "the vendor", cases.Blocked, ""))
	h.after(-30 * time.Minute)
	require.NoError(t, h.move("ann", "", cases.InProgress, ""))
	require.Equal(t, "1h0m0s 8h0m0s 1h0m0s 4h0m0s", h.due())
}

// Every level of every deadline comes once, in the order of time, and then nothing.
func TestEscalationsComeOnceAndInOrder(t *testing.T) {
	t.Parallel()
	h := opened(t, nil)
	var came []string
	last := began
	for {
		due, is := h.Next()
		if !is {
			break
		}
		require.False(t, due.At.Before(last))
		last = due.At
		came = append(came, fmt.Sprintf("%s %d at %s", due.Kind, due.Level, due.At.Sub(began)))
		require.Equal(t, due, h.escalate())
		require.Equal(t, cases.CodeNotDue, code(h.do(cases.TypeEscalated, "orgo", "", cases.Escalated{Deadline: due})), "not twice")
	}
	require.Equal(t, []string{
		"response 1 at 1h0m0s", "reactivity 1 at 1h0m0s", "response 2 at 3h0m0s", "reactivity 2 at 3h0m0s",
		"task 1 at 4h0m0s", "task 2 at 6h0m0s", "resolve 1 at 8h0m0s", "resolve 2 at 10h0m0s",
	}, came)
	require.Equal(t, 2, h.Escalation)
	require.Equal(t, []cases.Owner{ops, {Kind: cases.User, ID: "lead"}}, h.Owners, "each joins once")
}

func TestEscalationsThatAreNotDue(t *testing.T) {
	t.Parallel()
	h := opened(t, nil)
	h.after(100 * time.Hour)
	task := h.Tasks[0].TaskID
	for _, due := range []cases.Deadline{
		{Kind: cases.DueResponse, Level: 2}, {Kind: cases.DueResponse, Level: 0}, {Kind: cases.DueTask, TaskID: "another", Level: 1},
		{Kind: cases.DueResolve, TaskID: task, Level: 1}, {Kind: cases.DueReactivity, Level: 1},
	} {
		require.Equal(t, cases.CodeNotDue, code(h.do(cases.TypeEscalated, "orgo", "", cases.Escalated{Deadline: due})), "%+v", due)
	}
	for _, kind := range []cases.DeadlineKind{"", "tasks"} {
		require.Equal(t, cases.CodeInvalid, code(h.do(cases.TypeTaskLate, "orgo", "", cases.Escalated{Deadline: cases.Deadline{Kind: kind, TaskID: task, Level: 1}})))
	}
	require.NoError(t, h.task("ann", "", cases.TaskInProgress, ""))
	require.Equal(t, cases.CodeNotDue, code(h.do(cases.TypeTaskLate, "orgo", "", cases.Escalated{Deadline: cases.Deadline{Kind: cases.DueReactivity, TaskID: task, Level: 1}})), "it was met")
	require.NoError(t, h.task("ann", "the vendor", cases.TaskOnHold, ""))
	require.Equal(t, cases.CodeNotDue, code(h.do(cases.TypeTaskLate, "orgo", "", cases.Escalated{Deadline: cases.Deadline{Kind: cases.DueTask, TaskID: task, Level: 1}})), "it is paused")
	none := opened(t, func(r *cases.Route) { r.Escalation = nil })
	_, is := none.Next()
	require.False(t, is, "nobody hears of it")
}

// A Task that comes while the Case is paused is paused, too.
func TestATaskThatComesDuringAPause(t *testing.T) {
	t.Parallel()
	h := opened(t, nil)
	require.NoError(t, h.move("ann", "the vendor", cases.Blocked, ""))
	h.after(time.Hour)
	plan := cases.Plan{Key: "more", Type: "more", Title: "More", DueWithin: hours(1)}
	require.NoError(t, h.do(cases.TypeTaskOpened, "ann", "", cases.TaskOpened{TaskID: cases.TaskID(h.CaseID, "more"), Source: cases.SourceManual, Plan: plan}))
	h.after(5 * time.Hour)
	require.NoError(t, h.move("ann", "", cases.InProgress, ""))
	require.Equal(t, began.Add(7*time.Hour), *h.Keyed("more").Due.Due)
}
