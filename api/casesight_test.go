package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store/storetest"
)

func TestAPrivateCaseIsThereForThoseWhoOwnIt(t *testing.T) {
	t.Parallel()
	onBoth(t, privateCases)
}

func privateCases(t *testing.T, s *apitest.Stack) {
	t.Helper()
	body := oneCase()
	body.Visibility, body.Owners = cases.Private, []cases.Owner{alice}
	found, err := s.Client(t).CreateCase(t.Context(), body, "")
	require.NoError(t, err)
	task, err := s.Client(t).AddTask(t.Context(), found.CaseID, client.AddTask{Key: "look", Title: "Look"}, "")
	require.NoError(t, err)
	signer, _ := storetest.LogKey(t)
	require.NoError(t, storetest.Sequencer(t, s.Store, signer, nil).Drain(t.Context()))

	for _, token := range []string{apitest.TokenAlice, apitest.TokenDora} {
		require.NotEmpty(t, seenOf(t, s.As(t, token), found), token)
		_, err := s.As(t, token).ActOnCase(t.Context(), found.CaseID, client.CommentCase{Text: "seen"}, "")
		require.NoError(t, err, token)
	}
	for _, token := range []string{apitest.TokenCarol, apitest.TokenTwin, apitest.TokenBob} {
		other := s.As(t, token)
		require.Empty(t, seenOf(t, other, found), token)
		unseen(t, other, found.CaseID, task.TaskID)
		moved, err := other.MoveCases(t.Context(), client.MoveCases{IDs: []string{found.CaseID}, To: cases.InProgress}, "")
		require.NoError(t, err)
		require.Equal(t, "NOT_FOUND", moved.Cases[0].Code, token)
		moved, err = other.MoveCases(t.Context(), client.MoveCases{Filter: &client.CaseFilter{}, To: cases.InProgress}, "")
		require.NoError(t, err)
		require.Empty(t, moved.Cases, token)
	}

	// Who is given a Task of it sees it, as one of a team that is given one does.
	mine, err := s.Client(t).Tasks(t.Context(), client.TaskQuery{Mine: true})
	require.NoError(t, err)
	for _, each := range mine.Tasks {
		_, err = s.Client(t).ActOnTask(t.Context(), each.TaskID, client.AssignTask{Owner: cases.Owner{Kind: cases.Team, ID: "operators"}}, "")
		require.NoError(t, err)
	}
	require.NotEmpty(t, seenOf(t, s.As(t, apitest.TokenCarol), found))
	// Who owns it no more sees it no more.
	do(t, s.As(t, apitest.TokenDora), found.CaseID, client.AssignCase{Owners: []cases.Owner{ann}})
	_, err = s.Client(t).ActOnTask(t.Context(), task.TaskID, client.MoveTask{To: cases.TaskInProgress}, "")
	refusedWith(t, err, gates.NotFound)
	require.NotEmpty(t, seenOf(t, s.As(t, apitest.TokenDora), found))
}

// seenOf returns where a caller comes across a Case.
func seenOf(t *testing.T, c *client.Client, of cases.Case) (where []string) {
	t.Helper()
	listed, err := c.Cases(t.Context(), client.CaseQuery{})
	require.NoError(t, err)
	for _, each := range listed.Cases {
		where = append(where, "case "+each.CaseID)
	}
	tasks, err := c.Tasks(t.Context(), client.TaskQuery{})
	require.NoError(t, err)
	for _, each := range tasks.Tasks {
		where = append(where, "task "+each.TaskID)
	}
	var lines strings.Builder
	require.NoError(t, c.ExportCases(t.Context(), client.CaseQuery{}, &lines))
	if lines.Len() > 0 {
		where = append(where, lines.String())
	}
	beginning := int64(client.FromTheBeginning)
	page, err := c.EventPage(t.Context(), client.EventQuery{After: &beginning, Subject: "case/" + of.CaseID}, 100)
	require.NoError(t, err)
	for _, event := range page.Events {
		where = append(where, event.Type)
	}
	if _, err := c.Case(t.Context(), of.CaseID); err == nil {
		where = append(where, "itself")
	}
	return where
}

// unseen requires that a Case and its Task are answered for as those that are not there.
func unseen(t *testing.T, c *client.Client, caseID, taskID string) {
	t.Helper()
	nowhere := "00000000-0000-8000-8000-000000000000"
	for name, call := range map[string]func(caseID, taskID string) error{
		"get":     func(id, _ string) error { _, err := c.Case(t.Context(), id); return err },
		"history": func(id, _ string) error { _, err := c.CaseHistory(t.Context(), id, 0, 0); return err },
		"interop": func(id, _ string) error { _, err := c.CaseForm(t.Context(), id, client.FormatKOA); return err },
		"act": func(id, _ string) error {
			_, err := c.ActOnCase(t.Context(), id, client.CommentCase{Text: "x"}, "")
			return err
		},
		"add task": func(id, _ string) error {
			_, err := c.AddTask(t.Context(), id, client.AddTask{Key: "k", Title: "T"}, "")
			return err
		},
		"route": func(id, _ string) error { _, err := c.RouteCase(t.Context(), client.RouteCase{CaseID: id}); return err },
		"task":  func(_, id string) error { _, err := c.Task(t.Context(), id); return err },
		"act on task": func(_, id string) error {
			_, err := c.ActOnTask(t.Context(), id, client.CommentTask{Text: "x"}, "")
			return err
		},
	} {
		is, none := refusedWith(t, call(caseID, taskID), gates.NotFound), refusedWith(t, call(nowhere, nowhere), gates.NotFound)
		require.Equal(t, none.Status, is.Status, name)
		masked := strings.NewReplacer(caseID, nowhere, taskID, nowhere)
		require.Equal(t, none.Detail, masked.Replace(is.Detail), name)
	}
}

func TestACauseHasOneOpenCase(t *testing.T) {
	t.Parallel()
	onBoth(t, reopenedCases)
}

func reopenedCases(t *testing.T, s *apitest.Stack) {
	t.Helper()
	first := asked(t, s)
	do(t, s.Client(t), first.CaseID, client.MoveCase{To: cases.Completed, Resolution: "answered"})
	entry, err := cases.Opening(records.DefaultOrganization, cases.Act{Actor: records.SystemActor, At: first.UpdatedAt}, cases.Opened{
		Source: first.Source, Type: first.Type, Category: first.Category, Summary: first.Summary, Cause: first.Cause, Ordinal: 2, Route: first.Route,
	})
	require.NoError(t, err)
	_, err = s.Store.Append(t.Context(), entry)
	require.NoError(t, err)
	second := entry.Subject.ID
	reopen := client.ReopenCase{Remark: remark("it is not answered")}

	_, err = s.Client(t).ActOnCase(t.Context(), first.CaseID, reopen, "")
	refused := refusedWith(t, err, gates.CaseCauseOpen)
	require.Equal(t, 409, refused.Status)
	require.Contains(t, refused.Detail, second)
	do(t, s.Client(t), second, client.MoveCase{To: cases.Cancelled, Remark: remark("a duplicate")})
	_, err = s.Client(t).ActOnCase(t.Context(), first.CaseID, reopen, "")
	refusedWith(t, err, gates.ReopenNotPermitted)
	require.Equal(t, cases.Open, do(t, s.Client(t), second, reopen).Status)
	audited(t, s, first.CaseID)
}
