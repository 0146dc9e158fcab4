package httprunner_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/runner"
	httprunner "github.com/initkoa/orgo/activities/runner/http"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench has a runner and the service that it calls, which keeps what it was sent.
type bench struct {
	store  *artifacts.Store
	runner *httprunner.Runner
	server *httptest.Server

	mu       sync.Mutex
	received []received
}

type received struct {
	method string
	path   string
	header http.Header
	body   []byte
	at     time.Time
}

func setup(t *testing.T, o httprunner.Options, service http.HandlerFunc) *bench {
	t.Helper()
	store, err := artifacts.Open(t.Context(), "mem://")
	require.NoError(t, err)
	b := &bench{store: store}
	b.runner, err = httprunner.New(store, o)
	require.NoError(t, err)
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		b.mu.Lock()
		b.received = append(b.received, received{r.Method, r.URL.Path, r.Header, body, time.Now()})
		b.mu.Unlock()
		service(w, r)
	}))
	t.Cleanup(func() {
		require.NoError(t, b.runner.Close())
		b.server.Close()
		require.NoError(t, store.Close())
	})
	return b
}

func (b *bench) calls() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]received(nil), b.received...)
}

func requestTo(serviceURL string) runner.Request {
	return runner.Request{
		Organization: records.DefaultOrganization, BuildID: "b-1", Stage: records.Extract, Generation: 2, Attempt: 3,
		IdempotencyKey: "sha256:key", Config: json.RawMessage(`{"depth":2}`),
		Runner: records.RunnerSettings{
			Kind: records.RunnerHTTP, Version: "1.0.0",
			HTTP: &records.HTTPRunner{URL: serviceURL, PollInterval: records.Duration(5 * time.Millisecond)},
		},
	}
}

func ignoreProgress(int64, int64) {}

func (b *bench) run(ctx context.Context) (runner.Result, error) {
	return b.runner.Run(ctx, requestTo(b.server.URL+"/stage"), ignoreProgress)
}

// answering returns a service that always answers the same.
func answering(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // a client that hangs up is part of the tests
	}
}

func requireFailure(t *testing.T, want gates.Code, err error) *runner.Failure {
	t.Helper()
	var failure *runner.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, want, failure.Code, "%v", err)
	return failure
}

const goodAnswer = `{"outputs":[{"name":"claims","media_type":"text/plain","content":"aGVsbG8="}]}`

var hello = records.Ref{Digest: records.DigestOf([]byte("hello")), MediaType: "text/plain", Size: 5}

func TestAnswerAtOnce(t *testing.T) {
	t.Parallel()
	digest := strings.Repeat("ab", 32)
	b := setup(t, httprunner.Options{}, answering(http.StatusOK, `{
		"outputs": [
			{"name":"claims","media_type":"text/plain","content":"aGVsbG8="},
			{"name":"empty","path":"a/b","media_type":"text/plain","content":""},
			{"name":"big","ref":{"alg":"sha256","value":"`+digest+`","media_type":"text/plain","size":7,"uri":"https://elsewhere"}}
		],
		"attachments": [{"name":"log","media_type":"text/plain","content":"aGVsbG8="}],
		"metrics": {"rows": 3}, "notes": "n"
	}`))
	result, err := b.run(t.Context())
	require.NoError(t, err)
	require.Equal(t, runner.Result{
		Outputs: []records.Artifact{
			{Name: "claims", Ref: hello},
			{Name: "empty", Path: "a/b", Ref: records.Ref{Digest: records.DigestOf(nil), MediaType: "text/plain"}},
			{Name: "big", Ref: records.Ref{Digest: records.Digest{Alg: "sha256", Value: digest}, MediaType: "text/plain", Size: 7}},
		},
		Attachments: []records.Artifact{{Name: "log", Ref: hello}},
		Metrics:     map[string]int64{"rows": 3}, Notes: "n",
	}, result)
	require.NoError(t, b.store.Verify(t.Context(), hello))

	call := b.calls()[0]
	require.Equal(t, http.MethodPost, call.method)
	require.Equal(t, "sha256:key", call.header.Get("Idempotency-Key"))
	require.Equal(t, "application/json", call.header.Get("Content-Type"))
	require.Empty(t, call.header.Get("Orgo-Callback-URL"), "no callback is offered where none is taken")
	require.Empty(t, call.header.Get("Orgo-Callback-Secret"))
	var sent runner.Request
	require.NoError(t, json.Unmarshal(call.body, &sent))
	require.Equal(t, requestTo(b.server.URL+"/stage"), sent)
}

func TestTraceContext(t *testing.T) {
	t.Parallel()
	b := setup(t, httprunner.Options{}, answering(http.StatusOK, goodAnswer))
	state, err := trace.ParseTraceState("vendor=1")
	require.NoError(t, err)
	span := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, TraceState: state,
	})
	_, err = b.run(trace.ContextWithSpanContext(t.Context(), span))
	require.NoError(t, err)
	for range 2 {
		_, err = b.run(t.Context())
		require.NoError(t, err)
	}
	calls := b.calls()
	require.Equal(t, "00-01000000000000000000000000000000-0200000000000000-01", calls[0].header.Get("traceparent"))
	require.Equal(t, "vendor=1", calls[0].header.Get("tracestate"))
	require.Regexp(t, `^00-[0-9a-f]{32}-[0-9a-f]{16}-01$`, calls[1].header.Get("traceparent"))
	require.Equal(t, calls[1].header.Get("traceparent"), calls[2].header.Get("traceparent"))
}

func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	reported := `{"error":{"code":"INPUT_UNPARSABLE","message":"line 3"}}`
	tests := map[string]struct {
		status int
		body   string
		code   gates.Code
		final  bool
		says   string
	}{
		"reported error":        {200, reported, gates.InputUnparsable, true, "line 3"},
		"reported, not final":   {200, `{"error":{"message":"busy","final":false}}`, gates.RunnerFailed, false, "busy"},
		"code not for runners":  {200, `{"error":{"code":"UNAUTHORIZED","message":"m"}}`, gates.RunnerFailed, false, "UNAUTHORIZED: m"},
		"bad request":           {400, `oh`, gates.RunnerFailed, true, "answers 400"},
		"refused with report":   {422, reported, gates.InputUnparsable, true, "line 3"},
		"refused for ever":      {422, `{"error":{"message":"m","final":false}}`, gates.RunnerFailed, true, "m"},
		"not found":             {404, ``, gates.RunnerFailed, true, "answers 404"},
		"request timeout":       {408, ``, gates.RunnerUnavailable, false, "answers 408"},
		"too early":             {425, ``, gates.RunnerUnavailable, false, "answers 425"},
		"too many requests":     {429, ``, gates.RunnerUnavailable, false, "answers 429"},
		"server error":          {500, goodAnswer, gates.RunnerUnavailable, false, "answers 500"},
		"bad gateway":           {502, ``, gates.RunnerUnavailable, false, "answers 502"},
		"no content":            {204, ``, gates.RunnerOutputInvalid, true, "want 200 or 202"},
		"created":               {201, goodAnswer, gates.RunnerOutputInvalid, true, "want 200 or 202"},
		"empty":                 {200, ``, gates.RunnerOutputInvalid, true, "not a result"},
		"not json":              {200, `<html>`, gates.RunnerOutputInvalid, true, "not a result"},
		"null":                  {200, `null`, gates.RunnerOutputInvalid, true, "either outputs or an error"},
		"no outputs":            {200, `{}`, gates.RunnerOutputInvalid, true, "either outputs or an error"},
		"both":                  {200, `{"outputs":[],"error":{"message":"m"}}`, gates.RunnerOutputInvalid, true, "either outputs or an error"},
		"unknown member":        {200, `{"outputs":[],"result":1}`, gates.RunnerOutputInvalid, true, "result"},
		"two answers":           {200, goodAnswer + goodAnswer, gates.RunnerOutputInvalid, true, "not a result"},
		"neither ref nor text":  {200, `{"outputs":[{"name":"o"}]}`, gates.RunnerOutputInvalid, true, "either a ref"},
		"content without type":  {200, `{"outputs":[{"name":"o","content":"aGVsbG8="}]}`, gates.RunnerOutputInvalid, true, "either a ref"},
		"content not base64":    {200, `{"outputs":[{"name":"o","media_type":"a/b","content":"*"}]}`, gates.RunnerOutputInvalid, true, "not a result"},
		"ref without digest":    {200, `{"outputs":[{"name":"o","ref":{"size":1}}]}`, gates.RunnerOutputInvalid, true, "either a ref"},
		"ref with another alg":  {200, `{"outputs":[{"name":"o","ref":{"alg":"md5","value":"00","size":1}}]}`, gates.RunnerOutputInvalid, true, "either a ref"},
		"no name":               {200, `{"outputs":[{"media_type":"a/b","content":""}]}`, gates.RunnerOutputInvalid, true, "not well named"},
		"path upwards":          {200, `{"outputs":[{"name":"o","path":"../x","media_type":"a/b","content":""}]}`, gates.RunnerOutputInvalid, true, "not well named"},
		"202 to nobody's call":  {202, ``, gates.RunnerOutputInvalid, true, "offered no callback"},
		"too large":             {200, `{"outputs":[],"notes":"` + strings.Repeat("x", 5000) + `"}`, gates.RunnerOutputTooLarge, true, "more than 4096 bytes"},
		"too large and refused": {400, strings.Repeat("x", 5000), gates.RunnerOutputTooLarge, true, "more than 4096 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, httprunner.Options{MaxResponse: 4096}, answering(test.status, test.body))
			_, err := b.run(t.Context())
			failure := requireFailure(t, test.code, err)
			require.Equal(t, test.final, failure.Final)
			require.ErrorContains(t, err, test.says)
			require.Len(t, b.calls(), 1)
		})
	}
}

func TestRefusalKeepsWhatTheServiceSaid(t *testing.T) {
	t.Parallel()
	b := setup(t, httprunner.Options{}, answering(503, "down\xff", "Retry-After", "17"))
	_, err := b.run(t.Context())
	require.JSONEq(t, `{"status":503,"retry_after_seconds":17,"body":"down\ufffd"}`, string(requireFailure(t, gates.RunnerUnavailable, err).Details))
}

// The planted fault is a service that sends the worker elsewhere.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := setup(t, httprunner.Options{}, answering(http.StatusOK, goodAnswer))
	for _, status := range []int{301, 302, 303, 307, 308} {
		b := setup(t, httprunner.Options{}, answering(status, "", "Location", elsewhere.server.URL))
		_, err := b.run(t.Context())
		require.True(t, requireFailure(t, gates.RunnerFailed, err).Final)
		require.ErrorContains(t, err, "redirects are not followed")
	}
	require.Empty(t, elsewhere.calls())
}

func TestServiceThatCannotBeReached(t *testing.T) {
	t.Parallel()
	b := setup(t, httprunner.Options{}, answering(http.StatusOK, goodAnswer))
	b.server.Close()
	_, err := b.run(t.Context())
	require.False(t, requireFailure(t, gates.RunnerUnavailable, err).Final)
}

func TestBrokenBody(t *testing.T) {
	t.Parallel()
	b := setup(t, httprunner.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"outputs":[`)
	})
	_, err := b.run(t.Context())
	require.False(t, requireFailure(t, gates.RunnerUnavailable, err).Final)
}

func TestSlowServiceEndsWithTheContext(t *testing.T) {
	t.Parallel()
	slow := map[string]func(http.ResponseWriter){
		"before the header": func(http.ResponseWriter) {},
		"within the body": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"outputs":[`)
			w.(http.Flusher).Flush()
		},
	}
	for name, begin := range slow {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reached := make(chan struct{}, 2)
			b := setup(t, httprunner.Options{}, func(w http.ResponseWriter, r *http.Request) {
				begin(w)
				reached <- struct{}{}
				<-r.Context().Done()
			})
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err := b.run(ctx)
			require.False(t, requireFailure(t, gates.RunnerTimeout, err).Final)
			<-reached

			ctx, cancel = context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				_, err := b.run(ctx)
				ended <- err
			}()
			<-reached
			cancel()
			require.ErrorIs(t, <-ended, context.Canceled)
		})
	}
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	b := setup(t, httprunner.Options{}, answering(http.StatusOK, goodAnswer))
	for _, bad := range []string{"", "service", "/stage", "ftp://host/x", "file:///etc/passwd", "http://", "https://user:secret@host/", "http://host/#part", "http://%zz", "unix:///run/x"} {
		_, err := b.runner.Pin(t.Context(), records.HTTPRunner{URL: bad})
		requireFailure(t, gates.PinInvalid, err)
		require.NotContains(t, err.Error(), "secret")
		_, err = b.runner.Run(t.Context(), requestTo(bad), ignoreProgress)
		requireFailure(t, gates.PinInvalid, err)
	}
	_, err := b.runner.Run(t.Context(), runner.Request{Stage: records.Extract}, ignoreProgress)
	requireFailure(t, gates.PinInvalid, err)

	pinned, err := b.runner.Pin(t.Context(), records.HTTPRunner{URL: "https://host/x?y=1"})
	require.NoError(t, err)
	require.Equal(t, records.HTTPRunner{URL: "https://host/x?y=1", PollInterval: records.Duration(2 * time.Second)}, pinned)

	for _, o := range []httprunner.Options{
		{CallbackURL: "https://orgo/v1/callbacks"},
		{CallbackURL: "https://orgo/v1/callbacks", CallbackKey: []byte("short")},
		{CallbackURL: "orgo", CallbackKey: make([]byte, 32)},
	} {
		_, err := httprunner.New(b.store, o)
		require.Error(t, err)
	}
}

func TestSameStageBearsTheSameKey(t *testing.T) {
	t.Parallel()
	b := setup(t, httprunner.Options{}, answering(http.StatusServiceUnavailable, ""))
	for attempt := 1; attempt <= 3; attempt++ {
		request := requestTo(b.server.URL)
		request.Attempt = attempt
		_, err := b.runner.Run(t.Context(), request, ignoreProgress)
		requireFailure(t, gates.RunnerUnavailable, err)
	}
	keys := map[string]bool{}
	for _, call := range b.calls() {
		keys[call.header.Get("Idempotency-Key")] = true
	}
	require.Equal(t, map[string]bool{"sha256:key": true}, keys)
}

func ExampleSign() {
	fmt.Println(httprunner.Sign("secret", time.Unix(1700000000, 0), []byte(`{"outputs":[]}`))[:15])
	// Output: t=1700000000,v1
}
