package rollout_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
)

// bans has a person revoke, quarantine, clear and raise the minimum: none of it may have
// to wait for anything.
func (c *chain) bans() {
	c.t.Helper()
	unknown := func(name string) release.Packs { return release.Packs{Packs: []records.Digest{digest(name)}} }
	for _, act := range []struct {
		action    string
		arguments any
	}{
		{release.ActionRevoke, unknown("one")}, {release.ActionQuarantine, unknown("two")}, {release.ActionClear, unknown("two")},
		{release.ActionSetMinimum, release.Minimum{Version: "0.9.0"}},
	} {
		c.take(act.action, records.TypeActionRequested, "ann", act.arguments)
	}
}

func (c *chain) restores(facts ...rollout.Fact) {
	c.t.Helper()
	c.take(rollout.AskRestore, records.TypeActionAsked, records.SystemActor, rollout.Restore{ID: c.record.Containment.ID, Facts: facts})
}

// While a revoked pack is being taken back no index can be made: it would name the pack.
func TestBansAreTakenBeforeItIsChosenWhereToGo(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.releases(0)
	before := c.record.Sequence
	c.take(release.ActionRevoke, records.TypeActionRequested, "ann", release.Packs{Packs: []records.Digest{contentDigest(0)}})
	require.NotNil(t, c.record.Containment)
	c.bans()
	require.Equal(t, before, c.record.Sequence)
	c.restores()
	require.Equal(t, before+1, c.record.Sequence)
	require.Equal(t, "0.9.0", c.record.Index.MinimumVersion)
	require.Contains(t, c.record.Index.Revoked, digest("one"))
	c.publishes()
	require.Nil(t, c.record.Containment)
}

// An index that comes before that of a rollback is read back takes the same step back, and
// says why.
func TestBansAreTakenBeforeARollbackIsReadBack(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.releases(0)
	c.releases(1)
	c.take(release.ActionRollback, records.TypeActionRequested, "ann", release.Rollback{})
	c.restores(rollout.Fact{Pack: contentDigest(0), Verified: true, Compatible: true, Retained: true})
	first := c.record.Index.Downgrades
	require.Len(t, first, 3)
	c.bans()
	require.NoError(t, index.Follows(*c.site.has, *c.record.Index))
	for i, is := range c.record.Index.Downgrades {
		want := first[i]
		want.Sequence = c.record.Sequence
		require.Equal(t, want, is)
	}
	c.publishes()
	require.Nil(t, c.record.Containment)
	require.Equal(t, "1.0.0", c.record.Slots[0].Active.Pack.Version)
	c.bansAgain()
}

// bansAgain is what comes once nothing goes back any more: there is no step to authorize.
func (c *chain) bansAgain() {
	c.t.Helper()
	c.take(release.ActionSetMinimum, records.TypeActionRequested, "ann", release.Minimum{Version: "0.9.5"})
	require.Empty(c.t, c.record.Index.Downgrades)
	c.publishes()
}
