package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

var reading = map[string]func(*testing.T, fixture){
	"pages of builds are stable under inserts": testPages,
	"builds are filtered":                      testBuildFilters,
	"a page has a bounded size":                testPageSize,
	"a foreign cursor is refused":              testCursor,
	"entries are filtered":                     testEntryFilters,
	"organizations never meet":                 testIsolation,
	"what is not there is not found":           testNotFound,
}

func testPages(t *testing.T, f fixture) {
	var newestFirst []string
	begin := func(i int) Builder {
		b := NewBuilder(t, acme, fmt.Sprint("page ", i))
		b.At = epoch.Add(time.Duration(i/2) * time.Second) // pairs begin at the same time
		must(f.store.Append(t.Context(), b.Requested()))(t)
		return b
	}
	for i := range 10 {
		begin(i)
	}
	for _, view := range must2(f.store.Builds(t.Context(), acme, store.BuildQuery{}))(t) {
		newestFirst = append(newestFirst, view.BuildID)
	}
	require.Len(t, newestFirst, 10)

	var paged []string
	var q store.BuildQuery
	for added := 100; ; added++ {
		q.Limit = 3
		views, next, err := f.store.Builds(t.Context(), acme, q)
		require.NoError(t, err)
		for _, view := range views {
			paged = append(paged, view.BuildID)
		}
		if next == "" {
			break
		}
		q.Cursor = next
		begin(added)
	}
	require.Equal(t, newestFirst, paged)
}

func testBuildFilters(t *testing.T, f fixture) {
	pending, running, passed := NewBuilder(t, acme, "1"), NewBuilder(t, acme, "2"), NewBuilder(t, acme, "3")
	must(f.store.Append(t.Context(), pending.Requested(), running.Requested(), running.Pinned("a"),
		passed.Requested(), passed.Pinned("b"), passed.Passed()))(t)
	for name, test := range map[string]struct {
		query store.BuildQuery
		want  []string
	}{
		"one state":          {store.BuildQuery{States: []records.BuildState{records.BuildPassed}}, []string{passed.BuildID}},
		"two states":         {store.BuildQuery{States: []records.BuildState{records.BuildPassed, records.BuildPending}}, []string{passed.BuildID, pending.BuildID}},
		"a pipeline":         {store.BuildQuery{PipelineID: "a"}, []string{running.BuildID}},
		"state and pipeline": {store.BuildQuery{PipelineID: "a", States: []records.BuildState{records.BuildPassed}}, nil},
		"all":                {store.BuildQuery{}, []string{pending.BuildID, running.BuildID, passed.BuildID}},
	} {
		t.Run(name, func(t *testing.T) {
			var have []string
			for _, view := range must2(f.store.Builds(t.Context(), acme, test.query))(t) {
				have = append(have, view.BuildID)
			}
			require.ElementsMatch(t, test.want, have)
		})
	}
}

func testPageSize(t *testing.T, f fixture) {
	for i := range store.DefaultPage + 1 {
		must(f.store.Append(t.Context(), NewBuilder(t, acme, fmt.Sprint(i)).Requested()))(t)
	}
	for limit, want := range map[int]int{0: store.DefaultPage, -1: store.DefaultPage, 1: 1, store.MaxPage + 1: store.DefaultPage + 1} {
		require.Len(t, must2(f.store.Builds(t.Context(), acme, store.BuildQuery{Limit: limit}))(t), want)
	}
}

func testCursor(t *testing.T, f fixture) {
	for _, cursor := range []string{"x", "!", "e30", "bnVsbA"} {
		_, _, err := f.store.Builds(t.Context(), acme, store.BuildQuery{Cursor: cursor})
		var refused *store.InvalidCursor
		require.ErrorAs(t, err, &refused)
	}
}

func testEntryFilters(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "entries")
	must(f.store.Append(t.Context(), b.Requested(), b.Pinned("p"), b.Started(records.Ingest, 1, 1),
		b.Finished(records.Ingest, 1, "x", 1), b.Gate(records.Ingest, 1, "contract")))(t)
	for name, test := range map[string]struct {
		query store.EntryQuery
		want  []int64
	}{
		"all":        {store.EntryQuery{}, []int64{1, 2, 3, 4, 5}},
		"after":      {store.EntryQuery{After: 3}, []int64{4, 5}},
		"limit":      {store.EntryQuery{After: 1, Limit: 2}, []int64{2, 3}},
		"newest":     {store.EntryQuery{Newest: true, Limit: 1}, []int64{5}},
		"backwards":  {store.EntryQuery{Newest: true, After: 2}, []int64{5, 4, 3}},
		"newest of":  {store.EntryQuery{Newest: true, Limit: 1, Types: []string{records.TypeStageStarted}}, []int64{3}},
		"kinds":      {store.EntryQuery{Kinds: []records.EntryKind{records.KindOutput, records.KindDecision}}, []int64{4, 5}},
		"types":      {store.EntryQuery{Types: []string{records.TypeBuildPinned, records.TypeStageStarted}}, []int64{2, 3}},
		"everything": {store.EntryQuery{After: 2, Kinds: []records.EntryKind{records.KindEvent}, Types: []string{records.TypeBuildPinned}}, []int64{}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, sequences(must(f.store.Entries(t.Context(), acme, b.Subject(), test.query))(t)))
		})
	}
}

// testIsolation gives two organizations the very same ids.
func testIsolation(t *testing.T, f fixture) {
	ours, theirs := NewBuilder(t, acme, "shared"), NewBuilder(t, other, "shared")
	theirs.BuildID = ours.BuildID
	mine := []records.Entry{ours.Requested(), ours.Pinned("ours"), ours.Finished(records.Ingest, 1, "ours", 1)}
	yours := []records.Entry{theirs.Requested(), theirs.Pinned("theirs"), theirs.Finished(records.Ingest, 1, "theirs", 1)}
	for i := range mine {
		yours[i].ID = mine[i].ID
	}
	must(f.store.Append(t.Context(), mine...))(t)
	stored := must(f.store.Append(t.Context(), yours...))(t)
	require.Equal(t, []bool{true, true, true}, news(stored))

	for _, side := range []struct {
		builder  Builder
		pipeline string
		entries  []records.Entry
	}{{ours, "ours", mine}, {theirs, "theirs", yours}} {
		organization := side.builder.Organization
		require.Equal(t, side.pipeline, must(f.store.Build(t.Context(), organization, ours.BuildID))(t).PipelineID)
		views := must2(f.store.Builds(t.Context(), organization, store.BuildQuery{}))(t)
		require.Len(t, views, 1)
		require.Equal(t, organization, views[0].Organization)
		entries := must(f.store.Entries(t.Context(), organization, ours.Subject(), store.EntryQuery{}))(t)
		require.Len(t, entries, len(side.entries))
		for i, entry := range side.entries {
			require.Equal(t, entry, entries[i].Entry)
		}
		output, found, err := f.store.Output(t.Context(), organization, ours.Key(records.Ingest, 1))
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, side.entries[2], output)
	}
	requireWhole(t, f.store)
}

func testNotFound(t *testing.T, f fixture) {
	_, err := f.store.Build(t.Context(), acme, "absent")
	require.ErrorIs(t, err, store.ErrNotFound)
	require.Empty(t, must(f.store.Entries(t.Context(), acme, records.Subject{Kind: "build", ID: "absent"}, store.EntryQuery{}))(t))
	require.Empty(t, must2(f.store.Builds(t.Context(), acme, store.BuildQuery{}))(t))
}

// must2 is must for a call that also returns a cursor.
func must2[T any](value T, _ string, err error) func(testing.TB) T { return must(value, err) }
