package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

var following = map[string]func(*testing.T, fixture){
	"a position begins at the first leaf and never goes back": testPosition,
	"a consumer sees the leaves of all, once, in order":       testLeavesOfAll,
}

func testPosition(t *testing.T, f fixture) {
	ctx := t.Context()
	for _, step := range []struct{ save, want int64 }{{0, 0}, {7, 7}, {3, 7}, {8, 8}} {
		require.NoError(t, f.store.SavePosition(ctx, "one", step.save))
		require.Equal(t, step.want, must(f.store.Position(ctx, "one"))(t))
	}
	require.Zero(t, must(f.store.Position(ctx, "another"))(t))
}

func testLeavesOfAll(t *testing.T, f fixture) {
	ctx := t.Context()
	entries := fill(t, f.store, 3)
	signer, _ := LogKey(t)
	require.NoError(t, Sequencer(t, f.store, signer, nil).Drain(ctx))
	organizations := map[string]bool{}
	var seen int64
	for {
		leaves := must(f.store.LeavesOfAll(ctx, seen, 7))(t)
		if len(leaves) == 0 {
			break
		}
		for _, leaf := range leaves {
			require.Equal(t, seen, leaf.Number)
			organizations[leaf.Organization] = true
			seen++
		}
	}
	require.Equal(t, entries, seen)
	require.Len(t, organizations, 2)
}
