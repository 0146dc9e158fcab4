package client_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
)

// stream serves one text after the other, each on a connection of its own that
// then breaks, and keeps the cursors that it was asked with.
type stream struct {
	texts   []string
	served  atomic.Int64
	cursors []string
}

func (s *stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := int(s.served.Add(1)) - 1
	s.cursors = append(s.cursors, r.Header.Get("Last-Event-ID"))
	if n >= len(s.texts) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, s.texts[n])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func event(leaf int) string {
	return fmt.Sprintf("id: %d\nevent: t\ndata: {\"id\":\"e%d\",\"orgosequence\":\"%d\"}\n\n", leaf, leaf, leaf)
}

// follow returns the leaves that a client yields, and what ended them.
func follow(t *testing.T, s *stream, after *int64) (leaves []int64, err error) {
	t.Helper()
	for event, err := range serve(t, s).Events(t.Context(), client.EventQuery{After: after}) {
		if err != nil {
			return leaves, err
		}
		leaf, err := event.Leaf()
		require.NoError(t, err)
		leaves = append(leaves, leaf)
	}
	return leaves, nil
}

func TestEventsGoOnWhereTheyBroke(t *testing.T) {
	t.Parallel()
	s := &stream{texts: []string{
		": stream\nid: 4\n\n" + event(5) + event(9) + "id: 11\nevent: t\ndata: {\"id\":\"e1",
		": heartbeat\nid: 30\n\n",
		event(31),
	}}
	leaves, err := follow(t, s, nil)
	var problem *client.Problem
	require.ErrorAs(t, err, &problem)
	require.Equal(t, http.StatusNotFound, problem.Status)
	require.Equal(t, []int64{5, 9, 31}, leaves, "half an event is none")
	require.Equal(t, []string{"", "9", "30", "31"}, s.cursors)
}

// TestEventsOutOfOrderAreRefused plants every way in which a server can repeat or
// turn back.
func TestEventsOutOfOrderAreRefused(t *testing.T) {
	t.Parallel()
	six := int64(6)
	for name, c := range map[string]struct {
		after  *int64
		texts  []string
		leaves []int64
	}{
		"twice":                     {nil, []string{event(5) + event(5)}, []int64{5}},
		"back":                      {nil, []string{event(5) + event(4)}, []int64{5}},
		"twice after a break":       {nil, []string{event(5), event(5)}, []int64{5}},
		"not after what was asked":  {&six, []string{event(6)}, nil},
		"a cursor that turns back":  {nil, []string{event(5) + ": heartbeat\nid: 3\n\n"}, []int64{5}},
		"below the first heartbeat": {nil, []string{": stream\nid: 8\n\n" + event(8)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leaves, err := follow(t, &stream{texts: c.texts}, c.after)
			var order *client.EventOrderError
			require.ErrorAs(t, err, &order)
			require.Equal(t, c.leaves, leaves)
		})
	}
}

func TestEventsThatContradictThemselvesAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Replace(event(5), "id: 5", "id: 6", 1),
		strings.Replace(event(5), "id: 5", "id: five", 1),
		"id: 5\ndata: {\n\n",
	} {
		leaves, err := follow(t, &stream{texts: []string{text}}, nil)
		require.Error(t, err)
		require.Empty(t, leaves)
	}
}
