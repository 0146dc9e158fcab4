package api_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

const goodLine = `{"source_reference":"T-1","type":"bug","summary":"It is wrong","owners":[{"kind":"user","id":"ann"}],"priority":"HIGH",` +
	`"tasks":[{"key":"a","type":"task","title":"Look","due_within":"4h"},{"key":"b","type":"task","title":"Done","status":"COMPLETED"}]}`

func imported(t *testing.T, s *apitest.Stack, atomic bool, lines ...string) client.ImportResult {
	t.Helper()
	result, err := s.Client(t).ImportCases(t.Context(), strings.NewReader(strings.Join(lines, "\n")), atomic)
	require.NoError(t, err)
	return result
}

func every(t *testing.T, c *client.Client) []cases.Case {
	t.Helper()
	list, err := c.Cases(t.Context(), client.CaseQuery{})
	require.NoError(t, err)
	return list.Cases
}

func TestWhatIsImportedTwiceIsThereOnce(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	for _, atomic := range []bool{false, true} {
		first := imported(t, s, atomic, goodLine, "", strings.Replace(goodLine, "T-1", "T-2", 1), goodLine)
		require.Equal(t, client.ImportResult{Lines: 3, Created: first.Created, Exists: 3 - first.Created, Refusals: []client.ImportRefusal{}}, first)
		require.Equal(t, atomic, first.Created == 0, "the second time nothing is new")
	}
	found := every(t, s.Client(t))
	require.Len(t, found, 2)
	for _, one := range found {
		require.Equal(t, cases.SourceSync, one.Source)
		require.Equal(t, cases.High, one.Route.Priority)
		require.Equal(t, []cases.Owner{ann}, one.Owners)
		require.Len(t, one.Tasks, 1)
		require.NotNil(t, one.Tasks[0].Due.Due)
		require.Equal(t, "source", one.Refs[0].Type)
		audited(t, s, one.CaseID)
	}
}

func TestABadLineIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	bad := map[string]client.ImportRefusal{
		`{"source_reference":"x","type":"bug","summary":"s"`:                      {Line: 2, Column: 1, Code: "REQUEST_INVALID"},
		`{"source_reference":"x","type":"bug","summary":"s","colour":"red"}`:      {Line: 2, Column: 1, Pointer: "/colour", Code: "REQUEST_INVALID"},
		`{"source_reference":"x","type":"bug","summary":7}`:                       {Line: 2, Column: 1, Pointer: "/summary", Code: "REQUEST_INVALID"},
		`{"type":"bug","summary":"s"}`:                                            {Line: 2, Code: "REQUEST_INVALID"},
		`{"source_reference":"x","type":"bug"}`:                                   {Line: 2, Code: "REQUEST_INVALID"},
		`{"source_reference":"x","type":"bug","summary":"s","label":"ops"}`:       {Line: 2, Code: "REQUEST_INVALID"},
		`{"source_reference":"x","type":"b","summary":"s","reason_codes":["NO"]}`: {Line: 2, Code: "REQUEST_INVALID"},
	}
	for text, want := range bad {
		s := apitest.New(t)
		got := imported(t, s, false, strings.Replace(goodLine, "T-1", "T-2", 1), text, goodLine)
		require.Equal(t, 2, got.Created, text)
		require.Len(t, got.Refusals, 1, text)
		require.NotEmpty(t, got.Refusals[0].Message)
		want.Message = got.Refusals[0].Message
		if want.Column > 0 { // it is said where on the line
			require.Positive(t, got.Refusals[0].Column, text)
			want.Column = got.Refusals[0].Column
		}
		require.Equal(t, want, got.Refusals[0], text)

		s = apitest.New(t)
		got = imported(t, s, true, strings.Replace(goodLine, "T-1", "T-2", 1), text, goodLine)
		require.Equal(t, 2, got.Withheld, text)
		require.Equal(t, 1, got.Refused)
		require.Empty(t, every(t, s.Client(t)), "none, if one is bad")
	}
}

// What one organization exports another can import; its own changes nothing.
func TestExportsCanBeImported(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	first := asked(t, s, func(b *client.CreateCase) { b.Codes = []string{"INPUT_EMPTY"} })
	_, err := s.Client(t).AddTask(t.Context(), first.CaseID, client.AddTask{Title: "Look", Key: "look"}, "")
	require.NoError(t, err)
	ended := do(t, s.Client(t), asked(t, s).CaseID, client.MoveCase{To: cases.Cancelled, Remark: remark("no")})
	var lines bytes.Buffer
	require.NoError(t, s.Client(t).ExportCases(t.Context(), client.CaseQuery{Limit: 1}, &lines))
	require.Equal(t, 2, bytes.Count(lines.Bytes(), []byte("\n")))
	own, err := s.Client(t).ImportCases(t.Context(), bytes.NewReader(lines.Bytes()), true)
	require.NoError(t, err)
	require.Equal(t, 2, own.Exists)
	for range 2 {
		_, err = s.As(t, apitest.TokenBob).ImportCases(t.Context(), bytes.NewReader(lines.Bytes()), false)
		require.NoError(t, err)
	}
	found := every(t, s.As(t, apitest.TokenBob))
	require.Len(t, found, 1, "case %s has ended, and is left out", ended.CaseID)
	require.Equal(t, first.Summary, found[0].Summary)
	require.Equal(t, first.Codes, found[0].Codes)
	require.Equal(t, first.Owners, found[0].Owners)
	require.Len(t, found[0].Tasks, 1)
	require.Equal(t, "look", found[0].Tasks[0].Key)
}

func TestAnImportHasBounds(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, func(c *api.Config) { c.Limits.RequestBytes = 4 << 20 })
	for name, tc := range map[string]struct {
		text   string
		status int
	}{
		"bytes":       {strings.Repeat(strings.Repeat(" ", 1<<19)+"\n", 9), 413},
		"a long line": {strings.Repeat(" ", 2<<20), 422},
		"lines":       {strings.Repeat("{}\n", 10_001), 422},
	} {
		_, err := s.Client(t).ImportCases(t.Context(), strings.NewReader(tc.text), true)
		require.Equal(t, tc.status, refusedWith(t, err, gates.RequestInvalid).Status, name)
	}
	require.Empty(t, imported(t, s, false).Lines)
}

func TestManyCasesAreMoved(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	free, held := asked(t, s), asked(t, s)
	_, err := c.AddTask(t.Context(), held.CaseID, client.AddTask{Title: "Look"}, "")
	require.NoError(t, err)
	outage := asked(t, s, func(b *client.CreateCase) { b.Type = "outage" })
	request := client.MoveCases{
		IDs: []string{free.CaseID, held.CaseID, free.CaseID, aBuild}, To: cases.Completed, Resolution: "cleared up", DryRun: true,
	}
	would, err := c.MoveCases(t.Context(), request, "k")
	require.NoError(t, err)
	require.Equal(t, free, mustCase(t, c, free.CaseID), "a dry run changes nothing")
	request.DryRun = false
	did, err := c.MoveCases(t.Context(), request, "k")
	require.NoError(t, err)
	would.DryRun = false
	require.Equal(t, would, did, "what would happen did")
	require.Equal(t, 1, did.Moved)
	require.Equal(t, 2, did.Failed)
	require.Equal(t, []string{"", "TASKS_OPEN", "NOT_FOUND"}, []string{did.Cases[0].Code, did.Cases[1].Code, did.Cases[2].Code})
	require.Equal(t, cases.Completed, mustCase(t, c, free.CaseID).Status)
	again, err := c.MoveCases(t.Context(), request, "k")
	require.NoError(t, err)
	require.Empty(t, again.Cases[0].Code, "the same key is the same act")

	byFilter, err := c.MoveCases(t.Context(), client.MoveCases{
		Filter: &client.CaseFilter{Types: []string{"outage"}}, To: cases.Cancelled, Remark: remark("a test"), Limit: 1,
	}, "")
	require.NoError(t, err)
	require.Equal(t, 1, byFilter.Moved)
	require.Equal(t, outage.CaseID, byFilter.Cases[0].CaseID)
	audited(t, s, outage.CaseID)
}

func mustCase(t *testing.T, c *client.Client, id string) cases.Case {
	t.Helper()
	found, err := c.Case(t.Context(), id)
	require.NoError(t, err)
	return found
}

func TestABuildFollowsFromACase(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	before := start(t, s, apitest.Blocked, "blocked")
	found := asked(t, s, func(b *client.CreateCase) { b.Refs = []cases.Ref{{Type: "build", Ref: before.BuildID}} })
	s.Builds.Next(apitest.Passed)
	started, err := c.BuildFromCase(t.Context(), found.CaseID, client.BuildFromCase{Because: because("the list is mended")}, "k")
	require.NoError(t, err)
	require.NotEqual(t, before.BuildID, started.Build.BuildID)
	require.Equal(t, records.Trigger{Type: records.TriggerIncident, Actor: "alice", Reason: "the list is mended", SourceRef: "case/" + found.CaseID}, started.Build.Trigger)
	require.Contains(t, started.Case.Refs, cases.Ref{Type: "build", Ref: started.Build.BuildID, Note: "started from this case"})
	var was, is records.BuildRequest
	read := func(view records.BuildView, into *records.BuildRequest) {
		text, err := s.Artifacts.ReadAll(t.Context(), view.Request, 1<<20)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, into))
	}
	read(before, &was)
	read(started.Build, &is)
	require.Equal(t, was.Inputs, is.Inputs)
	require.Equal(t, was.Policy, is.Policy)
	again, err := c.BuildFromCase(t.Context(), found.CaseID, client.BuildFromCase{Because: because("the list is mended")}, "k")
	require.NoError(t, err)
	require.Equal(t, started, again)

	other := &client.StartBuild{Inputs: []records.Input{{URI: "file:///other"}}, Trigger: client.BuildTrigger{Type: records.TriggerManual}}
	own, err := c.BuildFromCase(t.Context(), found.CaseID, client.BuildFromCase{Build: other, Because: because("r")}, "")
	require.NoError(t, err)
	require.Equal(t, records.TriggerIncident, own.Build.Trigger.Type, "the case is what caused it")

	none := asked(t, s)
	_, err = c.BuildFromCase(t.Context(), none.CaseID, client.BuildFromCase{Because: because("r")}, "")
	refusedWith(t, err, gates.RequestInvalid)
	do(t, c, none.CaseID, client.MoveCase{To: cases.Cancelled, Remark: remark("no")})
	_, err = c.BuildFromCase(t.Context(), none.CaseID, client.BuildFromCase{Build: other, Because: because("r")}, "")
	refusedWith(t, err, gates.CaseTerminal)
	audited(t, s, found.CaseID)
}
