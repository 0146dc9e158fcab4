package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

var refusing = map[string]func(*testing.T, fixture){
	"an id with another body is a conflict":              testEntryConflict,
	"another output under a key is a conflict":           testOutputConflict,
	"the database refuses a second output under a key":   testSecondOutputRaw,
	"an entry that its reducer refuses stores nothing":   testReducerRefuses,
	"an entry that is not whole is refused":              testInvalidEntries,
	"an append over two organizations is refused":        testTwoOrganizations,
	"the database refuses every change of what is there": testAppendOnly,
}

func testEntryConflict(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "conflict")
	must(f.store.Append(t.Context(), b.Requested(), b.Pinned("p")))(t)

	for name, offered := range map[string]records.Entry{
		"another body":    b.Pinned("q"),
		"another kind":    with(b.Pinned("p"), func(e *records.Entry) { e.Kind = records.KindDecision }),
		"another type":    with(b.Pinned("p"), func(e *records.Entry) { e.Type = records.TypeGatePassed }),
		"another subject": with(b.Pinned("p"), func(e *records.Entry) { e.Subject = records.Subject{Kind: "note", ID: "n"} }),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.store.Append(t.Context(), b.Started(records.Ingest, 1, 1), offered)
			var conflict *store.EntryConflict
			require.ErrorAs(t, err, &conflict)
			require.Equal(t, &store.EntryConflict{
				Organization: acme, EntryID: offered.ID, Kept: b.Pinned("p").Digest, Refused: offered.Digest,
			}, conflict)
			require.Len(t, must(f.store.Entries(t.Context(), acme, b.Subject(), store.EntryQuery{}))(t), 2)
		})
	}
	requireWhole(t, f.store)
}

func testOutputConflict(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "output conflict")
	first := b.Finished(records.Ingest, 1, "x", 1)
	must(f.store.Append(t.Context(), b.Requested(), b.Pinned("p"), first))(t)

	_, err := f.store.Append(t.Context(), b.Started(records.Extract, 1, 1), b.Finished(records.Ingest, 1, "y", 1))
	var conflict *store.OutputConflict
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, &store.OutputConflict{
		Organization: acme,
		Key:          b.Key(records.Ingest, 1),
		Kept:         must(records.OutputsDigest(artifacts("x")))(t),
		Refused:      must(records.OutputsDigest(artifacts("y")))(t),
	}, conflict)

	require.Len(t, must(f.store.Entries(t.Context(), acme, b.Subject(), store.EntryQuery{}))(t), 3)
	kept, _, err := f.store.Output(t.Context(), acme, b.Key(records.Ingest, 1))
	require.NoError(t, err)
	require.Equal(t, first, kept)
	requireWhole(t, f.store)
}

func testSecondOutputRaw(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "second output")
	must(f.store.Append(t.Context(), b.Requested(), b.Pinned("p"), b.Finished(records.Ingest, 1, "x", 1)))(t)
	_, err := f.Raw.Exec(`INSERT INTO stage_outputs (organization, stage_key, entry_id, alg, outputs_digest)
		VALUES ('` + acme + `', '` + b.Key(records.Ingest, 1) + `', '` + b.Requested().ID + `', 'sha256', 'other')`)
	require.Error(t, err)
}

func testReducerRefuses(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "reducer")
	_, err := f.store.Append(t.Context(), Note(t, acme, "note", "n", "1"), b.Pinned("p"))
	require.ErrorContains(t, err, "must be its first entry")
	require.Empty(t, must(f.store.Entries(t.Context(), acme, records.Subject{Kind: "note", ID: "n"}, store.EntryQuery{}))(t))

	must(f.store.Append(t.Context(), b.Requested(), b.Pinned("p"), b.Passed()))(t)
	_, err = f.store.Append(t.Context(), b.Started(records.Ingest, 1, 1))
	require.ErrorIs(t, err, records.ErrBuildEnded)
	requireWhole(t, f.store)
}

func testInvalidEntries(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "invalid")
	body := func(raw string) func(*records.Entry) {
		return func(e *records.Entry) { e.Body, e.Digest = json.RawMessage(raw), records.DigestOf([]byte(raw)) }
	}
	for name, entry := range map[string]records.Entry{
		"no organization":        with(b.Requested(), func(e *records.Entry) { e.Organization = "" }),
		"no id":                  with(b.Requested(), func(e *records.Entry) { e.ID = "" }),
		"no kind":                with(b.Requested(), func(e *records.Entry) { e.Kind = "" }),
		"no type":                with(b.Requested(), func(e *records.Entry) { e.Type = "" }),
		"no subject":             with(b.Requested(), func(e *records.Entry) { e.Subject.ID = "" }),
		"no actor":               with(b.Requested(), func(e *records.Entry) { e.Actor = "" }),
		"no time":                with(b.Requested(), func(e *records.Entry) { e.At = time.Time{} }),
		"a body of other digest": with(b.Requested(), func(e *records.Entry) { e.Body = json.RawMessage(`{}`) }),
		"a body that is no JSON": with(b.Requested(), body("{")),
		"NUL in text":            with(b.Requested(), func(e *records.Entry) { e.Reason = "a\x00b" }),
		"text that is no UTF-8":  with(b.Requested(), func(e *records.Entry) { e.Reason = "\xff" }),
		"an output as an event":  with(b.Finished(records.Ingest, 1, "x", 1), func(e *records.Entry) { e.Kind = records.KindEvent }),
		"an event as an output":  with(b.Requested(), func(e *records.Entry) { e.Kind = records.KindOutput }),
		"an output without key":  with(b.Finished(records.Ingest, 1, "x", 1), body(`{"outputs":[]}`)),
		"an output of bad shape": with(b.Finished(records.Ingest, 1, "x", 1), body(`[]`)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.store.Append(t.Context(), entry)
			var refused *store.InvalidEntry
			require.ErrorAs(t, err, &refused)
			require.Equal(t, entry.ID, refused.EntryID)
		})
	}
	_, err := f.store.Build(t.Context(), acme, b.BuildID)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func testTwoOrganizations(t *testing.T, f fixture) {
	_, err := f.store.Append(t.Context(), Note(t, acme, "note", "n", "1"), Note(t, other, "note", "n", "1"))
	var refused *store.InvalidEntry
	require.ErrorAs(t, err, &refused)
}

// testAppendOnly tries to change what is stored with the rights of the owner.
func testAppendOnly(t *testing.T, f fixture) {
	const organization = "tampering"
	b := NewBuilder(t, organization, "tampered with")
	kept := with(Note(t, organization, "note", "n", "1"), func(e *records.Entry) { e.ID = "kept" })
	must(f.store.Append(t.Context(), b.Requested(), b.Pinned("p"), b.Finished(records.Ingest, 1, "x", 1), kept))(t)

	refused := map[string]string{
		`UPDATE entries SET reason = 'another'`:                             "entries is append-only",
		`UPDATE entries SET reason = 'another' WHERE entry_id = 'kept'`:     "entries is append-only",
		`UPDATE entries SET body = body`:                                    "entries is append-only",
		`DELETE FROM entries`:                                               "entries is append-only",
		`DELETE FROM entries WHERE entry_id = 'kept'`:                       "entries is append-only",
		`UPDATE stage_outputs SET outputs_digest = 'another'`:               "stage_outputs is append-only",
		`DELETE FROM stage_outputs`:                                         "stage_outputs is append-only",
		`INSERT INTO entries SELECT * FROM entries WHERE entry_id = 'kept'`: "", // a constraint or a trigger
		`INSERT INTO entries SELECT * FROM entries WHERE entry_id = 'kept'
			ON CONFLICT (organization, entry_id) DO UPDATE SET reason = 'another'`: "entries is append-only",
		`INSERT INTO stage_outputs SELECT * FROM stage_outputs WHERE true
			ON CONFLICT (organization, stage_key) DO UPDATE SET outputs_digest = 'another'`: "stage_outputs is append-only",
	}
	for _, statements := range []map[string]string{refused, f.Tampering} {
		for statement, want := range statements {
			t.Run(statement, func(t *testing.T) {
				_, err := f.Raw.Exec(statement)
				require.ErrorContains(t, err, want)
			})
		}
	}

	read := must(f.store.Entries(t.Context(), organization, kept.Subject, store.EntryQuery{}))(t)
	require.Equal(t, []store.Stored{{Entry: kept, Sequence: 1}}, read)
	requireWhole(t, f.store)
}

func with(entry records.Entry, change func(*records.Entry)) records.Entry {
	change(&entry)
	return entry
}
