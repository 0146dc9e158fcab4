package rollout_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
)

// One person has one hold, freeze and pin, however the name is written, and nobody is Orgo.
func TestOwnersAreOnePersonByAnyWriting(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	do := func(c rollout.Channel, actor string, action rollout.Action) (rollout.Channel, *rollout.Refusal) {
		next, _, refused := c.Reduce(rollout.ChannelEvent{At: at, Actor: actor, Reason: "r", Action: action})
		return next, refused
	}
	c, refused := do(rollout.Channel{}, "Eva", rollout.PlaceHold{})
	require.Nil(t, refused)
	_, refused = do(c, "e\u200bva", rollout.PlaceHold{})
	require.Equal(t, gates.InvalidTransition, refused.Code)
	_, refused = do(c, "eve", rollout.LiftHold{Owner: "eva"})
	require.Equal(t, gates.HoldOfAnother, refused.Code)
	c, refused = do(c, "eva", rollout.LiftHold{Owner: "eva"})
	require.Nil(t, refused)
	require.Empty(t, c.Holds)

	c, _ = do(c, "Eva", rollout.PlaceFreeze{Until: at.Add(time.Hour)})
	c, refused = do(c, "eva", rollout.PlaceFreeze{Until: at.Add(2 * time.Hour)})
	require.Nil(t, refused)
	require.Len(t, c.Freezes, 1, "a new one replaces that of the same person")
	_, refused = do(c, "ORGO", rollout.PlacePin{Pack: records.DigestOf([]byte("p")), For: rollout.PinActive, ExpiresAt: at.Add(time.Hour)})
	require.Equal(t, gates.RequestInvalid, refused.Code)
}
