//go:build linux

package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
)

// receiver takes deliveries, or refuses them while it is told to.
type receiver struct {
	url string

	mu      sync.Mutex
	secret  string
	broken  bool
	refused string // the id of an event that is never taken
	taken   []client.Event
	calls   int
	errors  []error
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	received, err := client.ReadDelivery(request, r.secret, time.Now())
	if err != nil {
		r.errors = append(r.errors, err)
	}
	if err != nil || r.broken || received.ID == r.refused {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	r.taken = append(r.taken, received)
}

func (r *receiver) set(change func(r *receiver)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}

// distinct returns the leaves that were taken, without repetitions, in the order in
// which they first came.
func (r *receiver) distinct(t *testing.T) []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Empty(t, r.errors)
	var leaves []int64
	seen := map[string]bool{}
	for _, e := range r.taken {
		if !seen[e.ID] {
			seen[e.ID] = true
			leaf, err := e.Leaf()
			require.NoError(t, err)
			leaves = append(leaves, leaf)
		}
	}
	return leaves
}

func increasing(t *testing.T, leaves []int64) {
	t.Helper()
	for i := 1; i < len(leaves); i++ {
		require.Greater(t, leaves[i], leaves[i-1], "%v", leaves)
	}
}

// createWebhook creates one through the command line and tells the receiver its
// secret, before which it refuses everything.
func createWebhook(t *testing.T, s *stack, r *receiver, args ...string) client.CreatedWebhook {
	t.Helper()
	var created client.CreatedWebhook
	r.set(func(r *receiver) { r.broken = true })
	result := s.cli(t, append([]string{"webhook", "create", r.url, "-o", "json"}, args...)...)
	require.Zero(t, result.code, result.err)
	require.NoError(t, json.Unmarshal([]byte(result.out), &created))
	r.set(func(r *receiver) { r.secret, r.broken, r.errors = created.Secret, false, nil })
	return created
}

// events waits until there are so many events of a type, and returns them.
func (s *stack) events(t *testing.T, after int64, eventType string, count int) (page client.EventList) {
	t.Helper()
	eventually(t, "the events are there", func() bool {
		var err error
		page, err = s.orgo.EventPage(t.Context(), client.EventQuery{After: &after, Types: []string{eventType}}, 100)
		require.NoError(t, err)
		return len(page.Events) >= count
	})
	require.Len(t, page.Events, count)
	return page
}

func (s *stack) webhook(t *testing.T, id string) event.WebhookStatus {
	t.Helper()
	status, err := s.orgo.Webhook(t.Context(), id)
	require.NoError(t, err)
	return status
}

// TestWebhooksSendEveryEventInOrder has a receiver that is away for a while, and
// kills the stack.
func TestWebhooksSendEveryEventInOrder(t *testing.T) {
	t.Parallel()
	s, r := newStack(t), newReceiver(t)
	created := createWebhook(t, s, r, "--type", "orgo.stage.finished")
	const stages = 5
	build := func(key string) {
		s.end(t, s.begin(t, demoRequest(t, s, demoCorpus), key), records.BuildPassed)
	}
	build("first")
	eventually(t, "the first build's events are there", func() bool { return len(r.distinct(t)) == stages })
	r.set(func(r *receiver) { r.broken = true })
	build("second")
	eventually(t, "an event is not taken", func() bool { return s.webhook(t, created.ID).Attempts > 0 })
	s.restart(t)
	r.set(func(r *receiver) { r.broken = false })
	build("third")
	eventually(t, "all events are there", func() bool { return len(r.distinct(t)) == 3*stages })
	increasing(t, r.distinct(t))

	again := createWebhook(t, s, r, "--type", "orgo.stage.finished")
	require.Equal(t, created, again, "the same request is the same webhook")
	result := s.cli(t, "webhook", "create", r.url, "--type", "orgo.gate.*")
	require.Equal(t, 1, result.code)
	require.Contains(t, result.err, "IDEMPOTENCY_KEY_REUSED")
	result = s.cli(t, "webhook", "create", "http://example.org/")
	require.Equal(t, 1, result.code)
	require.Contains(t, result.err, "body.url")
}

// TestWebhooksSetAsideWhatIsNotTaken has a receiver that never takes one event. The
// others follow; a redrive brings the one.
func TestWebhooksSetAsideWhatIsNotTaken(t *testing.T) {
	t.Parallel()
	s, r := newStack(t), newReceiver(t)
	id := s.begin(t, demoRequest(t, s, demoCorpus), "build")
	s.end(t, id, records.BuildPassed)
	after := client.FromTheBeginning
	// An entry has its leaf some milliseconds after it was recorded.
	page := s.events(t, after, "orgo.stage.finished", 5)
	r.set(func(r *receiver) { r.refused = page.Events[1].ID })
	created := createWebhook(t, s, r, "--type", "orgo.stage.finished", "--max-attempts", "2", "--idempotency-key", "aside")
	eventually(t, "the others are there", func() bool { return len(r.distinct(t)) == 4 })
	increasing(t, r.distinct(t))
	status := s.webhook(t, created.ID)
	require.Len(t, status.DeadLetters, 1)
	require.Equal(t, page.Events[1].ID, status.DeadLetters[0].EntryID)
	require.Contains(t, status.DeadLetters[0].Error, "503")

	result := s.cli(t, "webhook", "get", created.ID)
	require.Contains(t, result.out, "set aside: leaf "+strconv.FormatInt(status.DeadLetters[0].Leaf, 10))
	r.set(func(r *receiver) { r.refused = "" })
	result = s.cli(t, "webhook", "redrive", created.ID, "--reason", "mended")
	require.Zero(t, result.code, result.err)
	eventually(t, "the one is there, too", func() bool { return len(r.distinct(t)) == 5 })
	eventually(t, "nothing is set aside", func() bool { return len(s.webhook(t, created.ID).DeadLetters) == 0 })

	result = s.cli(t, "webhook", "delete", created.ID, "--reason", "no longer needed")
	require.Zero(t, result.code, result.err)
	require.True(t, s.webhook(t, created.ID).Deleted)
	result = s.cli(t, "webhook", "delete", created.ID, "--reason", "again")
	require.Equal(t, 1, result.code)
	require.Contains(t, result.err, "INVALID_TRANSITION")
	eventually(t, "no webhook is served", func() bool {
		list, err := s.orgo.Webhooks(t.Context())
		return err == nil && len(list.Webhooks) == 0
	})
	page = s.events(t, after, "orgo.webhook.*", 4)
	var types []string
	for _, e := range page.Events {
		types = append(types, e.Type)
	}
	require.Equal(t, []string{event.TypeWebhookCreated, event.TypeWebhookDeadLettered, event.TypeWebhookRedriven, event.TypeWebhookDeleted}, types)
}
