package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store/storetest"
)

var (
	ann   = cases.Owner{Kind: cases.User, ID: "ann"}
	alice = cases.Owner{Kind: cases.User, ID: "alice"}
)

// onBoth tests over either database.
func onBoth(t *testing.T, test func(t *testing.T, s *apitest.Stack)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, apitest.New(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, apitest.On(t, storetest.Postgres(t)))
	})
}

func oneCase() client.CreateCase {
	return client.CreateCase{Type: "question", Summary: "Which prices hold?", Handling: client.Handling{Owners: []cases.Owner{ann}}}
}

// asked opens a Case without Tasks that one person may close.
func asked(t *testing.T, s *apitest.Stack, change ...func(*client.CreateCase)) cases.Case {
	t.Helper()
	body := oneCase()
	for _, c := range change {
		c(&body)
	}
	found, err := s.Client(t).CreateCase(t.Context(), body, "")
	require.NoError(t, err)
	for _, task := range found.Tasks {
		_, err := s.Client(t).ActOnTask(t.Context(), task.TaskID, client.MoveTask{To: cases.TaskCompleted, Resolution: "looked"}, "")
		require.NoError(t, err)
	}
	found, err = s.Client(t).Case(t.Context(), found.CaseID)
	require.NoError(t, err)
	return found
}

// do does something to a Case and must succeed.
func do(t *testing.T, c *client.Client, id string, action client.CaseAction) cases.Case {
	t.Helper()
	after, err := c.ActOnCase(t.Context(), id, action, "")
	require.NoError(t, err)
	return after
}

// remark is why.
func remark(reason string) client.Remark { return client.Remark{Reason: reason} }

// audited folds the history of a Case anew: it must be what the Case is, and nothing
// in it may be missing.
func audited(t *testing.T, s *apitest.Stack, id string) {
	t.Helper()
	history, err := s.Client(t).CaseHistory(t.Context(), id, 0, 1000)
	require.NoError(t, err)
	var folded cases.Case
	for i, entry := range history.Entries {
		require.EqualValues(t, i+1, entry.Sequence)
		folded, err = cases.Reduce(folded, entry.Entry, entry.Sequence)
		require.NoError(t, err)
	}
	now, err := s.Client(t).Case(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, asJSON(t, folded), asJSON(t, now))
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

func TestACaseTakesWhatWasSent(t *testing.T) {
	t.Parallel()
	onBoth(t, aCaseTakesWhatWasSent)
}

func aCaseTakesWhatWasSent(t *testing.T, s *apitest.Stack) {
	t.Helper()
	body := client.CreateCase{
		Type: "question", Summary: "Which prices hold?", Category: cases.Incident, Source: cases.SourceEmail, Description: "Two lists differ.",
		Tags: []string{"prices"}, Refs: []cases.Ref{{Type: "url", Ref: "https://example.org/7"}}, Codes: []string{"VALIDATION_FAILED", "INPUT_EMPTY", "VALIDATION_FAILED"},
		Handling: client.Handling{
			Label: "1000.7.1.Content.Prices", Owners: []cases.Owner{ann, alice}, Priority: cases.High, Severity: "SEV2", Visibility: cases.Private,
			RespondWithin: records.Duration(time.Hour), ResolveWithin: records.Duration(4 * time.Hour),
		},
		Remark: remark("a customer asked"),
	}
	found, err := s.Client(t).CreateCase(t.Context(), body, "k")
	require.NoError(t, err)
	require.Equal(t, cases.ID(records.DefaultOrganization, cases.Cause{Kind: "request", ID: "k"}, 1), found.CaseID)
	require.Equal(t, []string{"INPUT_EMPTY", "VALIDATION_FAILED"}, found.Codes)
	require.Equal(t, cases.Open, found.Status)
	require.Equal(t, "alice", found.CreatedBy)
	require.Equal(t, []cases.Owner{ann, alice}, found.Owners)
	require.Equal(t, "1000.7.1.Content.Prices", found.Route.Label)
	require.Equal(t, "SEV2", found.Route.Severity)
	require.Equal(t, found.CreatedAt.Add(time.Hour), *found.Response.Due)
	require.NotEmpty(t, found.Route.Rule)

	again, err := s.Client(t).CreateCase(t.Context(), body, "k")
	require.NoError(t, err)
	require.Equal(t, found, again)
	body.Summary = "Which prices held?"
	_, err = s.Client(t).CreateCase(t.Context(), body, "k")
	require.Equal(t, 409, refusedWith(t, err, gates.IdempotencyKeyReused).Status)
	history, err := s.Client(t).CaseHistory(t.Context(), found.CaseID, 0, 0)
	require.NoError(t, err)
	require.Len(t, history.Entries, 1)
	require.Equal(t, "a customer asked", history.Entries[0].Reason)
	audited(t, s, found.CaseID)
}

func TestTheLifeOfACase(t *testing.T) {
	t.Parallel()
	onBoth(t, theLifeOfACase)
}

func theLifeOfACase(t *testing.T, s *apitest.Stack) {
	t.Helper()
	alice, carol := s.Client(t), s.As(t, apitest.TokenCarol)
	found := asked(t, s)
	id := found.CaseID
	require.Equal(t, cases.InProgress, do(t, alice, id, client.MoveCase{To: cases.InProgress}).Status)
	do(t, carol, id, client.AssignCase{Owners: []cases.Owner{{Kind: cases.Team, ID: "operators"}}, Remark: remark("theirs")})
	do(t, alice, id, client.LinkCase{Ref: cases.Ref{Type: "case", Ref: aBuild, Note: "the same"}})
	task, err := alice.AddTask(t.Context(), id, client.AddTask{Title: "Ask the vendor", DueWithin: records.Duration(time.Hour)}, "")
	require.NoError(t, err)
	require.Equal(t, id, task.CaseID)
	require.Equal(t, cases.Owner{Kind: cases.Team, ID: "operators"}, task.Owner)
	_, err = alice.ActOnCase(t.Context(), id, client.MoveCase{To: cases.Completed, Resolution: "asked"}, "")
	require.Equal(t, 409, refusedWith(t, err, gates.TasksOpen).Status)
	task, err = carol.ActOnTask(t.Context(), task.TaskID, client.AssignTask{Owner: ann, Seen: client.Seen{Version: task.Version}}, "")
	require.NoError(t, err)
	_, err = carol.ActOnTask(t.Context(), task.TaskID, client.CommentTask{Text: "on the phone"}, "")
	require.NoError(t, err)
	task, err = carol.ActOnTask(t.Context(), task.TaskID, client.MoveTask{To: cases.TaskCompleted, Resolution: "asked", Seen: client.Seen{Version: task.Version}}, "")
	require.NoError(t, err, "a comment is no change of the task")
	require.Equal(t, cases.TaskCompleted, task.Status)
	after := do(t, alice, id, client.MoveCase{To: cases.Completed, Resolution: "the new ones"})
	require.Equal(t, "the new ones", after.Resolution)
	do(t, alice, id, client.CommentCase{Text: "for the record"})
	_, err = alice.AddTask(t.Context(), id, client.AddTask{Title: "More"}, "")
	require.Equal(t, 409, refusedWith(t, err, gates.CaseTerminal).Status)
	_, err = alice.ActOnCase(t.Context(), id, client.ReopenCase{}, "")
	require.Equal(t, 422, refusedWith(t, err, gates.ReasonMissing).Status)
	require.Equal(t, 1, do(t, carol, id, client.ReopenCase{Remark: remark("they differ again")}).Reopened)
	audited(t, s, id)
}

// The same key is the same act, whatever version its writer had read when they repeated
// it; and it is no other act.
func TestAnActIsDoneOnce(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	found := asked(t, s)
	move := client.MoveCase{To: cases.InProgress, Seen: client.Seen{Version: found.Version}}
	first, err := c.ActOnCase(t.Context(), found.CaseID, move, "k")
	require.NoError(t, err)
	move.Version = first.Version
	again, err := c.ActOnCase(t.Context(), found.CaseID, move, "k")
	require.NoError(t, err)
	require.Equal(t, first, again)
	_, err = c.ActOnCase(t.Context(), found.CaseID, client.MoveCase{To: cases.Blocked, Remark: remark("r")}, "k")
	require.Equal(t, 409, refusedWith(t, err, gates.IdempotencyKeyReused).Status)
	other, err := s.As(t, apitest.TokenCarol).ActOnCase(t.Context(), found.CaseID, client.MoveCase{To: cases.Blocked, Remark: remark("r")}, "k")
	require.NoError(t, err, "a key is its writer's own")
	require.Equal(t, cases.Blocked, other.Status)
}

func TestAStaleWriterIsToldWhatChanged(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	seen := asked(t, s)
	do(t, s.As(t, apitest.TokenCarol), seen.CaseID, client.MoveCase{To: cases.Blocked, Remark: remark("the vendor")})
	do(t, s.As(t, apitest.TokenCarol), seen.CaseID, client.CommentCase{Text: "tomorrow"})
	for name, action := range map[string]client.CaseAction{
		"transition": client.MoveCase{To: cases.Cancelled, Seen: client.Seen{Version: seen.Version}, Remark: remark("r")},
		"assign":     client.AssignCase{Owners: []cases.Owner{ann}, Seen: client.Seen{Version: seen.Version}},
		"reopen":     client.ReopenCase{Seen: client.Seen{Version: seen.Version}, Remark: remark("r")},
	} {
		_, err := c.ActOnCase(t.Context(), seen.CaseID, action, "")
		problem := refusedWith(t, err, gates.VersionStale)
		require.Equal(t, 409, problem.Status, name)
		require.Equal(t, seen.Version, problem.Conflict.Seen)
		require.Equal(t, seen.Version+2, problem.Conflict.Current)
		require.Len(t, problem.Conflict.Changes, 2)
		moved := problem.Conflict.Changes[0]
		require.Equal(t, client.Change{Version: seen.Version + 1, Type: cases.TypeMoved, Actor: "carol", At: moved.At, To: "BLOCKED", Reason: "the vendor"}, moved)
		require.Equal(t, cases.TypeCommented, problem.Conflict.Changes[1].Type)
	}
	// The version may be in the header, as the ETag that an answer bears.
	answer, _ := request{method: "GET", path: "/v1/cases/" + seen.CaseID}.send(t, s)
	tag := answer.Header.Get("ETag")
	move := request{method: "POST", path: "/v1/cases/" + seen.CaseID + "/transition", body: `{"to":"IN_PROGRESS"}`, header: map[string]string{"If-Match": `"1"`}}
	require.Equal(t, "VERSION_STALE", move.problem(t, s).ReasonCode)
	move.header["If-Match"] = tag
	answer, body := move.send(t, s)
	require.Equal(t, http.StatusOK, answer.StatusCode, string(body))
	move.header["If-Match"] = `"x"`
	require.Equal(t, "header.If-Match", move.problem(t, s).Errors[0].Location)
	audited(t, s, seen.CaseID)
}

func TestCasesAreListed(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	mine := asked(t, s, func(b *client.CreateCase) { b.Owners = []cases.Owner{{Kind: cases.User, ID: "alice"}} })
	teams := asked(t, s, func(b *client.CreateCase) {
		b.Owners, b.Priority = []cases.Owner{{Kind: cases.Team, ID: "operator"}}, cases.Critical
	})
	anns := asked(t, s, func(b *client.CreateCase) { b.Severity, b.Type, b.Priority = "SEV1", "outage", cases.Low })
	ended := do(t, c, anns.CaseID, client.MoveCase{To: cases.Cancelled, Remark: remark("no")})
	for name, tc := range map[string]struct {
		query client.CaseQuery
		want  []string
	}{
		"all":      {client.CaseQuery{}, []string{mine.CaseID, teams.CaseID, anns.CaseID}},
		"open":     {client.CaseQuery{Open: true}, []string{mine.CaseID, teams.CaseID}},
		"state":    {client.CaseQuery{Statuses: []cases.Status{cases.Cancelled}}, []string{ended.CaseID}},
		"mine":     {client.CaseQuery{Mine: true}, []string{mine.CaseID, teams.CaseID}},
		"owner":    {client.CaseQuery{Owners: []cases.Owner{ann}}, []string{anns.CaseID}},
		"priority": {client.CaseQuery{Priorities: []cases.Priority{cases.Critical}}, []string{teams.CaseID}},
		"severity": {client.CaseQuery{Severities: []string{"SEV1"}}, []string{anns.CaseID}},
		"type":     {client.CaseQuery{Types: []string{"outage", "none"}}, []string{anns.CaseID}},
		"cause":    {client.CaseQuery{Cause: &mine.Cause}, []string{mine.CaseID}},
		"nothing":  {client.CaseQuery{Label: "9999."}, nil},
	} {
		var found []string
		query := tc.query
		query.Limit = 1 // several pages
		for one, err := range c.EachCase(t.Context(), query) {
			require.NoError(t, err, name)
			found = append(found, one.CaseID)
		}
		require.ElementsMatch(t, tc.want, found, name)
	}
}

func TestTasksAreListed(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	found := asked(t, s)
	add := func(title string, owner cases.Owner, within time.Duration) client.Task {
		task, err := c.AddTask(t.Context(), found.CaseID, client.AddTask{Title: title, Owner: &owner, DueWithin: records.Duration(within)}, "")
		require.NoError(t, err)
		return task
	}
	soon := add("soon", cases.Owner{Kind: cases.User, ID: "alice"}, time.Hour)
	later := add("later", cases.Owner{Kind: cases.Team, ID: "operator"}, 48*time.Hour)
	other := add("other", ann, time.Hour)
	_, err := c.ActOnTask(t.Context(), other.TaskID, client.MoveTask{To: cases.TaskCancelled, Remark: remark("no")}, "")
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		query client.TaskQuery
		want  []string
	}{
		"of the case": {client.TaskQuery{CaseID: found.CaseID, Open: true}, []string{soon.TaskID, later.TaskID}},
		"mine":        {client.TaskQuery{Mine: true, Open: true}, []string{soon.TaskID, later.TaskID}},
		"mine, due":   {client.TaskQuery{Mine: true, Open: true, DueBefore: time.Now().Add(24 * time.Hour)}, []string{soon.TaskID}},
		"state":       {client.TaskQuery{Statuses: []cases.TaskStatus{cases.TaskCancelled}}, []string{other.TaskID}},
		"of another":  {client.TaskQuery{CaseID: aBuild}, nil},
	} {
		var ids []string
		for one, err := range c.EachTask(t.Context(), tc.query) {
			require.NoError(t, err, name)
			require.Equal(t, found.CaseID, one.CaseID)
			require.Equal(t, found.Summary, one.CaseSummary)
			ids = append(ids, one.TaskID)
		}
		require.ElementsMatch(t, tc.want, ids, name)
	}
}

// Organizations see nothing of each other's Cases, and change nothing of them.
func TestCasesAreOfOneOrganization(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	bob := s.As(t, apitest.TokenBob)
	found := asked(t, s)
	task, err := s.Client(t).AddTask(t.Context(), found.CaseID, client.AddTask{Title: "Look"}, "")
	require.NoError(t, err)
	hidden := func(err error) { t.Helper(); require.Equal(t, 404, refusedWith(t, err, gates.NotFound).Status) }
	_, err = bob.Case(t.Context(), found.CaseID)
	hidden(err)
	_, err = bob.CaseHistory(t.Context(), found.CaseID, 0, 0)
	hidden(err)
	_, err = bob.Task(t.Context(), task.TaskID)
	hidden(err)
	_, err = bob.ActOnCase(t.Context(), found.CaseID, client.CommentCase{Text: "hello"}, "")
	hidden(err)
	_, err = bob.ActOnTask(t.Context(), task.TaskID, client.CommentTask{Text: "hello"}, "")
	hidden(err)
	_, err = bob.AddTask(t.Context(), found.CaseID, client.AddTask{Title: "Look"}, "")
	hidden(err)
	_, err = bob.RouteCase(t.Context(), client.RouteCase{CaseID: found.CaseID})
	hidden(err)
	_, err = bob.BuildFromCase(t.Context(), found.CaseID, client.BuildFromCase{Because: because("r")}, "")
	hidden(err)
	list, err := bob.Cases(t.Context(), client.CaseQuery{})
	require.NoError(t, err)
	require.Empty(t, list.Cases)
	tasks, err := bob.Tasks(t.Context(), client.TaskQuery{})
	require.NoError(t, err)
	require.Empty(t, tasks.Tasks)
	moved, err := bob.MoveCases(t.Context(), client.MoveCases{IDs: []string{found.CaseID}, To: cases.Cancelled, Remark: remark("r")}, "")
	require.NoError(t, err)
	require.Equal(t, "NOT_FOUND", moved.Cases[0].Code)
	var lines strings.Builder
	require.NoError(t, bob.ExportCases(t.Context(), client.CaseQuery{}, &lines))
	require.Empty(t, lines.String())
	audited(t, s, found.CaseID)
}
