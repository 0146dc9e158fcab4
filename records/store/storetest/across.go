package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

var across = map[string]func(*testing.T, fixture){
	"decisions of all builds, in pages that are stable under inserts": testDecisions,
	"decisions since a time":                        testDecisionsSince,
	"entries about policies":                        testPolicies,
	"releases and channels":                         testReleases,
	"a foreign cursor or span is refused":           testAcrossRefusals,
	"spans have their indexes":                      testAcrossIndex,
	"organizations do not meet in what lies across": testAcrossIsolation,
}

// decide appends a build with two decisions, at a second of its own, and returns
// their ids.
func decide(t *testing.T, f fixture, organization string, i int) []string {
	b := NewBuilder(t, organization, fmt.Sprint("across ", i))
	b.At = epoch.Add(time.Duration(i/2) * time.Second) // pairs are decided at the same time
	passed, failed := b.Gate(records.Ingest, 1, "integrity"), b.Gate(records.Ingest, 1, "contract", "CONTRACT_VIOLATION")
	must(f.store.Append(t.Context(), b.Requested(), b.Pinned("p"), b.Finished(records.Ingest, 1, "x", 1), passed, failed))(t)
	return []string{passed.ID, failed.ID}
}

func ids(stored []store.Stored) []string {
	list := []string{}
	for _, s := range stored {
		list = append(list, s.ID)
	}
	return list
}

func testDecisions(t *testing.T, f fixture) {
	var all []string
	for i := range 10 {
		all = append(all, decide(t, f, acme, i)...)
	}
	newestFirst := ids(must2(f.store.Across(t.Context(), acme, store.Decisions, store.AcrossQuery{}))(t))
	require.ElementsMatch(t, all, newestFirst)

	var paged []string
	q := store.AcrossQuery{Limit: 3}
	for added := 100; ; added++ {
		page, next, err := f.store.Across(t.Context(), acme, store.Decisions, q)
		require.NoError(t, err)
		for _, stored := range page {
			require.Equal(t, records.KindDecision, stored.Kind)
		}
		paged = append(paged, ids(page)...)
		if next == "" {
			break
		}
		q.Cursor = next
		decide(t, f, acme, added)
	}
	require.Equal(t, newestFirst, paged)
}

func testDecisionsSince(t *testing.T, f fixture) {
	var all [][]string
	for i := range 6 {
		all = append(all, decide(t, f, acme, i))
	}
	since := store.AcrossQuery{Since: epoch.Add(2 * time.Second).In(time.FixedZone("", 3600))}
	require.ElementsMatch(t, append(all[4], all[5]...), ids(must2(f.store.Across(t.Context(), acme, store.Decisions, since))(t)))
	since.Since = since.Since.Add(time.Microsecond)
	require.Empty(t, must2(f.store.Across(t.Context(), acme, store.Decisions, since))(t))
}

func testPolicies(t *testing.T, f fixture) {
	decide(t, f, acme, 1)
	first, second := Note(t, acme, records.SubjectPolicy, "p", "1"), Note(t, acme, records.SubjectPolicy, "q", "1")
	must(f.store.Append(t.Context(), first, second, Note(t, acme, "note", "p", "1")))(t)
	require.ElementsMatch(t, []string{first.ID, second.ID}, ids(must2(f.store.Across(t.Context(), acme, store.Policies, store.AcrossQuery{}))(t)))
}

func testAcrossRefusals(t *testing.T, f fixture) {
	_, _, err := f.store.Across(t.Context(), acme, store.Decisions, store.AcrossQuery{Cursor: "e30"})
	var refused *store.InvalidCursor
	require.ErrorAs(t, err, &refused)
	_, _, err = f.store.Across(t.Context(), acme, "all", store.AcrossQuery{})
	require.ErrorContains(t, err, `no span "all"`)
}

func testAcrossIsolation(t *testing.T, f fixture) {
	ours, theirs := decide(t, f, acme, 1), decide(t, f, other, 1)
	require.ElementsMatch(t, ours, ids(must2(f.store.Across(t.Context(), acme, store.Decisions, store.AcrossQuery{}))(t)))
	require.ElementsMatch(t, theirs, ids(must2(f.store.Across(t.Context(), other, store.Decisions, store.AcrossQuery{}))(t)))
}

// testReleases has only the first entry of each found, and that of no other subject.
func testReleases(t *testing.T, f fixture) {
	first := func(kind, id, typ string) records.Entry {
		note := Note(t, acme, kind, id, typ)
		note.Type = typ
		return note
	}
	release := first(records.SubjectRelease, "r", "orgo.release.requested")
	channel := first(records.SubjectChannel, "c", "orgo.channel.opened")
	must(f.store.Append(t.Context(), release, channel, Note(t, acme, records.SubjectRelease, "r", "2"),
		Note(t, acme, records.SubjectChannel, "c", "2"), first("note", "c", "orgo.channel.opened"),
		first(records.SubjectChannel, "d", "orgo.channel.frozen")))(t)
	require.Equal(t, []string{release.ID}, ids(must2(f.store.Across(t.Context(), acme, store.Releases, store.AcrossQuery{}))(t)))
	require.Equal(t, []string{channel.ID}, ids(must2(f.store.Across(t.Context(), acme, store.Channels, store.AcrossQuery{}))(t)))
}

// testAcrossIndex has the indexes there; that a planner takes them is its own
// affair where tables are as small as here.
func testAcrossIndex(t *testing.T, f fixture) {
	const names = `('entries_decisions', 'entries_policies', 'entries_releases', 'entries_channels')`
	var catalog string
	if err := f.Raw.QueryRow(`SELECT name FROM sqlite_master LIMIT 1`).Scan(&catalog); err == nil {
		catalog = `SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name IN ` + names
	} else {
		catalog = `SELECT count(*) FROM pg_indexes WHERE indexname IN ` + names
	}
	var indexes int
	require.NoError(t, f.Raw.QueryRow(catalog).Scan(&indexes))
	require.Equal(t, 4, indexes)
}
