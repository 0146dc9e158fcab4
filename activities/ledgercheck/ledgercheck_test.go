package ledgercheck_test

import (
	"database/sql"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/activities/ledgercheck"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

// seen is how the last check went.
type seen struct {
	leaves   int64
	problems int
	err      error
}

func (s *seen) Checked(leaves int64, problems int, _ time.Time, err error) {
	*s = seen{leaves, problems, err}
}

type clock struct{ now time.Time }

func (c *clock) Now() time.Time {
	c.now = c.now.Add(time.Minute)
	return c.now
}

// bench is a log that is checked.
type bench struct {
	raw       *sql.DB // of whoever has the file
	store     *store.Store
	sequencer *store.Sequencer
	verifier  note.Verifier
	seen      seen
	clock     clock
}

func setup(t *testing.T) *bench {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orgo.db")
	b := &bench{store: storetest.Open(t, store.SQLiteDSN(path)), clock: clock{time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)}}
	require.NoError(t, b.store.Migrate(t.Context()))
	var err error
	b.raw, err = sql.Open("sqlite", "file:"+path+"?_busy_timeout=10000")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.raw.Close()) })
	var signer note.Signer
	signer, b.verifier = storetest.LogKey(t)
	b.sequencer = storetest.Sequencer(t, b.store, signer, nil)
	return b
}

// checker is another process each time.
func (b *bench) checker(t *testing.T) *ledgercheck.Checker {
	t.Helper()
	c, err := ledgercheck.New(ledgercheck.Options{
		Store: b.store, Origin: storetest.LogOrigin, Verifiers: note.VerifierList(b.verifier), Organization: "o",
		Every: time.Hour, Clock: &b.clock, Observer: &b.seen, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return c
}

func (b *bench) fill(t *testing.T, build string) {
	t.Helper()
	for _, group := range storetest.NewBuilder(t, "o", build).Life() {
		_, err := b.store.Append(t.Context(), group...)
		require.NoError(t, err)
	}
	require.NoError(t, b.sequencer.Drain(t.Context()))
}

// said are the entries that tell what is wrong.
func (b *bench) said(t *testing.T) []store.Stored {
	t.Helper()
	entries, err := b.store.Entries(t.Context(), "o", records.Subject{Kind: records.SubjectLedger, ID: storetest.LogOrigin}, store.EntryQuery{})
	require.NoError(t, err)
	return entries
}

func (b *bench) execute(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		_, err := b.raw.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

func TestALogThatIsWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.checker(t)
	require.NoError(t, c.Check(t.Context()))
	require.Equal(t, seen{}, b.seen, "there is no log yet")
	for _, build := range []string{"1", "2"} {
		b.fill(t, build)
		require.NoError(t, c.Check(t.Context()))
		require.Positive(t, b.seen.leaves)
		require.Zero(t, b.seen.problems)
	}
	require.Empty(t, b.said(t))
}

// What is wrong is said once, however often it is found, and by whom.
func TestALogThatWasTamperedWith(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, "1")
	first := b.checker(t)
	require.NoError(t, first.Check(t.Context()))
	b.execute(t, `DROP TRIGGER entries_no_update`, `UPDATE entries SET reason = reason || 'x' WHERE sequence = 3`)
	for _, c := range []*ledgercheck.Checker{first, first, b.checker(t)} {
		require.NoError(t, c.Check(t.Context()))
		require.Positive(t, b.seen.problems)
	}
	said := b.said(t)
	require.Len(t, said, 1)
	require.Equal(t, []string{string(gates.LedgerTampered)}, said[0].Codes)
	var body records.LedgerTampered
	require.NoError(t, json.Unmarshal(said[0].Body, &body))
	require.Contains(t, body.Problems[0], "leaf 2, entry ")
	require.Equal(t, body.Problems[0], said[0].Reason)

	b.execute(t, `UPDATE entries SET reason = reason || 'x' WHERE sequence = 4`)
	require.NoError(t, first.Check(t.Context()))
	require.Len(t, b.said(t), 2, "something else is wrong now")
}

// A read model is checked, too.
func TestAReadModelThatWasTamperedWith(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, "1")
	b.execute(t, `UPDATE builds SET state = 'BLOCKED'`)
	require.NoError(t, b.checker(t).Check(t.Context()))
	require.Equal(t, 1, b.seen.problems)
	require.Contains(t, b.said(t)[0].Reason, "build ")
}

// Whoever has seen a longer log finds that it was set back; nobody else can.
func TestALogThatWasSetBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, "1")
	copied := filepath.Join(t.TempDir(), "copy.db")
	b.execute(t, `VACUUM INTO '`+copied+`'`)
	b.fill(t, "2")
	c := b.checker(t)
	require.NoError(t, c.Check(t.Context()))
	require.Zero(t, b.seen.problems)

	c.Store = storetest.Open(t, store.SQLiteDSN(copied))
	require.NoError(t, c.Check(t.Context()))
	require.Equal(t, 1, b.seen.problems)
	other := b.checker(t)
	other.Store = c.Store
	require.NoError(t, other.Check(t.Context()))
	require.Zero(t, b.seen.problems, "its first look")
}

func TestAStoreThatIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, "1")
	c := b.checker(t)
	away, err := store.Open(t.Context(), store.SQLiteDSN(filepath.Join(t.TempDir(), "away.db")))
	require.NoError(t, err)
	require.NoError(t, away.Close())
	c.Store = away
	require.Error(t, c.Check(t.Context()))
	require.Error(t, b.seen.err)
}

func TestACheckerNeedsEverything(t *testing.T) {
	t.Parallel()
	_, err := ledgercheck.New(ledgercheck.Options{})
	require.Error(t, err)
}
