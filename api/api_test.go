package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// request is a call that a test makes by hand.
type request struct {
	method, path, body string
	token              string // alice's if empty; "none" sends none
	header             map[string]string
}

func (r request) send(t *testing.T, s *apitest.Stack) (*http.Response, []byte) {
	t.Helper()
	call, err := http.NewRequestWithContext(t.Context(), r.method, s.URL+r.path, strings.NewReader(r.body))
	require.NoError(t, err)
	switch r.token {
	case "none":
	case "":
		call.Header.Set("Authorization", "Bearer "+apitest.TokenAlice)
	default:
		call.Header.Set("Authorization", r.token)
	}
	if r.body != "" {
		call.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.header {
		call.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(call)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, body
}

// problem sends the request and reads the problem in its answer.
func (r request) problem(t *testing.T, s *apitest.Stack) client.Problem {
	t.Helper()
	answer, body := r.send(t, s)
	require.Equal(t, "application/problem+json", answer.Header.Get("Content-Type"), "%d %s", answer.StatusCode, body)
	var problem client.Problem
	require.NoError(t, json.Unmarshal(body, &problem))
	require.Equal(t, answer.StatusCode, problem.Status)
	require.NotEmpty(t, problem.Title)
	require.NotEmpty(t, problem.Instance)
	return problem
}

func key(value string) map[string]string { return map[string]string{"Idempotency-Key": value} }

const goodBody = `{"inputs":[{"uri":"file:///data"}]}`

func TestBadRequests(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	unknown := "/v1/builds/00000000-0000-4000-8000-00000000ffff"
	start := func(body string) request {
		return request{method: "POST", path: "/v1/builds", body: body, header: key("k")}
	}
	for name, tc := range map[string]struct {
		request  request
		status   int
		code     string
		location string // of one of the errors
		message  string // in one of the errors, or in the detail
	}{
		"no token":              {request{method: "GET", path: "/v1/builds", token: "none"}, 401, "UNAUTHORIZED", "", "bears no token"},
		"wrong scheme":          {request{method: "GET", path: "/v1/builds", token: "Basic " + apitest.TokenAlice}, 401, "UNAUTHORIZED", "", "bears no token"},
		"wrong token":           {request{method: "GET", path: "/v1/builds", token: "Bearer nobody"}, 401, "UNAUTHORIZED", "", "not known"},
		"no token to write":     {request{method: "PUT", path: "/v1/artifacts", body: "x", token: "none"}, 401, "UNAUTHORIZED", "", "bears no token"},
		"unknown path":          {request{method: "GET", path: "/v2/builds"}, 404, "NOT_FOUND", "", "/v2/builds"},
		"unknown method":        {request{method: "DELETE", path: "/v1/builds"}, 405, "REQUEST_INVALID", "", "DELETE"},
		"unknown build":         {request{method: "GET", path: unknown}, 404, "NOT_FOUND", "", "ffff"},
		"why of unknown":        {request{method: "GET", path: unknown + "/why"}, 404, "NOT_FOUND", "", "ffff"},
		"entries of unknown":    {request{method: "GET", path: unknown + "/entries"}, 404, "NOT_FOUND", "", "ffff"},
		"record of unknown":     {request{method: "GET", path: unknown + "/record"}, 404, "NOT_FOUND", "", "ffff"},
		"stop unknown":          {request{method: "POST", path: unknown + "/stop", body: `{"reason":"r"}`}, 404, "NOT_FOUND", "", "ffff"},
		"no build id":           {request{method: "GET", path: "/v1/builds/latest"}, 422, "REQUEST_INVALID", "path.id", "uuid"},
		"unknown state":         {request{method: "GET", path: "/v1/builds?state=DONE"}, 422, "REQUEST_INVALID", "query.state", "one of"},
		"limit too large":       {request{method: "GET", path: "/v1/builds?limit=100000"}, 422, "REQUEST_INVALID", "query.limit", "200"},
		"limit no number":       {request{method: "GET", path: "/v1/builds?limit=all"}, 422, "REQUEST_INVALID", "query.limit", "integer"},
		"bad cursor":            {request{method: "GET", path: "/v1/builds?cursor=x"}, 422, "REQUEST_INVALID", "query.cursor", "cursor"},
		"unknown query":         {request{method: "GET", path: "/v1/builds?stat=PASSED"}, 422, "REQUEST_INVALID", "query.stat", "unknown"},
		"bad wait":              {request{method: "GET", path: unknown + "?wait=long"}, 422, "REQUEST_INVALID", "query.wait", "duration"},
		"no key":                {request{method: "POST", path: "/v1/builds", body: goodBody}, 422, "REQUEST_INVALID", "header.Idempotency-Key", "missing"},
		"key with blanks":       {request{method: "POST", path: "/v1/builds", body: goodBody, header: key("a b")}, 422, "REQUEST_INVALID", "header.Idempotency-Key", "pattern"},
		"no body":               {request{method: "POST", path: "/v1/builds", header: key("k")}, 400, "REQUEST_INVALID", "", "body is required"},
		"not json":              {start("{\n \"inputs\": oops}"), 400, "REQUEST_INVALID", "body", "line 2, column 12"},
		"cut off":               {start(`{"inputs":[`), 400, "REQUEST_INVALID", "body", "line 1"},
		"name twice":            {start(`{"inputs":[{"uri":"file:///a"}],` + "\n" + `"inputs":[]}`), 400, "REQUEST_INVALID", "body", "line 2"},
		"not utf-8":             {start("{\"inputs\":\"\xff\"}"), 400, "REQUEST_INVALID", "body", "UTF-8"},
		"another media type":    {request{method: "POST", path: "/v1/builds", body: goodBody, header: map[string]string{"Idempotency-Key": "k", "Content-Type": "text/csv"}}, 415, "REQUEST_INVALID", "body", "content type"},
		"no inputs":             {start(`{}`), 422, "REQUEST_INVALID", "body", "inputs"},
		"null inputs":           {start(`{"inputs":null}`), 422, "REQUEST_INVALID", "body.inputs", "at least one"},
		"empty inputs":          {start(`{"inputs":[]}`), 422, "REQUEST_INVALID", "body.inputs", "1"},
		"unknown field":         {start(`{"inputs":[{"uri":"file:///a"}],"release":"prod"}`), 422, "REQUEST_INVALID", "body.release", "unexpected"},
		"unknown field in list": {start(`{"inputs":[{"uri":"file:///a","path":"/b"}]}`), 422, "REQUEST_INVALID", "body.inputs[0].path", "unexpected"},
		"actor in the body":     {start(`{"inputs":[{"uri":"file:///a"}],"trigger":{"actor":"root"}}`), 422, "REQUEST_INVALID", "body.trigger.actor", "unexpected"},
		"unknown trigger":       {start(`{"inputs":[{"uri":"file:///a"}],"trigger":{"type":"cron"}}`), 422, "REQUEST_INVALID", "body.trigger.type", "one of"},
		"number as uri":         {start(`{"inputs":[{"uri":7}]}`), 422, "REQUEST_INVALID", "body.inputs[0].uri", "string"},
		"neither uri nor ref":   {start(`{"inputs":[{"uri":"file:///a"},{}]}`), 422, "REQUEST_INVALID", "body.inputs[1]", "either"},
		"relative uri":          {start(`{"inputs":[{"uri":"documents"}]}`), 422, "REQUEST_INVALID", "body.inputs[0].uri", "scheme"},
		"http uri":              {start(`{"inputs":[{"uri":"http://host/a"}]}`), 422, "REQUEST_INVALID", "body.inputs[0].uri", `"http"`},
		"uri of another host":   {start(`{"inputs":[{"uri":"file://host/a"}]}`), 422, "REQUEST_INVALID", "body.inputs[0].uri", "host"},
		"uri with dots":         {start(`{"inputs":[{"uri":"file:///a/../b"}]}`), 422, "REQUEST_INVALID", "body.inputs[0].uri", ".."},
		"uri with fragment":     {start(`{"inputs":[{"uri":"file:///a#b"}]}`), 422, "REQUEST_INVALID", "body.inputs[0].uri", "%23"},
		"bad snapshot":          {start(`{"inputs":[{"snapshot":{"alg":"md5","value":"00","size":1}}]}`), 422, "REQUEST_INVALID", "body.inputs[0].snapshot", "sha256"},
		"unnamed pipeline":      {start(`{"inputs":[{"uri":"file:///a"}],"pipeline":"latest"}`), 422, "REQUEST_INVALID", "body.pipeline", `"latest"`},
		"pipeline of no kind":   {start(`{"inputs":[{"uri":"file:///a"}],"pipeline":[1]}`), 422, "REQUEST_INVALID", "body.pipeline", "neither"},
		"policy of no kind":     {start(`{"inputs":[{"uri":"file:///a"}],"policy":7}`), 422, "REQUEST_INVALID", "body.policy", "mandate"},
		"policy that is none":   {start(`{"inputs":[{"uri":"file:///a"}],"policy":"kind: x\npolicies: [{}]\n"}`), 422, "POLICY_INVALID", "body.policy/policies/0", "line 2, column 12"},
		"policy of no digest":   {start(`{"inputs":[{"uri":"file:///a"}],"policy":"sha256:00"}`), 422, "REQUEST_INVALID", "body.policy", "sha256"},
		"unknown policy":        {start(`{"inputs":[{"uri":"file:///a"}],"policy":"` + records.DigestOf([]byte("x")).String() + `"}`), 404, "NOT_FOUND", "", "registered"},
		"contracts of no kind":  {start(`{"inputs":[{"uri":"file:///a"}],"contracts":"x"}`), 422, "REQUEST_INVALID", "body.contracts", "neither"},
		"unknown contracts":     {start(`{"inputs":[{"uri":"file:///a"}],"contracts":{"builtin":"orgo-knowledge@latest"}}`), 422, "PIN_UNKNOWN", "body.contracts.builtin", "1.0.0"},
		"field with builtin":    {start(`{"inputs":[{"uri":"file:///a"}],"contracts":{"builtin":"orgo-knowledge@1.0.0","strict":false}}`), 422, "REQUEST_INVALID", "body.contracts", "strict"},
		"field in contracts":    {start(`{"inputs":[{"uri":"file:///a"}],"contracts":{"name":"n","version":"1.0.0","schemas":{},"x":1}}`), 422, "REQUEST_INVALID", "body.contracts", "x"},
		"floating contracts":    {start(`{"inputs":[{"uri":"file:///a"}],"contracts":{"name":"n","version":"latest","schemas":{"a.schema.json":{}}}}`), 422, "PIN_FLOATING", "body.contracts.version", `"latest"`},
		"dangling reference":    {start(`{"inputs":[{"uri":"file:///a"}],"contracts":{"name":"n","version":"1.0.0","schemas":{"a.schema.json":{"$ref":"#/$defs/nope"}}}}`), 422, "CONTRACTS_INVALID", "body.contracts.schemas[\"a.schema.json\"]#/$ref", "nope"},
		"no schema":             {start(`{"inputs":[{"uri":"file:///a"}],"contracts":{"name":"n","version":"1.0.0","schemas":{}}}`), 422, "CONTRACTS_INVALID", "body.contracts", ""},
		"schema outside":        {start(`{"inputs":[{"uri":"file:///a"}],"contracts":{"name":"n","version":"1.0.0","schemas":{"../a.schema.json":{}}}}`), 422, "REQUEST_INVALID", "body.contracts.schemas", "file name"},
		"stop without reason":   {request{method: "POST", path: unknown + "/stop", body: `{}`}, 422, "REQUEST_INVALID", "body", "reason"},
		"stop by field":         {request{method: "POST", path: unknown + "/stop", body: `{"reason":"r","force":true}`}, 422, "REQUEST_INVALID", "body.force", "unexpected"},
		"retry of no stage":     {request{method: "POST", path: unknown + "/retry", body: `{"reason":"r","stage":"deploy"}`}, 422, "REQUEST_INVALID", "body.stage", "one of"},
		"record of no form":     {request{method: "GET", path: unknown + "/record?format=pdf"}, 422, "REQUEST_INVALID", "query.format", "one of"},
		"no digest":             {request{method: "GET", path: "/v1/artifacts/latest"}, 422, "REQUEST_INVALID", "path.digest", "sha256"},
		"unknown artifact":      {request{method: "GET", path: "/v1/artifacts/" + records.DigestOf([]byte("x")).String()}, 404, "ARTIFACT_MISSING", "", "not in the store"},
		"artifact of no type":   {request{method: "PUT", path: "/v1/artifacts"}, 422, "REQUEST_INVALID", "header.Content-Type", "missing"},
		"unknown reason":        {request{method: "GET", path: "/v1/reasons/OOPS"}, 404, "NOT_FOUND", "", "OOPS"},
		"callback unsigned":     {request{method: "POST", path: "/v1/callbacks/t", body: `{}`, token: "none"}, 422, "REQUEST_INVALID", "header.Orgo-Signature", "missing"},
		"callback badly signed": {request{method: "POST", path: "/v1/callbacks/t", body: `{}`, token: "none", header: map[string]string{"Orgo-Signature": "sha256=00"}}, 401, "CALLBACK_SIGNATURE_INVALID", "", "signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problem := tc.request.problem(t, s)
			require.Equal(t, tc.status, problem.Status, "%+v", problem)
			require.Equal(t, tc.code, problem.ReasonCode, "%+v", problem)
			require.NotEmpty(t, problem.Remedy)
			if tc.location == "" {
				require.Contains(t, problem.Detail, tc.message)
				return
			}
			var all []string
			for _, e := range problem.Errors {
				all = append(all, e.Location+": "+e.Message)
				if e.Location == tc.location && strings.Contains(e.Message, tc.message) {
					return
				}
			}
			require.Failf(t, "no such error", "want %s: …%s…, got %q", tc.location, tc.message, all)
		})
	}
	t.Cleanup(func() { require.Zero(t, s.Builds.Starts(), "a bad request reached the choke point") })
}

func TestTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, func(c *api.Config) { c.Limits = api.Limits{RequestBytes: 100, ArtifactBytes: 100} })
	large := strings.Repeat("x", 101)

	problem := request{method: "POST", path: "/v1/builds", body: `{"inputs":"` + large + `"}`, header: key("k")}.problem(t, s)
	require.Equal(t, http.StatusRequestEntityTooLarge, problem.Status)
	problem = request{method: "PUT", path: "/v1/artifacts", body: large}.problem(t, s)
	require.Equal(t, http.StatusRequestEntityTooLarge, problem.Status)

	answer, _ := request{method: "PUT", path: "/v1/artifacts", body: large[:100]}.send(t, s)
	require.Equal(t, http.StatusOK, answer.StatusCode)
}

func TestAPanicIsAProblem(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := apitest.New(t, apitest.LogTo(&log))
	s.Builds.Next(apitest.Panicked)
	problem := request{method: "POST", path: "/v1/builds", body: goodBody,
		header: map[string]string{"Idempotency-Key": "k", "X-Request-Id": "given-id"}}.problem(t, s)
	require.Equal(t, http.StatusInternalServerError, problem.Status)
	require.Equal(t, "INTERNAL_ERROR", problem.ReasonCode)
	require.Equal(t, "urn:orgo:request:given-id", problem.Instance)
	require.NotContains(t, problem.Detail, "a defect", "what broke is for the log")
	require.Contains(t, log.String(), "a defect")
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := apitest.New(t, apitest.LogTo(&log))
	answer, _ := request{method: "GET", path: "/v1/builds", header: map[string]string{"X-Request-Id": "bad id\twith blanks"}}.send(t, s)
	id := answer.Header.Get("X-Request-Id")
	require.NotContains(t, id, " ", "a foreign id must not get into the log")

	var line struct {
		RequestID    string `json:"request_id"`
		Method       string `json:"method"`
		Route        string `json:"route"`
		Status       int    `json:"status"`
		Actor        string `json:"actor"`
		Organization string `json:"organization"`
	}
	require.NoError(t, json.Unmarshal(log.Bytes(), &line), log.String())
	require.Equal(t, id, line.RequestID)
	require.Equal(t, "GET /v1/builds", line.Route)
	require.Equal(t, 200, line.Status)
	require.Equal(t, "alice", line.Actor)
	require.Equal(t, records.DefaultOrganization, line.Organization)
	require.NotContains(t, log.String(), apitest.TokenAlice)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	broken := apitest.New(t, func(c *api.Config) {
		c.Checks["temporal"] = func(context.Context) error { return errors.New("secret host is down") }
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "orgo_builds 1\n") })
	})
	none := func(path string) request { return request{method: "GET", path: path, token: "none"} }

	answer, body := none("/healthz").send(t, broken)
	require.Equal(t, 200, answer.StatusCode)
	require.JSONEq(t, `{"status":"ok"}`, string(body))

	answer, body = none("/readyz").send(t, broken)
	require.Equal(t, 503, answer.StatusCode)
	require.JSONEq(t, `{"status":"unavailable","checks":{"store":"ok","temporal":"unavailable"}}`, string(body))

	answer, body = none("/readyz").send(t, apitest.New(t))
	require.Equal(t, 200, answer.StatusCode)
	require.JSONEq(t, `{"status":"ok","checks":{"store":"ok"}}`, string(body))

	_, body = none("/metrics").send(t, broken)
	require.Equal(t, "orgo_builds 1\n", string(body))
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	_, body := request{method: "GET", path: "/openapi.json", token: "none"}.send(t, s)
	var document struct {
		Paths map[string]map[string]struct {
			Security  []map[string][]string `json:"security"`
			Responses map[string]struct {
				Content map[string]any `json:"content"`
			} `json:"responses"`
		} `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(body, &document))
	open := map[string]bool{
		"/healthz": true, "/readyz": true, "/v1/callbacks/{token}": true,
		"/v1/ledger/checkpoint": true, "/v1/ledger/consistency": true,
	}
	for path, methods := range document.Paths {
		for method, operation := range methods {
			require.Equal(t, open[path], len(operation.Security) == 0, "%s %s", method, path)
			require.Contains(t, operation.Responses["default"].Content, "application/problem+json", "%s %s", method, path)
		}
	}
}
