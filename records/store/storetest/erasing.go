package storetest

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

var erasing = map[string]func(*testing.T, fixture){
	"a person is erased, and the log still verifies": testErase,
	"what must not be erased is not":                 testEraseRefused,
	"text that looks like Orgo's own is erased":      testEraseLookalikes,
	"an erasure that is not recorded is found":       testEraseForged,
}

var eraser = store.Erasing{Actor: "privacy-office", Reason: "request 7", At: time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)}

// mentions counts the rows of any table that name the person of the test entries.
func mentions(t testing.TB, db *sql.DB, person string) (count int) {
	t.Helper()
	like := `'%` + person + `%'`
	require.NoError(t, db.QueryRow(`SELECT
		(SELECT count(*) FROM entries WHERE actor LIKE `+like+` OR on_behalf_of LIKE `+like+` OR reason LIKE `+like+` OR body LIKE `+like+`)
		+ (SELECT count(*) FROM builds WHERE view LIKE `+like+`)`).Scan(&count))
	return count
}

// lived appends the life of a build, ended, and gives it its leaves.
func lived(t testing.TB, f fixture, signer note.Signer, key string) Builder {
	t.Helper()
	b := NewBuilder(t, acme, key)
	for _, entries := range b.Life() {
		must(f.store.Append(t.Context(), entries...))(t)
	}
	require.NoError(t, Sequencer(t, f.store, signer, nil).Drain(t.Context()))
	return b
}

func verifyLog(t testing.TB, s *store.Store, verifier note.Verifier) store.LogReport {
	t.Helper()
	return must(s.VerifyLog(t.Context(), store.VerifyOptions{Origin: LogOrigin, Verifiers: note.VerifierList(verifier)}))(t)
}

func testErase(t *testing.T, f fixture) {
	signer, verifier := LogKey(t)
	lived(t, f, signer, "erased")
	kept := must(f.store.Checkpoint(t.Context()))(t)
	require.Positive(t, mentions(t, f.Raw, "user:ada"))

	about := must(f.store.EntriesAbout(t.Context(), acme, "user:ada"))(t)
	require.NotEmpty(t, about)
	for _, id := range about {
		erasure := must(f.store.Erase(t.Context(), acme, id, eraser))(t)
		require.Equal(t, id, erasure.EntryID)
		require.NotEmpty(t, erasure.Fields)
	}
	require.Zero(t, mentions(t, f.Raw, "user:ada"))
	require.Empty(t, must(f.store.EntriesAbout(t.Context(), acme, "user:ada"))(t))
	requireWhole(t, f.store)
	require.NoError(t, Sequencer(t, f.store, signer, nil).Drain(t.Context()))

	report := must(f.store.VerifyLog(t.Context(), store.VerifyOptions{
		Origin: LogOrigin, Verifiers: note.VerifierList(verifier), Known: [][]byte{kept},
	}))(t)
	require.Empty(t, report.Findings)
	require.Len(t, report.Erased, len(about))
	for _, erased := range report.Erased {
		require.Contains(t, erased.At, "2026-04-01")
		entries := must(f.store.Entries(t.Context(), acme, records.Subject{Kind: records.SubjectErasure, ID: erased.EntryID}, store.EntryQuery{}))(t)
		require.Len(t, entries, 1)
		require.Equal(t, "privacy-office", entries[0].Actor)
		require.Equal(t, "request 7", entries[0].Reason)
	}
	// The inclusion of an erased entry can still be proved.
	require.Contains(t, string(must(f.store.LeafContent(t.Context(), acme, about[0]))(t)), `"payload"`)
	require.Empty(t, must(f.store.Rebuild(t.Context()))(t))
}

func testEraseRefused(t *testing.T, f fixture) {
	signer, _ := LogKey(t)
	b := lived(t, f, signer, "refused")
	refused := func(id, what string) {
		t.Helper()
		_, err := f.store.Erase(t.Context(), acme, id, eraser)
		var refusal *store.ErasureRefused
		require.ErrorAs(t, err, &refusal)
		require.ErrorContains(t, err, what)
	}
	requested := b.Requested().ID
	must(f.store.Erase(t.Context(), acme, requested, eraser))(t)
	refused(requested, "erased before")

	_, err := f.store.Erase(t.Context(), acme, "unknown", eraser)
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = f.store.Erase(t.Context(), other, b.Pinned("p").ID, eraser)
	require.ErrorIs(t, err, store.ErrNotFound, "another organization's")

	young := NewBuilder(t, acme, "young")
	must(f.store.Append(t.Context(), young.Requested()))(t)
	refused(young.Requested().ID, "no leaf yet")
	require.NoError(t, Sequencer(t, f.store, signer, nil).Drain(t.Context()))
	refused(young.Requested().ID, "has not ended")
	entries := must(f.store.Entries(t.Context(), acme, records.Subject{Kind: records.SubjectErasure, ID: requested}, store.EntryQuery{}))(t)
	refused(entries[0].ID, "is never erased")
	requireWhole(t, f.store)

	// The owner of the tables may change nothing but what an erasure may.
	pinned := b.Pinned("p").ID
	for _, statement := range []string{
		`UPDATE entries SET actor = '[erased]', salt = '', erased = 'ab' WHERE entry_id = '` + pinned + `'`,            // not recorded
		`UPDATE entries SET actor = 'user:eve' WHERE entry_id = '` + requested + `'`,                                   // once erased
		`UPDATE entries SET body = '{}' WHERE entry_id = '` + requested + `'`,                                          //
		`UPDATE entries SET erased = '', salt = 'ab' WHERE entry_id = '` + requested + `'`,                             // undone
		`UPDATE entries SET type = 'orgo.build.passed', salt = '', erased = 'ab' WHERE entry_id = '` + requested + `'`, //
	} {
		_, err := f.Raw.Exec(statement)
		require.ErrorContains(t, err, "entries is append-only", statement)
	}
}

// testEraseLookalikes erases what people wrote that reads like the actor of what Orgo
// does by itself, or as if it had been erased before.
func testEraseLookalikes(t *testing.T, f fixture) {
	signer, verifier := LogKey(t)
	for _, text := range []string{records.SystemActor, records.Erased} {
		entry := Note(t, acme, "note", text, "1")
		entry.OnBehalfOf, entry.Reason = text, text
		must(f.store.Append(t.Context(), entry))(t)
		require.NoError(t, Sequencer(t, f.store, signer, nil).Drain(t.Context()))
		erasure := must(f.store.Erase(t.Context(), acme, entry.ID, eraser))(t)
		require.Equal(t, []string{"actor", "on_behalf_of", "reason"}, erasure.Fields)
		left := must(f.store.Entry(t.Context(), acme, entry.ID))(t)
		require.Equal(t, []string{records.Erased, records.Erased, records.Erased}, []string{left.Actor, left.OnBehalfOf, left.Reason})
	}
	require.NoError(t, Sequencer(t, f.store, signer, nil).Drain(t.Context()))
	require.Empty(t, verifyLog(t, f.store, verifier).Findings)
}

// testEraseForged is a superuser who calls a change an erasure.
func testEraseForged(t *testing.T, f fixture) {
	signer, verifier := LogKey(t)
	b := lived(t, f, signer, "forged")
	erased := b.Requested().ID
	erasure := must(f.store.Erase(t.Context(), acme, erased, eraser))(t)
	victim := b.Pinned("p").ID
	leaf := string(must(f.store.LeafContent(t.Context(), acme, victim))(t))
	_, rest, found := strings.Cut(leaf, `"payload":"`)
	require.True(t, found)
	commitment := rest[:64]
	require.NoError(t, Sequencer(t, f.store, signer, nil).Drain(t.Context()))
	require.Empty(t, verifyLog(t, f.store, verifier).Findings)
	for _, statement := range f.Unguard {
		execute(t, f.Raw, statement)
	}
	for name, c := range map[string]struct{ change, undo, entry, what string }{
		"erased without a record": {
			`UPDATE entries SET actor = '[erased]', erased = '` + commitment + `' WHERE entry_id = '` + victim + `'`,
			`UPDATE entries SET actor = 'user:ada', erased = '' WHERE entry_id = '` + victim + `'`,
			victim, "no erasure of it is recorded",
		},
		"changed under the pretext": {
			`UPDATE entries SET body = replace(body, 'idempotency_key', 'idempotency_kez') WHERE entry_id = '` + erased + `'`,
			`UPDATE entries SET body = replace(body, 'idempotency_kez', 'idempotency_key') WHERE entry_id = '` + erased + `'`,
			erased, "not what its recorded erasure left",
		},
		"another commitment": {
			`UPDATE entries SET erased = '` + commitment + `' WHERE entry_id = '` + erased + `'`,
			`UPDATE entries SET erased = '` + erasure.Commitment + `' WHERE entry_id = '` + erased + `'`,
			erased, "changed",
		},
		"somebody put in the place": {
			`UPDATE entries SET actor = 'user:eve' WHERE entry_id = '` + erased + `'`,
			`UPDATE entries SET actor = '[erased]' WHERE entry_id = '` + erased + `'`,
			erased, "says something again",
		},
	} {
		t.Run(name, func(t *testing.T) {
			execute(t, f.Raw, c.change)
			findings := verifyLog(t, f.store, verifier).Findings
			require.NotEmpty(t, findings)
			require.Equal(t, c.entry, findings[0].EntryID, fmt.Sprint(findings))
			require.Contains(t, findings[0].What, c.what)
			execute(t, f.Raw, c.undo)
			require.Empty(t, verifyLog(t, f.store, verifier).Findings)
		})
	}
}
