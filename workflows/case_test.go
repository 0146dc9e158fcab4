package workflows_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/activities/casework"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
	"github.com/initkoa/orgo/workflows"
)

// caseAct is something that a person does to the Case after a while.
type caseAct struct {
	after time.Duration
	typ   string
	body  any
}

// caseLife is a Case in a world whose clock skips.
type caseLife struct {
	t     require.TestingT
	store *store.Store
	cause cases.Cause
	id    string
	now   func() time.Time
	acts  int
}

var caseBegan = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)

func newCaseStore(t *testing.T) *store.Store {
	t.Helper()
	s := storetest.Open(t, "sqlite://"+filepath.Join(t.TempDir(), "orgo.db"))
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

func openCase(t require.TestingT, s *store.Store, cause string, route cases.Route) *caseLife {
	l := &caseLife{t: t, store: s, cause: cases.Cause{Kind: "build", ID: cause}}
	l.id = cases.ID(organization, l.cause, 1)
	entry, err := cases.Opening(organization, cases.Act{Actor: records.SystemActor, At: caseBegan}, cases.Opened{
		Source: cases.SourceAPI, Type: "build_blocked", Category: cases.Incident, Summary: "It is blocked",
		Cause: l.cause, Ordinal: 1, Route: route,
	})
	require.NoError(t, err)
	_, err = s.Append(context.Background(), entry)
	require.NoError(t, err)
	return l
}

// do appends what a person does. What the state does not admit is refused, as it is
// in life.
func (l *caseLife) do(a caseAct, at time.Time) {
	l.acts++
	entry, err := cases.Entry(organization, l.id, a.typ, cases.Act{Actor: "ann", Reason: "because", At: at, Key: fmt.Sprint(l.acts)}, a.body)
	require.NoError(l.t, err)
	if _, err = l.store.Append(context.Background(), entry); err != nil {
		require.ErrorAs(l.t, err, new(*cases.Refusal))
	}
}

// run lets the workflow live from a time on until it ends, continues as another run, or
// is cut off, and returns when that was.
func (l *caseLife) run(from, until time.Time, acts []caseAct, renew time.Time) time.Time {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(slog.New(slog.DiscardHandler))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(from)
	env.SetTestTimeout(time.Minute)
	env.RegisterWorkflowWithOptions(workflows.Case, workflow.RegisterOptions{Name: workflows.CaseWorkflow})
	l.now = env.Now
	waits := timersOf(env)
	env.RegisterActivityWithOptions(casework.New(l.store, l).Look, activity.RegisterOptions{Name: workflows.ActivityLook})
	for _, a := range acts {
		if at := caseBegan.Add(a.after); !at.Before(from) && at.Before(until) {
			env.RegisterDelayedCallback(func() {
				l.do(a, env.Now())
				env.SignalWorkflow(workflows.SignalPoke, nil)
			}, at.Sub(from))
		}
	}
	if !renew.IsZero() && renew.Before(until) {
		env.RegisterDelayedCallback(func() {
			env.SetContinueAsNewSuggested(true)
			env.SignalWorkflow(workflows.SignalPoke, nil)
		}, renew.Sub(from))
	}
	env.RegisterDelayedCallback(env.CancelWorkflow, until.Sub(from))
	env.ExecuteWorkflow(workflows.CaseWorkflow, workflows.CaseInput{Organization: organization, CaseID: l.id})
	require.True(l.t, env.IsWorkflowCompleted())
	require.LessOrEqual(l.t, waits(), 1, "what nobody waits for any more has no timer")
	if err := env.GetWorkflowError(); err != nil && !errors.As(err, new(*workflow.ContinueAsNewError)) {
		require.ErrorContains(l.t, err, "canceled")
	}
	return env.Now()
}

// timersOf counts the timers that run at once in a world, and returns what says the most
// that there were.
func timersOf(env *testsuite.TestWorkflowEnvironment) (most func() int) {
	running, peak := 0, 0
	env.SetOnTimerScheduledListener(func(string, time.Duration) { running++; peak = max(peak, running) })
	env.SetOnTimerFiredListener(func(string) { running-- })
	env.SetOnTimerCanceledListener(func(string) { running-- })
	return func() int { return peak }
}

// Now implements activities.Clock.
func (l *caseLife) Now() time.Time { return l.now().UTC() }

// fired returns the escalations there were, in their order.
func (l *caseLife) fired() []records.Entry {
	entries, err := l.store.Entries(context.Background(), organization, cases.Subject(l.id), store.EntryQuery{
		Types: []string{cases.TypeEscalated, cases.TypeTaskLate}, Limit: store.MaxPage,
	})
	require.NoError(l.t, err)
	var all []records.Entry
	for _, e := range entries {
		all = append(all, e.Entry)
	}
	return all
}

func deadlineOf(t require.TestingT, e records.Entry) cases.Deadline {
	var body cases.Escalated
	require.NoError(t, json.Unmarshal(e.Body, &body))
	return body.Deadline
}

// expectedLife works out by hand what has to come when: it counts, minute by minute, how
// long nothing was paused. It knows nothing of the fold.
func expectedLife(route cases.Route, acts []caseAct, until time.Duration) []string {
	type clock struct {
		kind   cases.DeadlineKind
		within time.Duration
		level  int
		ran    time.Duration // since it began, without pauses
		task   bool
		met    bool
	}
	clocks := []*clock{
		{kind: cases.DueResponse, within: route.RespondWithin.Std()},
		{kind: cases.DueReactivity, within: route.Tasks[0].ReactWithin.Std(), task: true},
		{kind: cases.DueTask, within: route.Tasks[0].DueWithin.Std(), task: true},
		{kind: cases.DueResolve, within: route.ResolveWithin.Std()},
	}
	status, task := cases.Open, cases.TaskPending
	var expected []string
	for at := time.Duration(0); at < until; at += time.Minute {
		for _, a := range acts {
			if a.after != at {
				continue
			}
			switch body := a.body.(type) {
			case cases.Moved:
				if !slices.Contains(status.From(), body.To) || body.To == cases.Completed && !task.Terminal() {
					continue
				}
				status = body.To
				clocks[0].met = true
				if status.Terminal() && !task.Terminal() {
					task = cases.TaskCancelled
				}
			case cases.TaskMoved:
				if status.Terminal() || !slices.Contains(task.From(), body.To) {
					continue
				}
				task = body.To
				clocks[1].met = true
			}
		}
		if status.Terminal() {
			break
		}
		for fired := true; fired; {
			fired = false
			for _, k := range clocks {
				if k.met || k.within == 0 || k.level == len(route.Escalation) || status == cases.Blocked || k.task && (task == cases.TaskOnHold || task.Terminal()) {
					continue
				}
				if k.ran >= k.within+route.Escalation[k.level].After.Std() {
					k.level++
					fired = true
					expected = append(expected, fmt.Sprintf("%s %s/%d", at, k.kind, k.level))
					if k.task {
						task = cases.TaskEscalated
					}
				}
			}
		}
		for _, k := range clocks {
			if status != cases.Blocked && (!k.task || task != cases.TaskOnHold) {
				k.ran += time.Minute
			}
		}
	}
	return expected
}

// TestEveryDeadlineEscalatesOnceAndNotWhilePaused lives through random Cases whose
// workers end and whose workflows continue as new, with a clock that skips.
func TestEveryDeadlineEscalatesOnceAndNotWhilePaused(t *testing.T) {
	t.Parallel()
	s := newCaseStore(t)
	number := 0
	rapid.Check(t, func(rt *rapid.T) {
		number++
		route := anyCaseRoute(rt)
		acts := anyCaseActs(rt, cases.TaskID(cases.ID(organization, cases.Cause{Kind: "build", ID: fmt.Sprint(number)}, 1), "look"))
		life := openCase(rt, s, fmt.Sprint(number), route)
		horizon := caseBegan.Add(20 * time.Hour)
		for from := caseBegan; from.Before(horizon); {
			until := from.Add(time.Duration(rapid.IntRange(30, 900).Draw(rt, "minutes until the worker ends")) * time.Minute)
			if until.After(horizon) {
				until = horizon
			}
			renew := from.Add(time.Duration(rapid.IntRange(1, 600).Draw(rt, "minutes until it continues as new")) * time.Minute)
			ended := life.run(from, until, acts, renew)
			if !ended.After(from) {
				ended = from.Add(time.Minute)
			}
			if ended = ended.Truncate(time.Minute); ended.Before(until) {
				c, err := s.Case(context.Background(), organization, life.id)
				require.NoError(rt, err)
				if c.Status.Terminal() {
					break
				}
			}
			from = ended
		}
		var got []string
		for _, e := range life.fired() {
			due := deadlineOf(rt, e)
			got = append(got, fmt.Sprintf("%s %s/%d", due.At.Sub(caseBegan).Truncate(time.Minute), due.Kind, due.Level))
			require.False(rt, e.At.Before(due.At), "%s came early", got[len(got)-1])
		}
		require.Equal(rt, expectedLife(route, acts, 20*time.Hour), got)
	})
}

func anyCaseRoute(t *rapid.T) cases.Route {
	hours := func(name string) records.Duration {
		return records.Duration(time.Duration(rapid.IntRange(0, 6).Draw(t, name)) * time.Hour)
	}
	route := cases.Route{
		Rule: "any", Label: "1000.12.34.Ops", Owners: []cases.Owner{{Kind: cases.Team, ID: "ops"}}, Priority: cases.High, Visibility: cases.Internal,
		RespondWithin: hours("respond"), ResolveWithin: hours("resolve"),
		Pauses: []cases.Status{cases.Blocked}, TaskPauses: []cases.TaskStatus{cases.TaskOnHold},
		Tasks: []cases.Plan{{Key: "look", Type: "look", Title: "Look at it", DueWithin: hours("task"), ReactWithin: hours("react")}},
	}
	after := time.Duration(0)
	for range rapid.IntRange(1, 3).Draw(t, "levels") {
		route.Escalation = append(route.Escalation, cases.Level{After: records.Duration(after)})
		after += time.Duration(rapid.IntRange(1, 3).Draw(t, "hours to the next level")) * time.Hour
	}
	return route
}

// anyCaseActs are at odd minutes, no two at the same: deadlines are at even ones.
func anyCaseActs(t *rapid.T, task string) []caseAct {
	minutes := rapid.SliceOfNDistinct(rapid.IntRange(0, 550), 0, 12, rapid.ID[int]).Draw(t, "minutes")
	var acts []caseAct
	for _, minute := range minutes {
		a := caseAct{after: time.Duration(2*minute+1) * time.Minute}
		if rapid.Bool().Draw(t, "of the task") {
			to := rapid.SampledFrom([]cases.TaskStatus{cases.TaskInProgress, cases.TaskOnHold, cases.TaskCompleted}).Draw(t, "to")
			a.typ, a.body = cases.TypeTaskMoved, cases.TaskMoved{TaskID: task, To: to, Resolution: "done"}
		} else {
			to := rapid.SampledFrom([]cases.Status{cases.InProgress, cases.Blocked, cases.Blocked, cases.Completed}).Draw(t, "to")
			a.typ, a.body = cases.TypeMoved, cases.Moved{To: to, Resolution: "done"}
		}
		acts = append(acts, a)
	}
	slices.SortFunc(acts, func(a, b caseAct) int { return cmp.Compare(a.after, b.after) })
	return acts
}

// A Case that is not paused as it should be, and one of which a level comes twice, are
// found by the comparison of the test above.
func TestWrongDeadlinesAreFound(t *testing.T) {
	t.Parallel()
	s := newCaseStore(t)
	route := cases.Route{
		Rule: "any", Label: "1000.12.34.Ops", Owners: []cases.Owner{{Kind: cases.Team, ID: "ops"}}, Priority: cases.High, Visibility: cases.Internal,
		ResolveWithin: records.Duration(2 * time.Hour), Escalation: []cases.Level{{}},
		Tasks: []cases.Plan{{Key: "look", Type: "look", Title: "Look at it"}},
	}
	life := openCase(t, s, "planted", route)
	acts := []caseAct{
		{after: time.Minute, typ: cases.TypeMoved, body: cases.Moved{To: cases.Blocked}},
		{after: 61 * time.Minute, typ: cases.TypeMoved, body: cases.Moved{To: cases.InProgress}},
	}
	life.run(caseBegan, caseBegan.Add(5*time.Hour), acts, time.Time{})
	fired := life.fired()
	require.Len(t, fired, 1)
	require.Equal(t, caseBegan.Add(2*time.Hour), deadlineOf(t, fired[0]).At, "this route does not pause")
	require.Equal(t, []string{"3h0m0s resolve/1"}, expectedLife(route, acts, 5*time.Hour), "and the test would have it pause")
}
