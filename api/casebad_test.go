package api_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/schemas"
)

func TestBadRequestsAboutCases(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	found := asked(t, s)
	task, err := s.Client(t).AddTask(t.Context(), found.CaseID, client.AddTask{Title: "Look"}, "")
	require.NoError(t, err)
	const none = "/v1/cases/00000000-0000-4000-8000-00000000ffff"
	const noTask = "/v1/tasks/00000000-0000-4000-8000-00000000ffff"
	own, its := "/v1/cases/"+found.CaseID, "/v1/tasks/"+task.TaskID
	get := func(path string) request { return request{method: "GET", path: path} }
	post := func(path, body string) request { return request{method: "POST", path: path, body: body} }
	create := func(more string) request {
		return request{method: "POST", path: "/v1/cases", header: key("bad"), body: `{"type":"question","summary":"s"` + more + `}`}
	}
	for name, tc := range map[string]struct {
		request  request
		status   int
		code     gates.Code
		location string
	}{
		"create without a key":       {post("/v1/cases", `{"type":"t","summary":"s"}`), 422, gates.RequestInvalid, "header.Idempotency-Key"},
		"create without a summary":   {request{method: "POST", path: "/v1/cases", header: key("bad"), body: `{"type":"t"}`}, 422, gates.RequestInvalid, "body"},
		"unknown member":             {create(`,"status":"COMPLETED"`), 422, gates.RequestInvalid, "body.status"},
		"a label of no form":         {create(`,"label":"ops"`), 422, gates.RequestInvalid, ""},
		"an owner of no kind":        {create(`,"owners":[{"kind":"robot","id":"r"}]`), 422, gates.RequestInvalid, ""},
		"no priority":                {create(`,"priority":"SOON"`), 422, gates.RequestInvalid, "body.priority"},
		"no reason code":             {create(`,"reason_codes":["NO_SUCH"]`), 422, gates.RequestInvalid, "body.reason_codes[0]"},
		"no stage":                   {create(`,"stage":"bake"`), 422, gates.RequestInvalid, "body.stage"},
		"no channel":                 {create(`,"channel":"production"`), 422, gates.RequestInvalid, "body.channel"},
		"no duration":                {create(`,"respond_within":"soon"`), 0, gates.RequestInvalid, ""},
		"no policy":                  {create(`,"policy":7`), 422, gates.RequestInvalid, "body.policy"},
		"unknown policy":             {create(`,"policy":"sha256:0000000000000000000000000000000000000000000000000000000000000000"`), 404, gates.NotFound, ""},
		"list of no state":           {get("/v1/cases?status=DONE"), 422, gates.RequestInvalid, "query.status[0]"},
		"list of no owner":           {get("/v1/cases?owner=ann"), 422, gates.RequestInvalid, "query.owner[0]"},
		"list of no cause":           {get("/v1/cases?cause=build"), 422, gates.RequestInvalid, "query.cause"},
		"list of no time":            {get("/v1/cases?due_before=soon"), 422, gates.RequestInvalid, "query.due_before"},
		"list by no cursor":          {get("/v1/cases?cursor=x"), 422, gates.RequestInvalid, "query.cursor"},
		"export by no cursor":        {get("/v1/cases/export?cursor=x"), 422, gates.RequestInvalid, "query.cursor"},
		"unknown case":               {get(none), 404, gates.NotFound, ""},
		"no case id":                 {get("/v1/cases/latest"), 422, gates.RequestInvalid, "path.id"},
		"case in no form":            {get(own + "?format=pdf"), 422, gates.RequestInvalid, "query.format"},
		"history of unknown":         {get(none + "/history"), 404, gates.NotFound, ""},
		"transition of unknown":      {post(none+"/transition", `{"to":"BLOCKED","reason":"r"}`), 404, gates.NotFound, ""},
		"transition to nowhere":      {post(own+"/transition", `{"to":"DONE"}`), 422, gates.RequestInvalid, "body.to"},
		"transition without reason":  {post(own+"/transition", `{"to":"BLOCKED"}`), 422, gates.ReasonMissing, ""},
		"completed without how":      {post(own+"/transition", `{"to":"COMPLETED"}`), 422, gates.ResolutionMissing, ""},
		"version below zero":         {post(own+"/transition", `{"to":"BLOCKED","version":-1}`), 422, gates.RequestInvalid, "body.version"},
		"assign nobody":              {post(own+"/assign", `{"owners":[]}`), 422, gates.OwnerMissing, ""},
		"reopen what is open":        {post(own+"/reopen", `{"reason":"r"}`), 409, gates.InvalidTransition, ""},
		"link nothing":               {post(own+"/link", `{"ref_type":"","ref":""}`), 422, gates.RequestInvalid, ""},
		"comment nothing":            {post(own+"/comment", `{"text":""}`), 422, gates.RequestInvalid, "body.text"},
		"unknown action":             {post(own+"/close", `{}`), 404, gates.NotFound, ""},
		"task without a title":       {post(own+"/tasks", `{}`), 422, gates.RequestInvalid, "body"},
		"task in unknown":            {post(none+"/tasks", `{"title":"t"}`), 404, gates.NotFound, ""},
		"unknown task":               {get(noTask), 404, gates.NotFound, ""},
		"tasks of no state":          {get("/v1/tasks?status=OPEN"), 422, gates.RequestInvalid, "query.status[0]"},
		"tasks of no case":           {get("/v1/tasks?case_id=x"), 422, gates.RequestInvalid, "query.case_id"},
		"task to nowhere":            {post(its+"/transition", `{"to":"ESCALATED"}`), 422, gates.RequestInvalid, "body.to"},
		"task held without reason":   {post(its+"/transition", `{"to":"ON_HOLD"}`), 422, gates.ReasonMissing, ""},
		"task done without what":     {post(its+"/transition", `{"to":"COMPLETED"}`), 422, gates.ResolutionMissing, ""},
		"stale task":                 {post(its+"/transition", `{"to":"IN_PROGRESS","version":1}`), 409, gates.VersionStale, ""},
		"task of unknown":            {post(noTask+"/comment", `{"text":"t"}`), 404, gates.NotFound, ""},
		"task of nobody":             {post(its+"/assign", `{"owner":{"kind":"user","id":""}}`), 422, gates.OwnerMissing, ""},
		"bulk of nothing":            {post("/v1/cases/transition", `{"to":"CANCELLED"}`), 422, gates.RequestInvalid, "body"},
		"bulk of both":               {post("/v1/cases/transition", `{"to":"CANCELLED","ids":["`+found.CaseID+`"],"filter":{}}`), 422, gates.RequestInvalid, "body"},
		"bulk by no cursor":          {post("/v1/cases/transition", `{"to":"CANCELLED","filter":{},"cursor":"x"}`), 422, gates.RequestInvalid, "query.cursor"},
		"route of no cause":          {get("/v1/cases/route?cause=bad-luck"), 422, gates.RequestInvalid, "query.cause"},
		"route of no code":           {get("/v1/cases/route?code=NO_SUCH"), 422, gates.RequestInvalid, "query.code[0]"},
		"route of unknown":           {get("/v1/cases/route?case_id=" + aBuild), 404, gates.NotFound, ""},
		"build without a key":        {post(own+"/builds", `{"reason":"r"}`), 422, gates.RequestInvalid, "header.Idempotency-Key"},
		"build without a reason":     {request{method: "POST", path: own + "/builds", body: `{}`, header: key("b")}, 422, gates.RequestInvalid, "body"},
		"build of bad inputs":        {request{method: "POST", path: own + "/builds", body: `{"reason":"r","build":{"inputs":[{"uri":"ftp://x"}]}}`, header: key("b")}, 422, gates.RequestInvalid, "body.inputs[0].uri"},
		"import of nothing readable": {request{method: "POST", path: "/v1/cases/import?atomic=perhaps", body: "{}"}, 422, gates.RequestInvalid, "query.atomic"},
		"create without a token":     {request{method: "POST", path: "/v1/cases", body: `{}`, token: "none"}, 401, gates.Unauthorized, ""},
		"transition without a token": {request{method: "POST", path: own + "/transition", body: `{"to":"BLOCKED"}`, token: "none"}, 401, gates.Unauthorized, ""},
		"tasks without a token":      {request{method: "GET", path: "/v1/tasks", token: "none"}, 401, gates.Unauthorized, ""},
		"export without a token":     {request{method: "GET", path: "/v1/cases/export", token: "none"}, 401, gates.Unauthorized, ""},
	} {
		t.Run(name, func(t *testing.T) {
			problem := tc.request.problem(t, s)
			require.Equal(t, string(tc.code), problem.ReasonCode, "%+v", problem)
			if tc.status != 0 {
				require.Equal(t, tc.status, problem.Status, "%+v", problem)
			}
			if tc.location == "" {
				return
			}
			var places []string
			for _, e := range problem.Errors {
				places = append(places, e.Location)
			}
			require.Contains(t, places, tc.location, "%+v", problem)
		})
	}
	now, err := s.Client(t).Case(t.Context(), found.CaseID)
	require.NoError(t, err)
	require.Equal(t, task.CaseVersion, now.Version, "nothing of it was done")
	audited(t, s, found.CaseID)
}

// The interop forms fit the contract, whatever was done.
func TestInteropFormsOfCases(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	found := reviewed(t, s)
	check := func() {
		t.Helper()
		document, err := c.CaseForm(t.Context(), found.CaseID, client.FormatKOA)
		require.NoError(t, err)
		require.NoError(t, schemas.ValidateKOACase(document), string(document))
		for _, task := range found.Tasks {
			document, err := c.TaskForm(t.Context(), task.TaskID, client.FormatKOA)
			require.NoError(t, err)
			require.NoError(t, schemas.ValidateKOATask(document), string(document))
		}
	}
	check()
	do(t, s.As(t, apitest.TokenCarol), found.CaseID, client.MoveCase{To: cases.Completed})
	check()
}

func TestARouteIsExplained(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	route, err := c.RouteCase(t.Context(), client.RouteCase{Cause: cases.CauseBuild, Codes: []string{"VALIDATION_FAILED"}, Incident: true})
	require.NoError(t, err)
	require.Equal(t, route.Route.Rule, route.Explanation.Rule)
	require.Equal(t, records.DefaultOrganization, route.Explanation.Facts.Organization)
	decided := 0
	for _, tried := range route.Explanation.Tried {
		if tried.Decided {
			decided++
		}
	}
	require.Equal(t, 1, decided)
	var other client.CaseRoute
	answer, body := request{method: "GET", path: "/v1/cases/route?cause=build&code=VALIDATION_FAILED&incident=true"}.send(t, s)
	require.Equal(t, 200, answer.StatusCode)
	require.NoError(t, json.Unmarshal(body, &other))
	require.Equal(t, route, other)

	found := asked(t, s)
	own, err := c.RouteCase(t.Context(), client.RouteCase{CaseID: found.CaseID})
	require.NoError(t, err)
	require.Equal(t, found.Route.Rule, own.Route.Rule)
	require.Equal(t, found.Route, *own.Recorded)
}
