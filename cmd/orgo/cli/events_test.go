package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/cmd/orgo/cli"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store/storetest"
)

// jot records notes and gives them leaves.
func (b *bench) jot(t *testing.T, subject string, count int) {
	t.Helper()
	for i := range count {
		_, err := b.Store.Append(t.Context(), storetest.Note(t, records.DefaultOrganization, "note", subject, fmt.Sprint(i)))
		require.NoError(t, err)
	}
	signer, _ := storetest.LogKey(t)
	require.NoError(t, storetest.Sequencer(t, b.Store, signer, nil).Drain(t.Context()))
}

func TestEventsTailPrintsWhatIsThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.jot(t, "a", 3)
	r := b.orgo(t, "events", "tail", "--follow=false")
	require.Zero(t, r.code, r.err)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	require.Len(t, lines, 3)
	require.Regexp(t, `^0  \d{4}-.*Z  orgo.note.written +note/a$`, lines[0])
	require.Contains(t, r.err, "to go on: orgo events tail --after 2")

	b.jot(t, "b", 1)
	r = b.orgo(t, "events", "tail", "--follow=false", "--after", "2", "-o", "json")
	require.Zero(t, r.code, r.err)
	var event client.Event
	require.NoError(t, json.Unmarshal([]byte(r.out), &event))
	require.Equal(t, "note/b", event.Subject)
	require.JSONEq(t, `{"next":3}`, r.err)
}

func TestEventsTailFollows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out buffer
	done := make(chan int, 1)
	go func() {
		args := []string{"--data", b.data, "events", "tail", "--after", "-1", "--subject", "note/b"}
		done <- cli.Run(ctx, args, cli.Streams{Out: &out, Err: io.Discard})
	}()
	b.jot(t, "a", 1)
	b.jot(t, "b", 1)
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "note/b") }, 10*time.Second, 5*time.Millisecond)
	require.NotContains(t, out.String(), "note/a")
	interrupt()
	require.Zero(t, <-done, "an interrupt is how a tail is meant to end")
}

func TestEventsTailBadCursors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.jot(t, "a", 1)
	r := b.orgo(t, "events", "tail", "--after", "-2")
	require.Equal(t, 2, r.code)
	r = b.orgo(t, "events", "tail", "--after", "77")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "EVENT_CURSOR_UNKNOWN")
	require.Contains(t, r.err, "orgo audit verify")
}
