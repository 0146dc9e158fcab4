package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

var sequencing = map[string]func(*testing.T, fixture){
	"every entry gets one leaf, those of a subject in order": testSequenceAll,
	"two sequencers give no leaf twice":                      testSequenceTwice,
	"a writer never waits for the sequencer":                 testSequenceStopped,
	"an entry older than the ledger gets its leaf":           testSequenceOld,
	"a running sequencer is woken by an append":              testSequenceRun,
	"the key that signs is rotated with an overlap":          testRotate,
	"leaves and checkpoints are append-only":                 testLedgerAppendOnly,
}

// LogOrigin names the logs of tests.
const LogOrigin = "orgo.test/ledger"

// LogKey is a signing key for the checkpoints of tests, and its other half.
func LogKey(t testing.TB) (note.Signer, note.Verifier) {
	t.Helper()
	private, public, err := note.GenerateKey(nil, LogOrigin)
	require.NoError(t, err)
	signer, err := note.NewSigner(private)
	require.NoError(t, err)
	verifier, err := note.NewVerifier(public)
	require.NoError(t, err)
	return signer, verifier
}

// Sequencer returns a sequencer for s that signs with signer.
func Sequencer(t testing.TB, s *store.Store, signer note.Signer, observe func(store.Round)) *store.Sequencer {
	t.Helper()
	sequencer, err := s.NewSequencer(store.SequencerOptions{
		Origin: LogOrigin, Signers: []note.Signer{signer}, Now: time.Now, Observe: observe,
	})
	require.NoError(t, err)
	return sequencer
}

// fill appends lives of builds of two organizations and returns how many entries
// they have.
func fill(t testing.TB, s *store.Store, builds int) int64 {
	t.Helper()
	var entries int64
	for i := range builds {
		for _, organization := range []string{acme, other} {
			for _, group := range NewBuilder(t, organization, fmt.Sprintf("filled %d", i)).Life() {
				must(s.Append(t.Context(), group...))(t)
				entries += int64(len(group))
			}
		}
	}
	return entries
}

func testSequenceAll(t *testing.T, f fixture) {
	signer, verifier := LogKey(t)
	sequencer := Sequencer(t, f.store, signer, nil)
	require.NoError(t, sequencer.Drain(t.Context()))
	_, err := f.store.Checkpoint(t.Context())
	require.ErrorIs(t, err, store.ErrNotFound)

	want := fill(t, f.store, 3)
	require.Equal(t, want, must(f.store.InboxSize(t.Context()))(t))
	require.NoError(t, sequencer.Drain(t.Context()))
	want += fill2(t, f.store)
	require.NoError(t, sequencer.Drain(t.Context()))
	require.Zero(t, must(f.store.InboxSize(t.Context()))(t))
	require.Equal(t, want, must(f.store.LogSize(t.Context()))(t))
	requireDense(t, f.store, want)
	requireTrue(t, f.store, verifier)

	// A sequencer of another process goes on where this one was.
	must(f.store.Append(t.Context(), Note(t, acme, "note", "later", "1")))(t)
	require.NoError(t, Sequencer(t, f.store, signer, nil).Drain(t.Context()))
	must(f.store.Append(t.Context(), Note(t, acme, "note", "later", "2")))(t)
	require.NoError(t, sequencer.Drain(t.Context()))
	requireDense(t, f.store, want+2)
	requireTrue(t, f.store, verifier)
}

// fill2 appends a few more entries.
func fill2(t testing.TB, s *store.Store) int64 {
	t.Helper()
	for i := range 5 {
		must(s.Append(t.Context(), Note(t, acme, "note", "n", fmt.Sprint(i))))(t)
	}
	return 5
}

// requireDense fails unless the organizations' leaves together are 0 … size-1,
// and those of each subject are in order.
func requireDense(t testing.TB, s *store.Store, size int64) {
	t.Helper()
	seen := map[int64]bool{}
	for _, organization := range []string{acme, other} {
		last := map[records.Subject]int64{}
		for from := int64(0); from < size; {
			leaves, next, err := s.Leaves(t.Context(), organization, from, 7)
			require.NoError(t, err)
			require.Greater(t, next, from)
			from = next
			for _, leaf := range leaves {
				require.Equal(t, organization, leaf.Organization)
				require.False(t, seen[leaf.Number], "leaf %d twice", leaf.Number)
				seen[leaf.Number] = true
				require.Equal(t, last[leaf.Subject]+1, leaf.Sequence)
				last[leaf.Subject] = leaf.Sequence
			}
		}
	}
	require.Len(t, seen, int(size))
}

// requireTrue fails unless the whole log is what the entries say.
func requireTrue(t testing.TB, s *store.Store, verifier note.Verifier) {
	t.Helper()
	report, err := s.VerifyLog(context.WithoutCancel(t.Context()), store.VerifyOptions{
		Origin: LogOrigin, Verifiers: note.VerifierList(verifier),
	})
	require.NoError(t, err)
	require.Empty(t, report.Findings)
}

func testSequenceTwice(t *testing.T, f fixture) {
	signer, verifier := LogKey(t)
	second := Open(t, f.DSN)
	var writing, draining sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for _, s := range []*store.Store{f.store, second} {
		draining.Go(func() { Sequencer(t, s, signer, nil).Run(ctx) })
	}
	const writers, each = 4, 25
	for writer := range writers {
		writing.Go(func() {
			for i := range each {
				_, err := f.store.Append(t.Context(), Note(t, acme, "note", fmt.Sprint(writer), fmt.Sprint(i)))
				if err != nil {
					t.Errorf("writer %d: %v", writer, err)
				}
			}
		})
	}
	writing.Wait()
	require.NoError(t, Sequencer(t, second, signer, nil).Drain(t.Context()))
	cancel()
	draining.Wait()
	requireDense(t, f.store, writers*each)
	requireTrue(t, f.store, verifier)
}

func testSequenceStopped(t *testing.T, f fixture) {
	// Nobody sequences: all of this is stored nonetheless.
	want := fill(t, f.store, 2)
	require.Equal(t, want, must(f.store.InboxSize(t.Context()))(t))
	require.Zero(t, must(f.store.LogSize(t.Context()))(t))
}

func testSequenceOld(t *testing.T, f fixture) {
	signer, verifier := LogKey(t)
	want := fill(t, f.store, 1)
	// As the migration leaves them.
	_, err := f.Raw.Exec(`UPDATE ledger_inbox SET leaf_hash = NULL`)
	require.NoError(t, err)
	require.NoError(t, Sequencer(t, f.store, signer, nil).Drain(t.Context()))
	requireDense(t, f.store, want)
	requireTrue(t, f.store, verifier)
}

func testSequenceRun(t *testing.T, f fixture) {
	signer, _ := LogKey(t)
	rounds := make(chan store.Round, 1024)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() {
		Sequencer(t, f.store, signer, func(r store.Round) {
			select {
			case rounds <- r:
			default:
			}
		}).Run(ctx)
	})
	for i := range 3 {
		added := f.store.Sequenced()
		must(f.store.Append(t.Context(), Note(t, acme, "note", "n", fmt.Sprint(i))))(t)
		select {
		case <-added:
		case <-t.Context().Done():
			t.Fatal("the sequencer was not woken")
		}
	}
	require.EqualValues(t, 3, must(f.store.LogSize(t.Context()))(t))
	for {
		round := <-rounds
		require.NoError(t, round.Err)
		if round.Added > 0 {
			require.True(t, round.Leader)
			require.Positive(t, round.Size)
			return
		}
	}
}

func testLedgerAppendOnly(t *testing.T, f fixture) {
	signer, verifier := LogKey(t)
	fill(t, f.store, 1)
	require.NoError(t, Sequencer(t, f.store, signer, nil).Drain(t.Context()))
	for statement, want := range map[string]string{
		`UPDATE ledger_leaves SET hashes = hashes`:                                                               "ledger_leaves is append-only",
		`UPDATE ledger_leaves SET entry_id = 'another' WHERE leaf = 0`:                                           "ledger_leaves is append-only",
		`DELETE FROM ledger_leaves WHERE leaf = 0`:                                                               "ledger_leaves is append-only",
		`DELETE FROM ledger_leaves`:                                                                              "ledger_leaves is append-only",
		`UPDATE ledger_checkpoints SET note = 'another'`:                                                         "ledger_checkpoints is append-only",
		`DELETE FROM ledger_checkpoints`:                                                                         "ledger_checkpoints is append-only",
		`INSERT INTO ledger_leaves SELECT * FROM ledger_leaves WHERE leaf = 0`:                                   "",
		`INSERT INTO ledger_leaves SELECT 999, organization, entry_id, hashes FROM ledger_leaves WHERE leaf = 0`: "",
	} {
		_, err := f.Raw.Exec(statement)
		require.ErrorContains(t, err, want, statement)
	}
	requireTrue(t, f.store, verifier)
}
