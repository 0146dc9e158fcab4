package httprunner_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	httprunner "github.com/initkoa/orgo/activities/runner/http"
	"github.com/initkoa/orgo/gates"
)

// statusService takes the call and answers the polls in turn, the last for ever.
func statusService(location string, polls ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			answering(http.StatusAccepted, "", "Location", location)(w, r)
			return
		}
		mu.Lock()
		next := polls[0]
		if len(polls) > 1 {
			polls = polls[1:]
		}
		mu.Unlock()
		next(w, r)
	}
}

func TestPolling(t *testing.T) {
	t.Parallel()
	down, wait, good := answering(503, ""), answering(202, ""), answering(200, goodAnswer)
	hangUp := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	tests := map[string]struct {
		polls []http.HandlerFunc
		calls int
		code  gates.Code // empty for success
		final bool
	}{
		"at the first":        {[]http.HandlerFunc{good}, 1, "", false},
		"at the third":        {[]http.HandlerFunc{wait, wait, good}, 3, "", false},
		"through failures":    {[]http.HandlerFunc{down, hangUp, down, down, wait, down, down, down, down, good}, 10, "", false},
		"too many failures":   {[]http.HandlerFunc{wait, down}, 6, gates.RunnerUnavailable, false},
		"a reported error":    {[]http.HandlerFunc{wait, answering(200, `{"error":{"message":"m","final":true}}`)}, 2, gates.RunnerFailed, true},
		"forgotten":           {[]http.HandlerFunc{wait, answering(404, "")}, 2, gates.RunnerFailed, true},
		"redirected":          {[]http.HandlerFunc{answering(302, "", "Location", "/x")}, 1, gates.RunnerFailed, true},
		"malformed":           {[]http.HandlerFunc{answering(200, "{}")}, 1, gates.RunnerOutputInvalid, true},
		"larger than allowed": {[]http.HandlerFunc{answering(200, strings.Repeat("x", 5000))}, 1, gates.RunnerOutputTooLarge, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, httprunner.Options{MaxResponse: 4096}, statusService("status/7", test.polls...))
			result, err := b.run(t.Context())
			if test.code == "" {
				require.NoError(t, err)
				require.Equal(t, hello, result.Outputs[0].Ref)
			} else {
				require.Equal(t, test.final, requireFailure(t, test.code, err).Final)
			}
			calls := b.calls()
			require.Len(t, calls, 1+test.calls)
			for _, poll := range calls[1:] {
				require.Equal(t, http.MethodGet, poll.method)
				require.Equal(t, "/status/7", poll.path)
				require.Equal(t, "sha256:key", poll.header.Get("Idempotency-Key"))
				require.Empty(t, poll.body)
			}
		})
	}
}

func TestPollingHonoursRetryAfter(t *testing.T) {
	t.Parallel()
	b := setup(t, httprunner.Options{}, statusService("/status", answering(202, "", "Retry-After", "1"), answering(200, goodAnswer)))
	_, err := b.run(t.Context())
	require.NoError(t, err)
	calls := b.calls()
	require.GreaterOrEqual(t, calls[2].at.Sub(calls[1].at), time.Second)
}

func TestPollingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	b := setup(t, httprunner.Options{}, statusService("/status", answering(202, "")))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := b.run(ctx)
	requireFailure(t, gates.RunnerTimeout, err)

	ctx, cancel = context.WithCancel(t.Context())
	_, err = b.runner.Run(ctx, requestTo(b.server.URL), func(int64, int64) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
}

// The planted fault is a status URL that leads elsewhere.
func TestStatusURLOfAnotherOriginIsRefused(t *testing.T) {
	t.Parallel()
	elsewhere := setup(t, httprunner.Options{}, answering(http.StatusOK, goodAnswer))
	for _, location := range []string{elsewhere.server.URL + "/status", "http://169.254.169.254/", "file:///etc/passwd", "https://localhost/", "http://%zz", "//elsewhere/"} {
		b := setup(t, httprunner.Options{}, statusService(location, answering(http.StatusOK, goodAnswer)))
		_, err := b.run(t.Context())
		requireFailure(t, gates.RunnerOutputInvalid, err)
		require.Len(t, b.calls(), 1)
	}
	require.Empty(t, elsewhere.calls())
}
