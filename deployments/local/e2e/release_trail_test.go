//go:build linux

package e2e_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/trail"
)

// TestReleaseTrail reads what happened to a release and its build out of the store, and the
// same from a server.
func TestReleaseTrail(t *testing.T) {
	t.Parallel()
	o := openShop(t, newStackOf(t, api.TokenEntry{Actor: "auditor"}), "1.0.0")
	o.play(t)
	id, build := o.sent(t, "main", "1.0.0"), o.builds["1.0.0"]
	closed, err := o.orgo.Release(t.Context(), id)
	require.NoError(t, err)
	page, err := o.orgo.ReleaseEntries(t.Context(), id, 0, 1000)
	require.NoError(t, err)

	var timeline struct{ Timeline []trail.Moment }
	read := func(into any, args ...string) {
		t.Helper()
		require.NoError(t, json.Unmarshal([]byte(o.cli(t, append(append([]string{"audit"}, args...), "-o", "json")...).done(t)), into))
	}
	read(&timeline, "timeline", id)
	require.GreaterOrEqual(t, len(timeline.Timeline), len(page.Entries), "more may have been told since")
	for i, entry := range page.Entries {
		require.Equal(t, entry.ID, timeline.Timeline[i].EntryID)
	}
	text := o.cli(t, "audit", "timeline", id).done(t)
	require.Contains(t, text, "SOAKING → CLOSED_GOOD")

	var decided struct{ Gates []trail.Decided }
	read(&decided, "gates", id)
	known := map[string]bool{}
	for _, d := range decided.Gates {
		known[d.EntryID] = true
	}
	for _, d := range closed.Decisions {
		require.True(t, known[d.EntryID], d.Gate)
	}
	require.Contains(t, o.cli(t, "audit", "gates", build).done(t), string(gates.GateValidation))

	var named struct{ Artifacts []trail.Named }
	read(&named, "artifacts", id)
	digests := map[string]bool{}
	for _, n := range named.Artifacts {
		digests[n.Digest.String()] = true
	}
	for _, ref := range []string{closed.Pack.Manifest.Digest.String(), closed.PolicyRef.Digest.String(), closed.Stages[0].Frozen[0].List.Digest.String()} {
		require.True(t, digests[ref])
	}
	require.Contains(t, o.cli(t, "audit", "artifacts", build).done(t), closed.Pack.Exchange.Digest.String())

	for _, verb := range []string{"timeline", "gates", "artifacts"} {
		// Whoever has only a server is told the same.
		stored := o.cli(t, "audit", verb, build, "-o", "yaml").done(t)
		require.Equal(t, stored, o.cliAs(t, "auditor", "audit", verb, build, "--url", "http://"+o.addresses["-api"], "-o", "yaml").done(t))
		o.cliAs(t, "auditor", "audit", verb, id, "--url", "http://"+o.addresses["-api"]).done(t)
		o.cliAs(t, "auditor", "audit", verb, "0b0e6e5c-0000-4000-8000-000000000001", "--url", "http://"+o.addresses["-api"]).refused(t, gates.NotFound)
		o.cli(t, "audit", verb, "17").refused(t, gates.NotFound)
		o.cli(t, "audit", verb).misused(t, "id of one build or release")
		o.cli(t, "audit", verb, build, id).misused(t, "id of one build or release")
		require.Contains(t, o.cli(t, "audit", verb, "--help").done(t), "orgo audit "+verb+" ID")
	}
}
