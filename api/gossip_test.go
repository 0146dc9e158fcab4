package api_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store/storetest"
)

// gossiper is a caller that keeps what it saw of a log.
type gossiper struct {
	signer note.Signer
	key    string // file
}

func newGossiper(t *testing.T) gossiper {
	t.Helper()
	private, public, err := note.GenerateKey(nil, storetest.LogOrigin)
	require.NoError(t, err)
	g := gossiper{key: filepath.Join(t.TempDir(), "ledger.key.pub")}
	g.signer, err = note.NewSigner(private)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(g.key, []byte(public+"\n"), 0o600))
	return g
}

// ask calls a server as a program does that was just started.
func (g gossiper) ask(t *testing.T, s *apitest.Stack) error {
	t.Helper()
	log, err := client.OpenLog(g.key)
	require.NoError(t, err)
	c, err := client.New(client.Options{URL: s.URL, Token: apitest.TokenAlice, Log: log})
	require.NoError(t, err)
	_, err = c.Builds(t.Context(), client.ListQuery{})
	return err
}

func (g gossiper) grow(t *testing.T, s *apitest.Stack, subject string, entries int) {
	t.Helper()
	for i := range entries {
		jot(t, s, records.DefaultOrganization, subject, fmt.Sprint(i))
	}
	require.NoError(t, storetest.Sequencer(t, s.Store, g.signer, nil).Drain(context.WithoutCancel(t.Context())))
}

func requireForeign(t *testing.T, err error, what string) {
	t.Helper()
	var foreign *client.LogError
	require.ErrorAs(t, err, &foreign)
	require.ErrorContains(t, err, what)
}

func TestALogThatGrowsIsTaken(t *testing.T) {
	t.Parallel()
	g, s := newGossiper(t), apitest.New(t)
	require.NoError(t, g.ask(t, s), "an empty log")
	for i := range 3 {
		g.grow(t, s, fmt.Sprint(i), 3+i)
		// A server shows a checkpoint that is up to a second old.
		fresh := apitest.Over(t, s)
		require.NoError(t, g.ask(t, fresh))
	}
	kept, err := os.ReadFile(g.key + ".checkpoint")
	require.NoError(t, err)
	newest, err := s.Store.Checkpoint(t.Context())
	require.NoError(t, err)
	require.Equal(t, string(newest), string(kept))
	require.NoError(t, g.ask(t, s), "an older checkpoint of the same log")
}

// TestALogThatDoesNotExtendWhatWasSeenIsRefused shows a caller every way in which a
// log, signed with the right key, can be another one.
func TestALogThatDoesNotExtendWhatWasSeenIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entries int
		subject string
		what    string
	}{
		"emptied":          {0, "a", "showed no checkpoint"},
		"set back":         {3, "a", "does not extend"},
		"forked, as large": {5, "b", "different roots"},
		"forked, larger":   {9, "b", "the proof is wrong"},
		"forked, smaller":  {4, "b", "does not extend"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, s, other := newGossiper(t), apitest.New(t), apitest.New(t)
			g.grow(t, s, "a", 5)
			require.NoError(t, g.ask(t, s))
			if c.entries > 0 {
				g.grow(t, other, c.subject, c.entries)
			}
			requireForeign(t, g.ask(t, other), c.what)
			requireForeign(t, g.ask(t, other), c.what) // and stays refused
			require.NoError(t, g.ask(t, s))
		})
	}
}

func TestACheckpointByAnotherKeyIsRefused(t *testing.T) {
	t.Parallel()
	g, other, s := newGossiper(t), newGossiper(t), apitest.New(t)
	other.grow(t, s, "a", 1)
	requireForeign(t, g.ask(t, s), "not a checkpoint of this log")
}

func TestCheckpointsAreOnlyOnTheAPI(t *testing.T) {
	t.Parallel()
	g, s := newGossiper(t), apitest.New(t)
	g.grow(t, s, "a", 1)
	answer, _ := request{method: http.MethodGet, path: "/healthz", token: "none"}.send(t, s)
	require.Empty(t, answer.Header.Get(client.CheckpointHeader))
	answer, _ = request{method: http.MethodGet, path: "/v1/builds"}.send(t, s)
	require.NotEmpty(t, answer.Header.Get(client.CheckpointHeader))
}
