//go:build linux

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/initkoa/orgo/activities/runner"
	httprunner "github.com/initkoa/orgo/activities/runner/http"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// called is one call of a service that does a stage.
type called struct {
	header  http.Header
	request runner.Request
}

// service takes calls and promises an answer for later.
func service(t *testing.T) (url string, calls <-chan called) {
	t.Helper()
	// Room for every call that a test can cause: the handler never waits.
	received := make(chan called, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := called{header: r.Header.Clone()}
		if err := json.NewDecoder(r.Body).Decode(&c.request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		received <- c
	}))
	t.Cleanup(server.Close)
	return server.URL, received
}

// await returns the next call.
func await(t *testing.T, calls <-chan called) called {
	t.Helper()
	select {
	case c := <-calls:
		return c
	case <-time.After(patience):
		require.FailNow(t, "the service is not called")
		return called{}
	}
}

// callback answers a call late, signed with a secret.
func callback(t *testing.T, c called, secret string, body []byte) (status int, problem client.Problem) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.header.Get("Orgo-Callback-Url"), bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(httprunner.SignatureHeader, httprunner.Sign(secret, time.Now(), body))
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		require.NoError(t, json.NewDecoder(response.Body).Decode(&problem))
	}
	return response.StatusCode, problem
}

func TestAServiceAnswersLaterBySignedCallback(t *testing.T) {
	s := newStack(t)
	recorded := s.end(t, s.begin(t, demoRequest(t, s, demoCorpus), "recorded"), records.BuildPassed)
	url, calls := service(t)
	id := s.begin(t, demoRequest(t, s, demoCorpus, doneBy(records.Extract, records.RunnerSettings{
		Kind: records.RunnerHTTP, Version: "1.0.0", HTTP: &records.HTTPRunner{URL: url},
	}), patient(records.Extract)), "called")
	first := await(t, calls)
	require.Equal(t, id, first.request.BuildID)
	require.Equal(t, first.request.IdempotencyKey, first.header.Get("Idempotency-Key"))
	require.Regexp(t, "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$", first.header.Get("Traceparent"))
	secret := first.header.Get("Orgo-Callback-Secret")
	answer := marshal(t, runner.Result{Outputs: recorded.Step(records.Extract).Outputs})

	refused := func(what, secret string, body []byte) {
		status, problem := callback(t, first, secret, body)
		require.Equal(t, http.StatusUnauthorized, status, what)
		require.Equal(t, string(gates.CallbackUnsigned), problem.ReasonCode, what)
		view := s.view(t, id)
		require.Equal(t, records.StageRunning, view.Step(records.Extract).Status, what)
	}
	refused("a wrong secret", secret+"0", answer)
	refused("no secret", "", answer)

	// The service is not done when the stack is killed. It is called again with the
	// key that it knows, and may answer either call.
	s.restart(t)
	second := await(t, calls)
	require.Equal(t, first.request.IdempotencyKey, second.request.IdempotencyKey)
	refused("the secret of another call", second.header.Get("Orgo-Callback-Secret"), answer)
	require.Equal(t, records.BuildRunning, s.view(t, id).State)

	status, problem := callback(t, first, secret, answer)
	require.Equal(t, http.StatusNoContent, status, problem)
	view := s.end(t, id, records.BuildPassed)
	require.Equal(t, recorded.Step(records.Extract).Outputs, view.Step(records.Extract).Outputs)
	requireRecordedOnce(t, s, id)

	status, problem = callback(t, second, second.header.Get("Orgo-Callback-Secret"), answer)
	require.Equal(t, http.StatusConflict, status)
	require.Equal(t, string(gates.InvalidTransition), problem.ReasonCode)
}

func TestAWorkerElsewhereServesAStage(t *testing.T) {
	s := newStack(t)
	recorded := s.end(t, s.begin(t, demoRequest(t, s, demoCorpus), "recorded"), records.BuildPassed)
	const queue, name = "claims", "collect-claims"
	elsewhere := worker.New(s.temporal(t), queue, worker.Options{})
	requests := make(chan runner.Request, 1)
	elsewhere.RegisterActivityWithOptions(func(_ context.Context, request runner.Request) (runner.Result, error) {
		requests <- request
		return runner.Result{Outputs: recorded.Step(records.Extract).Outputs, Notes: "done elsewhere"}, nil
	}, activity.RegisterOptions{Name: name})
	require.NoError(t, elsewhere.Start())
	defer elsewhere.Stop()

	id := s.begin(t, demoRequest(t, s, demoCorpus, doneBy(records.Extract, records.RunnerSettings{
		Kind: records.RunnerTaskQueue, Version: "1.0.0", TaskQueue: &records.ExternalActivity{TaskQueue: queue, Activity: name},
	})), "served")
	view := s.end(t, id, records.BuildPassed)
	request := <-requests
	require.Equal(t, id, request.BuildID)
	require.Equal(t, records.Extract, request.Stage)
	require.Equal(t, view.Step(records.Extract).Inputs, request.Inputs)
	require.Equal(t, "done elsewhere", view.Step(records.Extract).Notes)
	require.Equal(t, recorded.Step(records.Extract).Outputs, view.Step(records.Extract).Outputs)
	requireRecordedOnce(t, s, id)
}
