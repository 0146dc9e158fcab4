package stack

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// A server does not start without the public half of its ledger key, which it announces and
// checks its log with, and says what to do.
func TestTheLogIsCheckedWithItsPublicKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.SQLiteDSN(filepath.Join(dir, "orgo.db")))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	key := filepath.Join(dir, "ledger.key")
	require.NoError(t, CreateLedgerKey(key, "orgo.test/ledger"))
	log := slog.New(slog.DiscardHandler)
	with := func(every time.Duration) *Stack {
		return &Stack{store: s, observer: NewObserver(log), settings: Settings{
			Organization: records.DefaultOrganization, LedgerKey: key, LedgerCheckEvery: every, Log: log,
		}}
	}

	k := with(time.Hour)
	check, err := k.LedgerCheck()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); check(ctx) }()
	require.Eventually(t, func() bool {
		return strings.Contains(scraped(k.observer.Registry()), "orgo_ledger_checks_total{result=\"whole\"} 1\n")
	}, time.Minute, 10*time.Millisecond)
	cancel()
	<-ended

	require.NoError(t, os.Remove(key+publicSuffix))
	_, err = with(time.Hour).LedgerCheck()
	require.ErrorContains(t, err, key+publicSuffix)
	require.ErrorContains(t, err, "put it beside the ledger key")
	require.ErrorContains(t, with(0).announce(t.Context()), "put it beside the ledger key")
	check, err = with(0).LedgerCheck()
	require.NoError(t, err)
	check(t.Context())
}
