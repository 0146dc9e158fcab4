package rollout_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
)

// chain is a channel and its target, with messages in a row.
type chain struct {
	t        *testing.T
	record   rollout.Record
	site     site
	sequence int64
}

func newChain(t *testing.T) *chain {
	t.Helper()
	return &chain{t: t, record: rollout.NewRecord(records.DefaultOrganization, records.ChannelName{Environment: "staging", Name: "stable"})}
}

// take takes in a message, which must be accepted.
func (c *chain) take(action, typ, actor string, arguments any) {
	c.t.Helper()
	c.sequence++
	next, taken := c.record.Take(message(c.sequence, action, typ, actor, arguments))
	require.True(c.t, taken.Outcome.Accepted(), "%s: %s: %s", action, taken.Outcome.Code, taken.Outcome.Message)
	c.record = next
}

// publishes brings the newest index to the target, and reads it back.
func (c *chain) publishes() {
	c.t.Helper()
	next, _, refused := c.record.Read(at, c.site.push(c.record, false, true))
	require.Nil(c.t, refused)
	require.Equal(c.t, next.Sequence, next.Confirmed)
	c.record = next
}

// releases has a release go out in all its stages, and closes it.
func (c *chain) releases(n int) {
	c.t.Helper()
	c.take(rollout.AskJoin, records.TypeActionAsked, records.SystemActor, joining(n, false))
	for c.record.Turn != nil {
		c.take(onward(c.record))
		if c.record.Sequence != c.record.Confirmed {
			c.publishes()
		}
	}
}

// looks reads the target back as somebody does who began when an index was the newest.
func (c *chain) looks(began, found int64) (rollout.Record, []rollout.Effect, *rollout.Refusal) {
	return c.record.Read(at, rollout.ReadBack{Looked: began, Sequence: found})
}

// A look at the target that began before the newest index was there says nothing of it.
func TestALookThatIsOlderThanTheIndexIsNoDrift(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.releases(0)
	newest := c.record.Sequence
	after, effects, refused := c.looks(newest-1, newest-1)
	require.NotNil(t, refused)
	require.Equal(t, gates.SequenceStale, refused.Code)
	require.Empty(t, effects)
	require.Equal(t, c.record, after)

	after, effects, refused = c.looks(newest, newest-1)
	require.Nil(t, refused)
	require.Equal(t, []string{"a", "b", "c"}, after.Drifted, "not even the index is what it was")
	require.NotEmpty(t, effects)
}
