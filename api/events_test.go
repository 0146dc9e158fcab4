package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store/storetest"
)

// ends keeps how streams ended.
type ends struct {
	mu   sync.Mutex
	open int
	sent int
	seen []api.StreamEnd
}

func (e *ends) StreamOpened() { e.mu.Lock(); defer e.mu.Unlock(); e.open++ }
func (e *ends) EventSent()    { e.mu.Lock(); defer e.mu.Unlock(); e.sent++ }
func (e *ends) StreamEnded(end api.StreamEnd) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open--
	e.seen = append(e.seen, end)
}

func (e *ends) all() []api.StreamEnd {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]api.StreamEnd{}, e.seen...)
}

func (e *ends) opened() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.open + len(e.seen)
}

// sequence gives every entry that is there, and every one to come, a leaf.
func sequence(t *testing.T, s *apitest.Stack) {
	t.Helper()
	signer, _ := storetest.LogKey(t)
	sequencer := storetest.Sequencer(t, s.Store, signer, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); sequencer.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
}

func jot(t *testing.T, s *apitest.Stack, organization, id, discriminator string) records.Entry {
	t.Helper()
	entry := storetest.Note(t, organization, "note", id, discriminator)
	_, err := s.Store.Append(t.Context(), entry)
	require.NoError(t, err)
	return entry
}

func connect(t *testing.T, s *apitest.Stack, token string) *client.Client {
	t.Helper()
	c, err := client.New(client.Options{URL: s.URL, Token: token})
	require.NoError(t, err)
	return c
}

var beginning = client.FromTheBeginning

// TestStreamIsCompleteAndOrdered reads the stream while many write and while
// every connection is cut again and again.
func TestStreamIsCompleteAndOrdered(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 60
	s := apitest.New(t, func(c *api.Config) { c.Limits.EventPoll = 20 * time.Millisecond })
	sequence(t, s)
	var crowd sync.WaitGroup
	for w := range writers {
		crowd.Go(func() {
			for i := range each {
				organization := records.DefaultOrganization
				if i%3 == 2 {
					organization = apitest.OtherOrg
				}
				entry := storetest.Note(t, organization, "note", fmt.Sprint(w), fmt.Sprint(i))
				if _, err := s.Store.Append(t.Context(), entry); err != nil {
					t.Error(err)
				}
			}
		})
	}
	stop := make(chan struct{})
	var cuts atomic.Int64
	var cutter sync.WaitGroup
	cutter.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(30 * time.Millisecond):
				s.Cut()
				cuts.Add(1)
			}
		}
	})
	const want = writers * each * 2 / 3
	var got []client.Event
	for event, err := range connect(t, s, apitest.TokenAlice).Events(t.Context(), client.EventQuery{After: &beginning}) {
		require.NoError(t, err)
		got = append(got, event)
		if len(got) == want {
			break
		}
		if len(got)%20 == 0 {
			before := cuts.Load() // so that there is something to cut
			require.Eventually(t, func() bool { return cuts.Load() > before }, 10*time.Second, time.Millisecond)
		}
	}
	close(stop)
	cutter.Wait()
	crowd.Wait()
	require.Greater(t, cuts.Load(), int64(3))

	ids, last := map[string]bool{}, client.FromTheBeginning
	for _, event := range got {
		leaf, err := event.Leaf()
		require.NoError(t, err)
		require.Greater(t, leaf, last)
		last = leaf
		ids[event.ID] = true
		require.Equal(t, "/orgs/"+records.DefaultOrganization, event.Source)
	}
	require.Len(t, ids, want)
}

func TestEventIsACloudEvent(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	sequence(t, s)
	entry := jot(t, s, records.DefaultOrganization, "n", "a")
	for event, err := range connect(t, s, apitest.TokenAlice).Events(t.Context(), client.EventQuery{After: &beginning}) {
		require.NoError(t, err)
		encoded, err := json.Marshal(event)
		require.NoError(t, err)
		var fields map[string]any
		require.NoError(t, json.Unmarshal(encoded, &fields))
		require.Equal(t, "1.0", fields["specversion"])
		require.Equal(t, entry.ID, fields["id"])
		require.Equal(t, entry.Type, fields["type"])
		require.Equal(t, "note/n", fields["subject"])
		require.Equal(t, "0", fields["orgosequence"])
		require.Equal(t, "application/json", fields["datacontenttype"])
		for name := range fields {
			require.Regexp(t, `^[a-z0-9]{1,20}$`, name, "CloudEvents 1.0 section 3.1 allows no other names")
		}
		return
	}
}

func TestPagesAndFilters(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	signer, _ := storetest.LogKey(t)
	for i := range 5 {
		jot(t, s, records.DefaultOrganization, "n", fmt.Sprint(i))
		jot(t, s, apitest.OtherOrg, "n", fmt.Sprint(i))
	}
	last := jot(t, s, records.DefaultOrganization, "m", "x")
	require.NoError(t, storetest.Sequencer(t, s.Store, signer, nil).Drain(t.Context()))
	alice := connect(t, s, apitest.TokenAlice)

	var ids []string
	query := client.EventQuery{After: &beginning}
	for more := true; more; {
		page, err := alice.EventPage(t.Context(), query, 2)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Events), 2)
		for _, event := range page.Events {
			ids = append(ids, event.ID)
		}
		query.After, more = &page.Next, page.More
	}
	require.Len(t, ids, 6, "and none of the other organization")
	require.EqualValues(t, 10, *query.After)

	for name, c := range map[string]struct {
		query client.EventQuery
		want  int
	}{
		"type":            {client.EventQuery{Types: []string{last.Type}}, 6},
		"types below":     {client.EventQuery{Types: []string{"orgo.*"}}, 6},
		"another type":    {client.EventQuery{Types: []string{"orgo.build.started", "orgo.stage.*"}}, 0},
		"subject":         {client.EventQuery{Subject: "note/m"}, 1},
		"another subject": {client.EventQuery{Subject: "build/m"}, 0},
		"channel":         {client.EventQuery{Channel: "stable"}, 0},
	} {
		c.query.After = &beginning
		page, err := alice.EventPage(t.Context(), c.query, 100)
		require.NoError(t, err, name)
		require.Len(t, page.Events, c.want, name)
	}
	page, err := alice.EventPage(t.Context(), client.EventQuery{}, 100)
	require.NoError(t, err)
	require.Empty(t, page.Events, "without a cursor there is only what is to come")
	require.EqualValues(t, 10, page.Next)
}

func TestBadEventQueries(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	for path, want := range map[string]struct {
		code  gates.Code
		place string
	}{
		"?after=x":              {gates.RequestInvalid, "query.after"},
		"?after=-2":             {gates.RequestInvalid, "query.after"},
		"?after=0":              {gates.EventCursorUnknown, ""},
		"?after=7":              {gates.EventCursorUnknown, ""},
		"?type=Orgo.x":          {gates.RequestInvalid, "query.type"},
		"?type=*":               {gates.RequestInvalid, "query.type"},
		"?subject=build":        {gates.RequestInvalid, "query.subject"},
		"?limit=0":              {gates.RequestInvalid, "query.limit"},
		"?limit=1001":           {gates.RequestInvalid, "query.limit"},
		"?limit=1&unknown=true": {gates.RequestInvalid, "query.unknown"},
	} {
		problem := request{method: "GET", path: "/v1/events" + path}.problem(t, s)
		require.Equal(t, string(want.code), problem.ReasonCode, path)
		if want.place != "" {
			require.NotEmpty(t, problem.Errors, path)
			require.Equal(t, want.place, problem.Errors[0].Location, path)
		}
	}
	require.Equal(t, 401, request{method: "GET", path: "/v1/events", token: "none"}.problem(t, s).Status)
	problem := request{method: "GET", path: "/v1/events", header: map[string]string{"Last-Event-ID": "9"}}.problem(t, s)
	require.Equal(t, string(gates.EventCursorUnknown), problem.ReasonCode)
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	observer := &ends{}
	s := apitest.New(t, func(c *api.Config) { c.Streams, c.Limits.Streams = observer, 1 })
	first := followRaw(t, s)
	require.Eventually(t, func() bool { return observer.opened() == 1 }, 5*time.Second, time.Millisecond)
	problem := request{method: "GET", path: "/v1/events"}.problem(t, s)
	require.Equal(t, http.StatusTooManyRequests, problem.Status)
	require.Equal(t, string(gates.TooManyStreams), problem.ReasonCode)

	// A page takes no place, and a place is free again once its consumer left.
	_, err := connect(t, s, apitest.TokenAlice).EventPage(t.Context(), client.EventQuery{}, 1)
	require.NoError(t, err)
	require.NoError(t, first.Close())
	require.Eventually(t, func() bool { return len(observer.all()) == 1 }, 5*time.Second, time.Millisecond)
	require.Equal(t, []api.StreamEnd{api.StreamLeft}, observer.all())
	followRaw(t, s)
	require.Eventually(t, func() bool { return observer.opened() == 2 }, 5*time.Second, time.Millisecond)
}

// followRaw opens a stream from the beginning that nobody reads.
func followRaw(t *testing.T, s *apitest.Stack) net.Conn {
	t.Helper()
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
	require.NoError(t, err)
	require.NoError(t, connection.(*net.TCPConn).SetReadBuffer(4096))
	t.Cleanup(func() { _ = connection.Close() })
	_, err = fmt.Fprintf(connection, "GET /v1/events?after=-1 HTTP/1.1\r\nHost: orgo\r\nAuthorization: Bearer %s\r\n\r\n", apitest.TokenAlice)
	require.NoError(t, err)
	return connection
}

// TestSlowConsumerIsCutOff leaves a stream unread until the connection holds no
// more. A consumer that reads is not cut off by it.
func TestSlowConsumerIsCutOff(t *testing.T) {
	t.Parallel()
	observer := &ends{}
	s := apitest.New(t, func(c *api.Config) { c.Streams, c.Limits.EventWrite = observer, 300*time.Millisecond })
	signer, _ := storetest.LogKey(t)
	const entries = 40
	for i := range entries {
		entry := storetest.Note(t, records.DefaultOrganization, "note", "n", fmt.Sprint(i))
		entry.Reason = strings.Repeat("long ", 100_000)
		_, err := s.Store.Append(t.Context(), entry)
		require.NoError(t, err)
	}
	require.NoError(t, storetest.Sequencer(t, s.Store, signer, nil).Drain(t.Context()))
	followRaw(t, s)
	read := 0
	for _, err := range connect(t, s, apitest.TokenAlice).Events(t.Context(), client.EventQuery{After: &beginning}) {
		require.NoError(t, err)
		if read++; read == entries {
			break
		}
	}
	require.Eventually(t, func() bool {
		for _, end := range observer.all() {
			if end == api.StreamSlow {
				return true
			}
		}
		return false
	}, 10*time.Second, 10*time.Millisecond)
}

// TestStreamsEndWithTheServer shuts a server down that has an open stream. With
// an ordinary base context the stream would hold it up until its time is over.
func TestStreamsEndWithTheServer(t *testing.T) {
	t.Parallel()
	observer := &ends{}
	var config api.Config
	apitest.New(t, func(c *api.Config) { c.Streams = observer; config = *c })
	handler, err := api.New(config)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	server := &http.Server{Handler: handler, BaseContext: func(net.Listener) context.Context { return api.BaseContext(ctx) }}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(listener) }()
	followRaw(t, &apitest.Stack{URL: "http://" + listener.Addr().String()})
	require.Eventually(t, func() bool { return observer.opened() == 1 }, 5*time.Second, time.Millisecond)
	stop()
	patience, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	require.NoError(t, server.Shutdown(patience))
	require.Equal(t, []api.StreamEnd{api.StreamStopped}, observer.all())
}
