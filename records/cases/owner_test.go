package cases_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

var lead = cases.Owner{Kind: cases.User, ID: "lead"}

func TestSomebodyOwnsACase(t *testing.T) {
	t.Parallel()
	h := opened(t, nil)
	require.Equal(t, []cases.Owner{ops}, h.Owners)
	require.Equal(t, ops, h.Tasks[0].Owner, "the first of the Case")
	many := make([]cases.Owner, cases.MaxOwners+1)
	for i := range many {
		many[i] = cases.Owner{Kind: cases.User, ID: fmt.Sprint(i)}
	}
	for name, owners := range map[string][]cases.Owner{
		"nobody": nil, "no id": {{Kind: cases.User}}, "no kind": {{ID: "a"}}, "a kind that is none": {{Kind: "robot", ID: "a"}}, "twice": {lead, ops, lead}, "too many": many,
	} {
		require.Equal(t, cases.CodeOwner, code(h.do(cases.TypeAssigned, "ann", "", cases.Assigned{Owners: owners})), name)
	}
	require.NoError(t, h.do(cases.TypeAssigned, "ann", "", cases.Assigned{Owners: []cases.Owner{lead}}))
	require.Equal(t, []cases.Owner{lead}, h.Owners)
	require.Equal(t, ops, h.Tasks[0].Owner, "who has a task keeps it")
	task := h.Tasks[0].TaskID
	require.Equal(t, cases.CodeOwner, code(h.do(cases.TypeTaskOwned, "ann", "", cases.TaskAssigned{TaskID: task})))
	require.NoError(t, h.do(cases.TypeTaskOwned, "ann", "", cases.TaskAssigned{TaskID: task, Owner: lead}))
	require.Equal(t, lead, h.Tasks[0].Owner)
	require.Equal(t, cases.CodeTaskUnknown, code(h.do(cases.TypeTaskOwned, "ann", "", cases.TaskAssigned{TaskID: "another", Owner: lead})))
	require.NoError(t, h.task("ann", "", cases.TaskCompleted, "done"))
	require.Equal(t, cases.CodeTaskTerminal, code(h.do(cases.TypeTaskOwned, "ann", "", cases.TaskAssigned{TaskID: task, Owner: ops})))
}

func TestTasksThatAreNone(t *testing.T) {
	t.Parallel()
	plan := cases.Plan{Key: "more", Type: "more", Title: "More"}
	for name, c := range map[string]struct {
		body cases.TaskOpened
		want cases.Code
	}{
		"another id":  {cases.TaskOpened{TaskID: "5f0c1c5e-0000-8000-8000-000000000000", Source: cases.SourceAPI, Plan: plan}, cases.CodeInvalid},
		"no source":   {cases.TaskOpened{Plan: plan}, cases.CodeInvalid},
		"a key twice": {cases.TaskOpened{Source: cases.SourceAPI, Plan: cases.Plan{Key: "look", Type: "look", Title: "Look"}}, cases.CodeTaskExists},
		"no title":    {cases.TaskOpened{Source: cases.SourceAPI, Plan: cases.Plan{Key: "more", Type: "more"}}, cases.CodeInvalid},
		"no type":     {cases.TaskOpened{Source: cases.SourceAPI, Plan: cases.Plan{Key: "more", Title: "More"}}, cases.CodeInvalid},
		"priority":    {cases.TaskOpened{Source: cases.SourceAPI, Plan: cases.Plan{Key: "more", Type: "more", Title: "More", Priority: "P0"}}, cases.CodeInvalid},
		"label":       {cases.TaskOpened{Source: cases.SourceAPI, Plan: cases.Plan{Key: "more", Type: "more", Title: "More", Label: "Ops"}}, cases.CodeInvalid},
		"owner":       {cases.TaskOpened{Source: cases.SourceAPI, Plan: cases.Plan{Key: "more", Type: "more", Title: "More", Owner: &cases.Owner{}}}, cases.CodeInvalid},
	} {
		h := opened(t, nil)
		if c.body.TaskID == "" {
			c.body.TaskID = cases.TaskID(h.CaseID, c.body.Plan.Key)
		}
		require.Equal(t, c.want, code(h.do(cases.TypeTaskOpened, "ann", "", c.body)), name)
	}
	h := opened(t, nil)
	require.Equal(t, cases.CodeTaskUnknown, code(h.do(cases.TypeTaskMoved, "ann", "", cases.TaskMoved{TaskID: "another", To: cases.TaskInProgress})))
	require.Equal(t, cases.CodeTaskUnknown, code(h.do(cases.TypeTaskNoted, "ann", "", cases.TaskCommented{TaskID: "another", Text: "look"})))
	for i := len(h.Tasks); i < cases.MaxTasks; i++ {
		key := fmt.Sprint("k", i)
		require.NoError(t, h.do(cases.TypeTaskOpened, "ann", "", cases.TaskOpened{TaskID: cases.TaskID(h.CaseID, key), Source: cases.SourceManual, Plan: cases.Plan{Key: key, Type: "t", Title: "T"}}))
	}
	require.Equal(t, cases.CodeFull, code(h.do(cases.TypeTaskOpened, "ann", "", cases.TaskOpened{TaskID: cases.TaskID(h.CaseID, "more"), Source: cases.SourceManual, Plan: plan})))
}

// A cause that is met again is counted, however full the Case is.
func TestRecurrencesAreCounted(t *testing.T) {
	t.Parallel()
	h := opened(t, nil)
	require.NoError(t, h.do(cases.TypeCleared, "orgo", "the build passed", cases.ClearedBy{Entry: "e"}))
	require.Equal(t, "the build passed", h.Cleared.Reason)
	require.Equal(t, cases.CodeInvalid, code(h.do(cases.TypeRecurred, "orgo", "", cases.Recurred{Refs: []cases.Ref{{Type: "build"}}})))
	for i := range cases.MaxRefs + 2 {
		ref := cases.Ref{Type: "entry", Ref: fmt.Sprint(i)}
		require.NoError(t, h.do(cases.TypeRecurred, "orgo", "", cases.Recurred{Codes: []string{"VALIDATION_PARTIAL", "INPUT_EMPTY"}, Refs: []cases.Ref{ref, ref}}))
	}
	require.Equal(t, cases.MaxRefs+3, h.Occurrences)
	require.Len(t, h.Refs, cases.MaxRefs)
	require.Equal(t, []string{"INPUT_EMPTY", "VALIDATION_FAILED", "VALIDATION_PARTIAL"}, h.Codes)
	require.Nil(t, h.Cleared, "it is back")
	require.Equal(t, cases.CodeFull, code(h.do(cases.TypeLinked, "ann", "", cases.Linked{Ref: cases.Ref{Type: "url", Ref: "u"}})))
}

// An entry of something else does not become part of a Case.
func TestEntriesOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	h := opened(t, nil)
	e := records.Entry{Organization: h.Organization, Kind: records.KindEvent, Type: cases.TypeMoved, Subject: cases.Subject(h.CaseID), At: began, Actor: "ann", Body: []byte(`{"to":"IN_PROGRESS"}`)}
	_, err := cases.Reduce(h.Case, e, 2)
	require.NoError(t, err)
	for name, change := range map[string]func(*records.Entry){
		"another Case":         func(e *records.Entry) { e.Subject.ID = "another" },
		"no Case":              func(e *records.Entry) { e.Subject.Kind = "build" },
		"another organization": func(e *records.Entry) { e.Organization = "another" },
		"another type":         func(e *records.Entry) { e.Type = "orgo.case.erased" },
		"another body":         func(e *records.Entry) { e.Body = []byte(`{"to":1}`) },
		"an opening":           func(e *records.Entry) { e.Type = cases.TypeOpened },
	} {
		changed := e
		change(&changed)
		after, err := cases.Reduce(h.Case, changed, 2)
		require.Equal(t, cases.CodeInvalid, code(err), name)
		require.Equal(t, h.Case, after, name)
	}
	_, err = cases.Reduce(cases.Case{}, e, 1)
	require.Equal(t, cases.CodeInvalid, code(err), "it has to be opened first")
}

// Reduce leaves what it was given as it was, whatever is done with what it returns.
func TestReduceChangesNothingInPlace(t *testing.T) {
	t.Parallel()
	h := opened(t, nil)
	before := h.Case
	require.NoError(t, h.task("ann", "", cases.TaskInProgress, ""))
	h.escalate()
	require.Equal(t, cases.TaskPending, before.Tasks[0].Status)
	require.Equal(t, []cases.Owner{ops}, before.Owners)
	require.Zero(t, before.Response.Level)
}
