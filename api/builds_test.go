package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	httprunner "github.com/initkoa/orgo/activities/runner/http"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/api/builtin"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func oneInput() client.StartBuild {
	return client.StartBuild{Inputs: []records.Input{{URI: "file:///data"}}}
}

// start starts a build of the given outcome.
func start(t *testing.T, s *apitest.Stack, outcome apitest.Outcome, key string) records.BuildView {
	t.Helper()
	s.Builds.Next(outcome)
	view, err := s.Client(t).Start(t.Context(), oneInput(), key)
	require.NoError(t, err)
	return view
}

// refusedWith requires that err is a problem with a reason code.
func refusedWith(t *testing.T, err error, code gates.Code) *client.Problem {
	t.Helper()
	var problem *client.Problem
	require.True(t, errors.As(err, &problem), "want a problem, got %v", err)
	require.Equal(t, string(code), problem.ReasonCode, "%v", problem)
	return problem
}

func TestStartStoresWhatWasSent(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	built, err := builtin.Load()
	require.NoError(t, err)
	const mine = `{"version":"not even checked yet","pipeline_id":"mine"}`
	for name, tc := range map[string]struct {
		change   func(*client.StartBuild)
		pipeline string
	}{
		"built in":   {func(*client.StartBuild) {}, string(built.Pipeline)},
		"by name":    {func(r *client.StartBuild) { r.Pipeline = json.RawMessage(`"default"`) }, string(built.Pipeline)},
		"null":       {func(r *client.StartBuild) { r.Pipeline = json.RawMessage(`null`) }, string(built.Pipeline)},
		"a document": {func(r *client.StartBuild) { r.Pipeline = json.RawMessage(mine) }, mine},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := oneInput()
			body.Trigger = client.BuildTrigger{Type: records.TriggerWebhook, Reason: "because", SourceRef: "commit 1"}
			tc.change(&body)
			view, err := c.Start(t.Context(), body, strings.ReplaceAll(name, " ", "-"))
			require.NoError(t, err)
			require.Equal(t, records.Trigger{Type: records.TriggerWebhook, Actor: "alice", Reason: "because", SourceRef: "commit 1"}, view.Trigger)

			var request records.BuildRequest
			data, err := s.Artifacts.ReadAll(t.Context(), view.Request, 1<<20)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(data, &request))
			require.Equal(t, records.BuildID(records.DefaultOrganization, request.IdempotencyKey), request.BuildID)
			pipeline, err := s.Artifacts.ReadAll(t.Context(), request.Pipeline, 1<<20)
			require.NoError(t, err)
			require.Equal(t, tc.pipeline, string(pipeline))
			policy, err := s.Artifacts.ReadAll(t.Context(), request.Policy, 1<<20)
			require.NoError(t, err)
			require.Equal(t, string(built.Policy), string(policy))
			require.NoError(t, s.Artifacts.Verify(t.Context(), request.Contracts))
		})
	}
}

func TestOneKeyIsOneBuild(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	first, err := c.Start(t.Context(), oneInput(), "same")
	require.NoError(t, err)
	again, err := c.Start(t.Context(), oneInput(), "same")
	require.NoError(t, err)
	require.Equal(t, first, again)

	other := oneInput()
	other.Inputs[0].URI = "file:///other"
	_, err = c.Start(t.Context(), other, "same")
	problem := refusedWith(t, err, gates.IdempotencyKeyReused)
	require.Equal(t, 409, problem.Status)

	list, err := c.Builds(t.Context(), client.ListQuery{})
	require.NoError(t, err)
	require.Len(t, list.Builds, 1)
}

func TestLocationOfABuild(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	answer, body := request{method: "POST", path: "/v1/builds", body: goodBody, header: key("k")}.send(t, s)
	require.Equal(t, 202, answer.StatusCode, string(body))
	id := records.BuildID(records.DefaultOrganization, "k")
	require.Equal(t, "/v1/builds/"+id, answer.Header.Get("Location"))
}

func TestOrganizationsSeeNothingOfEachOther(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	view := start(t, s, apitest.Waiting, "k")
	bob, err := client.New(client.Options{URL: s.URL, Token: apitest.TokenBob})
	require.NoError(t, err)

	calls := map[string]func(context.Context) error{
		"get":     func(ctx context.Context) error { _, err := bob.Build(ctx, view.BuildID); return err },
		"why":     func(ctx context.Context) error { _, err := bob.Why(ctx, view.BuildID); return err },
		"entries": func(ctx context.Context) error { _, err := bob.Entries(ctx, view.BuildID, 0, 0); return err },
		"record":  func(ctx context.Context) error { _, err := bob.Record(ctx, view.BuildID, client.FormatKOA); return err },
		"reproduce": func(ctx context.Context) error {
			_, err := bob.Reproduce(ctx, view.BuildID, client.ReproduceBuild{}, "")
			return err
		},
		"stop": func(ctx context.Context) error {
			_, err := bob.Stop(ctx, view.BuildID, client.StopBuild{Reason: "r"})
			return err
		},
		"retry": func(ctx context.Context) error {
			_, err := bob.Retry(ctx, view.BuildID, client.RetryStage{Stage: records.Validate, Reason: "r"})
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) { refusedWith(t, call(t.Context()), gates.NotFound) })
	}
	list, err := bob.Builds(t.Context(), client.ListQuery{})
	require.NoError(t, err)
	require.Empty(t, list.Builds)

	// The same key is another build in another organization.
	own, err := bob.Start(t.Context(), oneInput(), "k")
	require.NoError(t, err)
	require.NotEqual(t, view.BuildID, own.BuildID)
}

func TestListFiltersAndPages(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	for i := range 5 {
		start(t, s, apitest.Passed, fmt.Sprintf("passed-%d", i))
	}
	blocked := start(t, s, apitest.Blocked, "blocked")

	list, err := c.Builds(t.Context(), client.ListQuery{State: records.BuildBlocked})
	require.NoError(t, err)
	require.Len(t, list.Builds, 1)
	require.Equal(t, blocked.BuildID, list.Builds[0].BuildID)
	list, err = c.Builds(t.Context(), client.ListQuery{Pipeline: "none"})
	require.NoError(t, err)
	require.Empty(t, list.Builds)

	seen := map[string]bool{}
	query := client.ListQuery{Limit: 2, Pipeline: "orgo-default"}
	for {
		list, err := c.Builds(t.Context(), query)
		require.NoError(t, err)
		for _, view := range list.Builds {
			require.False(t, seen[view.BuildID])
			seen[view.BuildID] = true
		}
		if list.Next == "" {
			break
		}
		query.Cursor = list.Next
	}
	require.Len(t, seen, 6)
}

func TestLongPollAnswersOnceTheBuildHasChanged(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	view := start(t, s, apitest.Pending, "k")
	path := "/v1/builds/" + view.BuildID

	// Nothing changes: the answer is the same version, when the time is over.
	var got records.BuildView
	_, body := request{method: "GET", path: path + fmt.Sprintf("?after_version=%d&wait=150ms", view.Version)}.send(t, s)
	require.NoError(t, json.Unmarshal(body, &got))
	require.Equal(t, view.Version, got.Version)

	changed := make(chan records.BuildView)
	go func() {
		defer close(changed)
		for view, err := range s.Client(t).Watch(t.Context(), view.BuildID) {
			if err != nil {
				return
			}
			changed <- view
		}
	}()
	require.Equal(t, view.Version, (<-changed).Version)
	script := s.Builds.Script(records.DefaultOrganization, view.BuildID)
	require.NoError(t, script.StageStarted(t.Context(), records.Ingest, 1))
	require.Equal(t, records.StageRunning, at(<-changed, records.Ingest).Status)
	require.NoError(t, script.End(t.Context(), records.BuildStopped, records.Ingest, gates.StoppedByOperator))
	last := <-changed
	for next := range changed { // record and end may be seen as two changes
		last = next
	}
	require.Equal(t, records.BuildStopped, last.State)
}

func at(view records.BuildView, stage records.Stage) records.StepView { return *view.Step(stage) }

func TestLongPollOfAnEndedBuildAnswersAtOnce(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, func(c *api.Config) { c.Limits.Wait = time.Hour })
	view := start(t, s, apitest.Passed, "k")
	answer, _ := request{method: "GET", path: fmt.Sprintf("/v1/builds/%s?after_version=%d&wait=1h", view.BuildID, view.Version)}.send(t, s)
	require.Equal(t, 200, answer.StatusCode)
}

func TestSteering(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	waiting := start(t, s, apitest.Waiting, "k")
	require.Equal(t, records.BuildWaiting, waiting.State)

	view, err := c.Retry(t.Context(), waiting.BuildID, client.RetryStage{Stage: records.Validate, Reason: "corrected"})
	require.NoError(t, err)
	require.Equal(t, 2, view.Generation)
	_, err = c.Retry(t.Context(), waiting.BuildID, client.RetryStage{Stage: records.Validate, Reason: "again"})
	require.Equal(t, 409, refusedWith(t, err, gates.InvalidTransition).Status)
	view, err = c.Stop(t.Context(), waiting.BuildID, client.StopBuild{Reason: "enough", Now: true})
	require.NoError(t, err)
	require.Equal(t, records.BuildStopped, view.State)
	_, err = c.Stop(t.Context(), waiting.BuildID, client.StopBuild{Reason: "enough"})
	refusedWith(t, err, gates.InvalidTransition)

	entries, err := c.Entries(t.Context(), waiting.BuildID, 0, 0)
	require.NoError(t, err)
	actions := 0
	for i, entry := range entries.Entries {
		require.EqualValues(t, i+1, entry.Sequence)
		if entry.Type == records.TypeOperatorAction {
			actions++
			require.Equal(t, "alice", entry.Actor)
		}
	}
	require.Equal(t, 2, actions)
	require.EqualValues(t, len(entries.Entries), entries.Next)
	rest, err := c.Entries(t.Context(), waiting.BuildID, entries.Next-1, 0)
	require.NoError(t, err)
	require.Len(t, rest.Entries, 1)
}

func TestReproduceTakesPinsAndSnapshotAlone(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	original := start(t, s, apitest.Passed, "k")
	again, err := c.Reproduce(t.Context(), original.BuildID, client.ReproduceBuild{Reason: "audit"}, "r")
	require.NoError(t, err)
	require.Equal(t, original.BuildID, again.ReproduceOf)
	require.NotEqual(t, original.BuildID, again.BuildID)
	same, err := c.Reproduce(t.Context(), original.BuildID, client.ReproduceBuild{Reason: "audit"}, "r")
	require.NoError(t, err)
	require.Equal(t, again.BuildID, same.BuildID)

	var request, before records.BuildRequest
	readJSON(t, s, again.Request, &request)
	readJSON(t, s, original.Request, &before)
	require.Equal(t, []records.Input{{Snapshot: &original.Step(records.Ingest).Outputs[0].Ref}}, request.Inputs)
	require.Equal(t, before.Pipeline, request.Pipeline)
	require.Equal(t, before.Policy, request.Policy)
	require.Equal(t, before.Contracts, request.Contracts)

	failed := start(t, s, apitest.Failed, "without-snapshot")
	_, err = c.Reproduce(t.Context(), failed.BuildID, client.ReproduceBuild{}, "")
	refusedWith(t, err, gates.InvalidTransition)
}

func readJSON(t *testing.T, s *apitest.Stack, ref records.Ref, into any) {
	t.Helper()
	data, err := s.Artifacts.ReadAll(t.Context(), ref, 1<<20)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

func TestCallback(t *testing.T) {
	t.Parallel()
	require.Equal(t, httprunner.SignatureHeader, api.SignatureHeader)
	s := apitest.New(t)
	answer, body := request{method: "POST", path: "/v1/callbacks/some-token", body: `{"outputs":[]}`, token: "none",
		header: map[string]string{api.SignatureHeader: apitest.GoodSignature}}.send(t, s)
	require.Equal(t, 204, answer.StatusCode, string(body))
	require.Equal(t, []api.Callback{{Token: "some-token", Signature: apitest.GoodSignature, Body: []byte(`{"outputs":[]}`)}}, s.Builds.Callbacks())
}
