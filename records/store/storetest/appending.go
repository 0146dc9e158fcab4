package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

var appending = map[string]func(*testing.T, fixture){
	"an entry comes back exactly as it was given":        testRoundTrip,
	"an append numbers each subject on its own":          testSequences,
	"an append again yields what is stored":              testAppendAgain,
	"an entry twice in one append is stored once":        testTwiceInOneAppend,
	"an output with other metrics is the same output":    testSameOutput,
	"a build's whole life folds into its view":           testLife,
	"an observer sees each new entry once and in order":  testObserver,
	"an append of nothing stores nothing":                testAppendNothing,
	"a stored output is found under its key":             testOutputIsFound,
	"two generations of a stage have an output each":     testGenerations,
	"what was stored is there after the store is closed": testReopen,
}

func testRoundTrip(t *testing.T, f fixture) {
	entry, err := records.NewEntry(records.Entry{
		Organization: acme,
		Kind:         records.KindEvent,
		Type:         "orgo.note.written",
		Subject:      records.Subject{Kind: "note", ID: "ñ/1"},
		At:           epoch,
		Actor:        "service:relay",
		OnBehalfOf:   "user:ada",
		Reason:       "it's \"late\"; DROP TABLE entries; -- 日本 \U0001F600",
		Codes:        []string{"A_CODE", "B_CODE"},
		Correlation: records.Correlation{
			BuildID: "b", ReleaseID: "r", CaseID: "c", Channel: "prod/eu", Cohort: "one", Stage: records.Extract,
			Generation: 2, Attempt: 3, WorkflowID: "w", RunID: "u",
		},
	}, "1", map[string]any{"text": "\x00 <&> \u2028", "n": 1e21, "z": nil, "a": []any{1, "x"}})
	require.NoError(t, err)

	stored, err := f.store.Append(t.Context(), entry)
	require.NoError(t, err)
	require.Equal(t, []store.Stored{{Entry: entry, Sequence: 1, New: true}}, stored)

	read, err := f.store.Entries(t.Context(), acme, entry.Subject, store.EntryQuery{})
	require.NoError(t, err)
	require.Equal(t, []store.Stored{{Entry: entry, Sequence: 1}}, read)
}

func testSequences(t *testing.T, f fixture) {
	var entries []records.Entry
	for _, discriminator := range []string{"1", "2", "3"} {
		entries = append(entries, Note(t, acme, "note", "b", discriminator), Note(t, acme, "note", "a", discriminator))
	}
	stored, err := f.store.Append(t.Context(), entries...)
	require.NoError(t, err)
	require.Len(t, stored, len(entries))
	for i, s := range stored {
		require.Equal(t, entries[i], s.Entry)
		require.EqualValues(t, i/2+1, s.Sequence)
		require.True(t, s.New)
	}
	requireWhole(t, f.store)
}

func testAppendAgain(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "again")
	first := must(f.store.Append(t.Context(), b.Requested(), b.Pinned("p")))(t)
	before := must(f.store.Build(t.Context(), acme, b.BuildID))(t)

	later := b
	later.At = epoch.Add(1000)
	again := must(f.store.Append(t.Context(), later.Pinned("p"), later.Started(records.Ingest, 1, 1), later.Requested()))(t)
	require.Equal(t, []int64{2, 3, 1}, sequences(again))
	require.Equal(t, []bool{false, true, false}, news(again))
	require.Equal(t, first[1].Entry, again[0].Entry, "the stored one, with its own time")

	after := must(f.store.Build(t.Context(), acme, b.BuildID))(t)
	require.EqualValues(t, 2, before.Version)
	require.EqualValues(t, 3, after.Version)
	requireWhole(t, f.store)
}

func testTwiceInOneAppend(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "twice")
	stored := must(f.store.Append(t.Context(), b.Requested(), b.Requested(), b.Pinned("p"),
		b.Started(records.Ingest, 1, 1), b.Finished(records.Ingest, 1, "x", 1), b.Finished(records.Ingest, 1, "x", 2)))(t)
	require.Equal(t, []int64{1, 1, 2, 3, 4, 4}, sequences(stored))
	require.Equal(t, []bool{true, false, true, true, true, false}, news(stored))
	requireWhole(t, f.store)
}

func testSameOutput(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "same output")
	first := b.Finished(records.Ingest, 1, "x", 1)
	must(f.store.Append(t.Context(), b.Requested(), b.Pinned("p"), first))(t)

	again := must(f.store.Append(t.Context(), b.Finished(records.Ingest, 1, "x", 99)))(t)
	require.Equal(t, []store.Stored{{Entry: first, Sequence: 3}}, again)
	requireWhole(t, f.store)
}

func testLife(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "life")
	var want records.BuildView
	var sequence int64
	for _, entries := range b.Life() {
		must(f.store.Append(t.Context(), entries...))(t)
		for _, entry := range entries {
			sequence++
			var err error
			want, err = records.ReduceBuild(want, entry, sequence)
			require.NoError(t, err)
		}
		have := must(f.store.Build(t.Context(), acme, b.BuildID))(t)
		require.Equal(t, canonical(t, want), canonical(t, have))
	}
	require.Equal(t, records.BuildPassed, want.State)
	requireWhole(t, f.store)
}

func testObserver(t *testing.T, f fixture) {
	var seen []store.Stored
	watched := Open(t, f.DSN, store.WithObserver(func(s store.Stored) { seen = append(seen, s) }))
	b := NewBuilder(t, acme, "observed")
	first := must(watched.Append(t.Context(), b.Requested(), b.Pinned("p")))(t)
	must(watched.Append(t.Context(), b.Requested()))(t)
	_, err := watched.Append(t.Context(), b.Started(records.Ingest, 1, 1), b.Requested(), b.Pinned("q"))
	require.Error(t, err)
	last := must(watched.Append(t.Context(), b.Pinned("p"), b.Started(records.Ingest, 1, 1)))(t)
	require.Equal(t, append(first, last[1]), seen)
}

func testAppendNothing(t *testing.T, f fixture) {
	stored, err := f.store.Append(t.Context())
	require.NoError(t, err)
	require.Empty(t, stored)
}

func testOutputIsFound(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "output")
	finished := b.Finished(records.Ingest, 1, "x", 1)
	_, found, err := f.store.Output(t.Context(), acme, b.Key(records.Ingest, 1))
	require.NoError(t, err)
	require.False(t, found)

	must(f.store.Append(t.Context(), b.Requested(), b.Pinned("p"), finished))(t)
	entry, found, err := f.store.Output(t.Context(), acme, b.Key(records.Ingest, 1))
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, finished, entry)
}

func testGenerations(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "generations")
	must(f.store.Append(t.Context(), b.Requested(), b.Pinned("p"), b.Finished(records.Ingest, 1, "x", 1),
		b.Retry(records.Ingest, 2), b.Finished(records.Ingest, 2, "y", 1)))(t)
	for generation, content := range map[int]string{1: "x", 2: "y"} {
		entry, found, err := f.store.Output(t.Context(), acme, b.Key(records.Ingest, generation))
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, b.Finished(records.Ingest, generation, content, 1), entry)
	}
}

func testReopen(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "reopen")
	first := Open(t, f.DSN)
	must(first.Append(t.Context(), b.Requested()))(t)
	require.NoError(t, first.Close())
	second := Open(t, f.DSN)
	require.NoError(t, second.CheckSchema(t.Context()))
	again := must(second.Append(t.Context(), b.Requested(), b.Pinned("p")))(t)
	require.Equal(t, []bool{false, true}, news(again))
}

// must returns the value of a call that may not fail.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		require.NoError(t, err)
		return value
	}
}

func sequences(stored []store.Stored) []int64 {
	list := make([]int64, len(stored))
	for i, s := range stored {
		list[i] = s.Sequence
	}
	return list
}

func news(stored []store.Stored) []bool {
	list := make([]bool, len(stored))
	for i, s := range stored {
		list[i] = s.New
	}
	return list
}

func canonical(t testing.TB, v any) string {
	t.Helper()
	return string(must(records.Canonical(v))(t))
}
