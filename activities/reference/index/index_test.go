package index_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/index"
	"github.com/initkoa/orgo/activities/reference/reftest"
)

func TestRead(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	ref := bench.Put(t, "index", `{"id":"Q1","label":"Universe","aliases":["Cosmos"],"lang":"en"}`+"\r\n\n"+
		`{"id":"P1","label":"length","single_valued":true,"datatype":"quantity"}`).Ref
	var entries []index.Entry
	for entry, err := range index.Read(t.Context(), bench.Store, ref) {
		require.NoError(t, err)
		entries = append(entries, entry)
	}
	require.Equal(t, []index.Entry{
		{ID: "Q1", Label: "Universe", Aliases: []string{"Cosmos"}, Lang: "en"},
		{ID: "P1", Label: "length", SingleValued: true, Datatype: "quantity"},
	}, entries)
	require.False(t, entries[0].Property())
	require.True(t, entries[1].Property())
}
