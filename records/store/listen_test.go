package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/store/storetest"
)

// TestLeavesOfAnotherProcessAreHeardOf has one store sequence and another listen,
// also after the listener's connection was cut.
func TestLeavesOfAnotherProcessAreHeardOf(t *testing.T) {
	t.Parallel()
	db := newPostgres(t)
	writer, reader := storetest.Open(t, db.DSN), storetest.Open(t, db.DSN)
	require.NoError(t, writer.Migrate(t.Context()))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); reader.Listen(ctx) }()
	defer func() { stop(); <-ended }()

	signer, _ := storetest.LogKey(t)
	sequencer := storetest.Sequencer(t, writer, signer, nil)
	heard := func(name string) {
		t.Helper()
		added := reader.Sequenced()
		_, err := writer.Append(t.Context(), storetest.Note(t, crashOrganization, "note", "n", name))
		require.NoError(t, err)
		require.NoError(t, sequencer.Drain(t.Context()))
		select {
		case <-added:
		case <-time.After(20 * time.Second):
			t.Fatal("the other process heard nothing")
		}
	}
	listening := func() (count int) {
		require.NoError(t, db.Raw.QueryRow(`SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND query ILIKE 'LISTEN%'`).Scan(&count))
		return count
	}
	require.Eventually(t, func() bool { return listening() == 1 }, 20*time.Second, 10*time.Millisecond)
	heard("first")
	heard("second")
	_, err := db.Raw.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND query ILIKE 'LISTEN%'`)
	require.NoError(t, err)
	heard("after the cut") // at the latest when the listener is back
	require.Eventually(t, func() bool { return listening() == 1 }, 20*time.Second, 10*time.Millisecond)
	heard("and on")
}
