package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

var casing = map[string]func(*testing.T, fixture){
	"a Case is what its entries say":                         testCaseFolds,
	"what a Case refuses is not stored":                      testCaseRefuses,
	"of writers who have seen the same version one succeeds": testCaseStale,
	"a cause has one open Case":                              testCaseIsOneOfItsCause,
	"of Cases that begin at once one is of the cause":        testCasesOfACauseRace,
	"open Cases are counted by severity":                     testCaseCounts,
	"lists filter, sort and page":                            testCaseLists,
	"the Tasks of several owners are one list":               testTasksOfOwners,
	"a rebuild puts the lists right":                         testCaseRebuild,
	"a Case can be erased and folded again":                  testCaseErase,
}

var caseBegan = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)

// Caser makes the entries of a Case.
type Caser struct {
	t            testing.TB
	Organization string
	Cause        cases.Cause
	ID           string
	At           time.Time
	acts         int
}

// NewCaser returns the maker of entries of the first Case of a cause.
func NewCaser(t testing.TB, organization, cause string) *Caser {
	c := &Caser{t: t, Organization: organization, Cause: cases.Cause{Kind: "build", ID: cause}, At: caseBegan}
	c.ID = cases.ID(organization, c.Cause, 1)
	return c
}

// Opened opens the Case, on a route that change may alter.
func (c *Caser) Opened(change func(*cases.Opened)) records.Entry {
	c.t.Helper()
	opened := cases.Opened{
		Source: cases.SourceAPI, Type: "build_blocked", Category: cases.Incident, Summary: "Build " + c.Cause.ID + " is blocked",
		Cause: c.Cause, Ordinal: 1, Codes: []string{"VALIDATION_FAILED"},
		Route: cases.Route{
			Rule: "any", Label: "1000.12.34.Ops", Owners: []cases.Owner{{Kind: cases.Team, ID: "ops"}}, Priority: cases.High, Severity: "SEV3", Visibility: cases.Internal,
			RespondWithin: records.Duration(time.Hour), ResolveWithin: records.Duration(8 * time.Hour), Escalation: []cases.Level{{}},
			Pauses: []cases.Status{cases.Blocked}, ReopenWithin: records.Duration(time.Hour),
			Tasks: []cases.Plan{{Key: "look", Type: "look", Title: "Look at it", DueWithin: records.Duration(4 * time.Hour)}},
		},
	}
	if change != nil {
		change(&opened)
	}
	return must(cases.Opening(c.Organization, cases.Act{Actor: records.SystemActor, At: c.At}, opened))(c.t)
}

// Act makes the entry of an act of somebody's.
func (c *Caser) Act(actor, typ string, body any) records.Entry {
	c.t.Helper()
	c.acts++
	return must(cases.Entry(c.Organization, c.ID, typ, cases.Act{Actor: actor, Reason: "because", At: c.At, Key: fmt.Sprintf("%s/%d", actor, c.acts)}, body))(c.t)
}

func testCaseFolds(t *testing.T, f fixture) {
	ctx := t.Context()
	c := NewCaser(t, acme, "folds")
	must(f.store.Append(ctx, c.Opened(nil)))(t)
	must(f.store.Append(ctx, c.Opened(nil)))(t) // once more is once
	task := cases.TaskID(c.ID, "look")
	must(f.store.Append(ctx, c.Act("ann", cases.TypeMoved, cases.Moved{To: cases.InProgress}),
		c.Act("ann", cases.TypeTaskMoved, cases.TaskMoved{TaskID: task, To: cases.TaskCompleted, Resolution: "done"})))(t)
	got := must(f.store.Case(ctx, acme, c.ID))(t)
	require.Equal(t, cases.InProgress, got.Status)
	require.EqualValues(t, 3, got.Version)
	require.Equal(t, cases.TaskCompleted, got.Tasks[0].Status)
	require.Equal(t, got, must(f.store.CaseOfTask(ctx, acme, task))(t))
	require.Equal(t, got, must(f.store.CaseOfCause(ctx, acme, c.Cause))(t))
	_, err := f.store.Case(ctx, other, c.ID)
	require.ErrorIs(t, err, store.ErrNotFound)

	// The entries, folded anew, are the same.
	var again cases.Case
	for _, e := range must(f.store.Entries(ctx, acme, cases.Subject(c.ID), store.EntryQuery{}))(t) {
		again = must(cases.Reduce(again, e.Entry, e.Sequence))(t)
	}
	require.Equal(t, got, again)
	requireWhole(t, f.store)
}

func testCaseRefuses(t *testing.T, f fixture) {
	ctx := t.Context()
	c := NewCaser(t, acme, "refuses")
	var refusal *cases.Refusal
	_, err := f.store.Append(ctx, c.Act("ann", cases.TypeMoved, cases.Moved{To: cases.InProgress}))
	require.ErrorAs(t, err, &refusal, "one that was not opened")
	must(f.store.Append(ctx, c.Opened(nil)))(t)
	// All or none: the first of these would be legal.
	_, err = f.store.Append(ctx, c.Act("ann", cases.TypeMoved, cases.Moved{To: cases.InProgress}), c.Act("ann", cases.TypeMoved, cases.Moved{To: cases.Open}))
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, cases.CodeTransition, refusal.Code)
	require.Equal(t, cases.Open, must(f.store.Case(ctx, acme, c.ID))(t).Status)
	must(f.store.Append(ctx, c.Act("ann", cases.TypeMoved, cases.Moved{To: cases.Cancelled})))(t)
	_, err = f.store.Append(ctx, c.Act("ann", cases.TypeTaskOpened, cases.TaskOpened{
		TaskID: cases.TaskID(c.ID, "late"), Source: cases.SourceManual, Plan: cases.Plan{Key: "late", Type: "late", Title: "Too late"},
	}))
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, cases.CodeTerminal, refusal.Code)
	requireWhole(t, f.store)
}

func testCaseStale(t *testing.T, f fixture) {
	ctx := t.Context()
	c := NewCaser(t, acme, "stale")
	must(f.store.Append(ctx, c.Opened(nil)))(t)
	for round := range 4 {
		seen := must(f.store.Case(ctx, acme, c.ID))(t).Version
		var won, stale atomic.Int64
		var group sync.WaitGroup
		for n := range 16 {
			e := c.Act(fmt.Sprintf("op-%d", n), cases.TypeAssigned, cases.Assigned{Expects: seen, Owners: []cases.Owner{{Kind: cases.User, ID: fmt.Sprintf("op-%d-%d", round, n)}}})
			group.Go(func() {
				_, err := f.store.Append(ctx, e)
				var refusal *cases.Refusal
				switch {
				case err == nil:
					won.Add(1)
				case errors.As(err, &refusal) && refusal.Code == cases.CodeStale && refusal.Current == seen+1:
					stale.Add(1)
				}
			})
		}
		group.Wait()
		require.EqualValues(t, 1, won.Load())
		require.EqualValues(t, 15, stale.Load())
	}
	requireWhole(t, f.store)
}

func testCaseLists(t *testing.T, f fixture) {
	ctx := t.Context()
	priorities := cases.Priorities()
	for i := range 23 {
		c := NewCaser(t, acme, fmt.Sprintf("listed-%02d", i))
		c.At = caseBegan.Add(time.Duration(i) * time.Minute)
		must(f.store.Append(ctx, c.Opened(func(o *cases.Opened) {
			o.Route.Priority = priorities[i%4]
			o.Route.Owners = []cases.Owner{{Kind: cases.Team, ID: fmt.Sprintf("team-%d", i%3)}, {Kind: cases.User, ID: "ann"}}
			o.Route.Label = fmt.Sprintf("1000.%d.1.Ops", i%2)
			o.Route.RespondWithin = records.Duration(time.Duration(24-i) * time.Hour)
			o.Route.ResolveWithin = records.Duration(48 * time.Hour)
		})))(t)
		if i%5 == 0 {
			must(f.store.Append(ctx, c.Act("ann", cases.TypeMoved, cases.Moved{To: cases.Cancelled})))(t)
		}
	}
	must(f.store.Append(ctx, NewCaser(t, other, "listed-elsewhere").Opened(nil)))(t)
	for _, test := range []struct {
		name  string
		query store.CaseQuery
		want  int
	}{
		{"all", store.CaseQuery{}, 23},
		{"open", store.CaseQuery{Open: true}, 18},
		{"of a status", store.CaseQuery{Statuses: []cases.Status{cases.Cancelled, cases.Failed}}, 5},
		{"of priorities", store.CaseQuery{Priorities: []cases.Priority{cases.Low, cases.High}}, 12},
		{"of a label", store.CaseQuery{Label: "1000.1."}, 11},
		{"of an owner", store.CaseQuery{Owners: []cases.Owner{{Kind: cases.Team, ID: "team-1"}}}, 8},
		{"of owners", store.CaseQuery{Owners: []cases.Owner{{Kind: cases.Team, ID: "team-1"}, {Kind: cases.Team, ID: "team-2"}}}, 15},
		{"of owners of the same", store.CaseQuery{Owners: []cases.Owner{{Kind: cases.Team, ID: "team-1"}, {Kind: cases.User, ID: "ann"}}}, 23},
		{"of an owner, open", store.CaseQuery{Owners: []cases.Owner{{Kind: cases.User, ID: "ann"}}, Open: true, Priorities: []cases.Priority{cases.Low}}, 4},
		{"of an owner, soonest first", store.CaseQuery{Owners: []cases.Owner{{Kind: cases.User, ID: "ann"}, {Kind: cases.Team, ID: "team-2"}}, Order: store.DueFirst, Open: true}, 18},
		{"of an owner and a cause", store.CaseQuery{Owners: []cases.Owner{{Kind: cases.User, ID: "ann"}, {Kind: cases.Team, ID: "team-1"}}, Cause: &cases.Cause{Kind: "build", ID: "listed-07"}}, 1},
		{"of another owner and a cause", store.CaseQuery{Owners: []cases.Owner{{Kind: cases.User, ID: "bob"}}, Cause: &cases.Cause{Kind: "build", ID: "listed-07"}}, 0},
		{"of nobody", store.CaseQuery{Owners: []cases.Owner{{Kind: cases.User, ID: "team-1"}}}, 0},
		{"of a cause", store.CaseQuery{Cause: &cases.Cause{Kind: "build", ID: "listed-07"}}, 1},
		{"of a type", store.CaseQuery{Types: []string{"build_blocked"}, Severities: []string{"SEV3"}}, 23},
		{"due", store.CaseQuery{DueBefore: caseBegan.Add(6 * time.Hour), Order: store.DueFirst}, 3},
		{"soonest first", store.CaseQuery{Order: store.DueFirst}, 23},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Len(t, pages(t, test.query, 4, f.store), test.want)
		})
	}
	newest := pages(t, store.CaseQuery{}, 5, f.store)
	require.True(t, newest[0].CreatedAt.After(newest[22].CreatedAt))
	soonest := pages(t, store.CaseQuery{Order: store.DueFirst, Open: true}, 5, f.store)
	require.False(t, soonest[17].DueAt().Before(*soonest[0].DueAt()))
	tasks, _, err := f.store.Tasks(ctx, acme, store.TaskQuery{Open: true, Owners: []cases.Owner{{Kind: cases.Team, ID: "team-1"}}, Order: store.DueFirst})
	require.NoError(t, err)
	require.Len(t, tasks, 7)
	require.Equal(t, "Look at it", tasks[0].Title)
	_, _, err = f.store.Cases(ctx, acme, store.CaseQuery{Cursor: "nonsense"})
	require.ErrorAs(t, err, new(*store.InvalidCursor))
}

func testTasksOfOwners(t *testing.T, f fixture) {
	ctx := t.Context()
	owners := []cases.Owner{{Kind: cases.User, ID: "ann"}, {Kind: cases.Team, ID: "ann"}, {Kind: cases.Team, ID: "ops"}}
	var last string
	for i := range 12 {
		c := NewCaser(t, acme, fmt.Sprintf("owned-%02d", i))
		c.At = caseBegan.Add(time.Duration(i) * time.Minute)
		must(f.store.Append(ctx, c.Opened(func(o *cases.Opened) {
			o.Route.Tasks = nil
			for n, owner := range owners {
				o.Route.Tasks = append(o.Route.Tasks, cases.Plan{
					Key: fmt.Sprint(n), Type: "work", Title: "Work", Owner: &owner, DueWithin: records.Duration(time.Duration(1+(i*5+n)%7) * time.Hour),
				})
			}
		})))(t)
		last = c.ID
	}
	// The first is named twice, and the first of the list is of another.
	several := []cases.Owner{owners[0], owners[2], {Kind: cases.User, ID: "ann", Display: "Ann"}, {Kind: cases.User, ID: "nobody"}}
	for _, order := range []store.CaseOrder{store.NewestFirst, store.DueFirst} {
		var all []store.ListedTask
		for q := (store.TaskQuery{Open: true, Owners: several, Order: order, Limit: 5}); ; {
			page, next, err := f.store.Tasks(ctx, acme, q)
			require.NoError(t, err)
			all = append(all, page...)
			if q.Cursor = next; next == "" {
				break
			}
		}
		require.Len(t, all, 24)
		ids := map[string]bool{}
		for i, task := range all {
			ids[task.TaskID] = true
			require.NotEqual(t, owners[1], task.Owner)
			if i > 0 && order == store.DueFirst {
				require.False(t, task.DueAt().Before(*all[i-1].DueAt()))
			} else if i > 0 {
				require.False(t, task.CreatedAt.After(all[i-1].CreatedAt))
			}
		}
		require.Len(t, ids, 24)
	}
	ofOne, _, err := f.store.Tasks(ctx, acme, store.TaskQuery{CaseID: last, Owners: several})
	require.NoError(t, err)
	require.Len(t, ofOne, 2)
}

// pages reads all pages of a list, each Case of which comes once.
func pages(t *testing.T, q store.CaseQuery, limit int, s *store.Store) []cases.Case {
	t.Helper()
	var all []cases.Case
	seen := map[string]bool{}
	for q.Limit = limit; ; {
		page, next, err := s.Cases(t.Context(), acme, q)
		require.NoError(t, err)
		for _, c := range page {
			require.False(t, seen[c.CaseID])
			seen[c.CaseID] = true
			all = append(all, c)
		}
		if q.Cursor = next; next == "" {
			return all
		}
	}
}

func testCaseRebuild(t *testing.T, f fixture) {
	var ids []string
	for i := range 6 {
		c := NewCaser(t, acme, fmt.Sprintf("rebuilt-%d", i))
		ids = append(ids, c.ID)
		must(f.store.Append(t.Context(), c.Opened(nil), c.Act("ann", cases.TypeMoved, cases.Moved{To: cases.Blocked})))(t)
	}
	require.Empty(t, must(f.store.Rebuild(t.Context()))(t), "a store that is whole")
	for i, statement := range []string{
		`UPDATE cases SET status = 'COMPLETED' WHERE case_id = '%s'`,
		`DELETE FROM cases WHERE case_id = '%s'`,
		`UPDATE tasks SET due_at = '~' WHERE case_id = '%s'`,
		`DELETE FROM tasks WHERE case_id = '%s'`,
		`UPDATE case_owners SET owner_id = 'mallory' WHERE case_id = '%s'`,
		`UPDATE case_owners SET due_at = '~' WHERE case_id = '%s'`,
	} {
		must(f.Raw.Exec(fmt.Sprintf(statement, ids[i])))(t)
	}
	require.Len(t, must(f.store.VerifyReadModel(t.Context()))(t), 6)
	require.Len(t, must(f.store.Rebuild(t.Context()))(t), 6)
	requireWhole(t, f.store)
}

func testCaseErase(t *testing.T, f fixture) {
	ctx := t.Context()
	c := NewCaser(t, acme, "erased")
	resolved := c.Act("ann", cases.TypeMoved, cases.Moved{To: cases.WaitingReview, Resolution: "Ann did it"})
	approved := c.Act("bob", cases.TypeMoved, cases.Moved{To: cases.Completed})
	comment := c.Act("ann", cases.TypeCommented, cases.Commented{Text: "call Ann"})
	must(f.store.Append(ctx, c.Opened(func(o *cases.Opened) { o.Route.Tasks = nil }), c.Act("ann", cases.TypeMoved, cases.Moved{To: cases.InProgress}), resolved, comment, approved))(t)
	signer, _ := LogKey(t)
	require.NoError(t, Sequencer(t, f.store, signer, nil).Drain(ctx))
	for _, e := range []records.Entry{resolved, approved, comment} {
		must(f.store.Erase(ctx, acme, e.ID, store.Erasing{Actor: "dpo", Reason: "asked for", At: caseBegan}))(t)
	}
	got := must(f.store.Case(ctx, acme, c.ID))(t)
	require.Equal(t, cases.Completed, got.Status)
	require.Equal(t, records.Erased, got.Resolution)
	require.Equal(t, records.Erased, got.ResolvedBy)
	requireWhole(t, f.store)
	require.NoError(t, Sequencer(t, f.store, signer, nil).Drain(ctx))
}
