//go:build linux

package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// TestReleaseActions asks for each action on a channel of its own.
func TestReleaseActions(t *testing.T) {
	t.Parallel()
	o := openShop(t, newStackOf(t, api.TokenEntry{Actor: "other"}), "1.0.0", "1.1.0")
	o.play(t)
	other := o.as(t, "other")
	for name, does := range map[string]func(t *testing.T, channel string){
		"hold and lift of a release": func(t *testing.T, channel string) {
			id := o.send(t, o.order(channel, "1.0.0", quick()))
			o.becomes(t, id, "eligible", func(r release.Record) bool { return r.Intent != nil })
			_, err := o.orgo.ActOnRelease(t.Context(), id, client.HoldRelease{Because: because("a look")}, "")
			require.NoError(t, err)
			_, err = other.ActOnRelease(t.Context(), id, client.LiftRelease{Because: because("not mine")}, "")
			refused(t, gates.InvalidTransition, err)
			held := o.becomes(t, id, "held", func(r release.Record) bool { return len(r.Holds) > 0 })
			o.sent(t, channel+"-beside", "1.0.0") // so long it would have taken
			still, err := o.orgo.Release(t.Context(), id)
			require.NoError(t, err)
			require.NotContains(t, []string{string(rollout.PhaseSoaking), string(rollout.PhaseClosedGood)}, still.Phase)
			require.Equal(t, held.Holds, still.Holds)
			_, err = o.orgo.ActOnRelease(t.Context(), id, client.LiftRelease{Because: because("seen")}, "")
			require.NoError(t, err)
			o.reaches(t, id, rollout.PhaseClosedGood)
		},
		"hold and lift of a channel": func(t *testing.T, channel string) {
			o.act(t, channel, client.HoldChannel{Because: because("a look")})
			id := o.send(t, o.order(channel, "1.0.0", quick()))
			o.waitsFor(t, id, gates.ChannelHeld)
			require.Empty(t, o.links(t, channel))
			_, err := other.ActOnChannel(t.Context(), named(channel), client.LiftChannel{Because: because("not mine")}, "")
			refused(t, gates.InvalidTransition, err)
			o.act(t, channel, client.LiftChannel{Because: because("seen")})
			o.reaches(t, id, rollout.PhaseClosedGood)
		},
		"freeze": func(t *testing.T, channel string) {
			until := time.Now().Add(4 * time.Second)
			o.act(t, channel, client.Freeze{Freeze: release.Freeze{Until: until}, Because: because("holidays")})
			id := o.send(t, o.order(channel, "1.0.0", quick()))
			o.waitsFor(t, id, gates.ChannelFrozen)
			closed := o.reaches(t, id, rollout.PhaseClosedGood)
			require.False(t, closed.Stages[0].ActivatedAt.Before(until), "by itself, and not before the end of the freeze")
		},
		"pin": func(t *testing.T, channel string) {
			first := o.sent(t, channel, "1.0.0")
			record, err := o.orgo.Release(t.Context(), first)
			require.NoError(t, err)
			pin := release.Pin{Pack: record.Intent.Pack, For: string(rollout.PinActive), ExpiresAt: time.Now().Add(time.Hour)}
			o.act(t, channel, client.Pin{Pin: pin, Because: because("a fair")})
			id := o.send(t, o.order(channel, "1.1.0", quick()))
			o.waitsFor(t, id, gates.ChannelPinned)
			o.requireActive(t, channel, first)
			o.act(t, channel, client.Unpin{Unpin: release.Unpin{For: pin.For}, Because: because("it is over")})
			o.reaches(t, id, rollout.PhaseClosedGood)
			o.requireActive(t, channel, id)
		},
		"minimum": func(t *testing.T, channel string) {
			first := o.sent(t, channel, "1.0.0")
			o.act(t, channel, client.SetMinimum{Minimum: release.Minimum{Version: "1.1.0"}, Because: because("1.0 is wrong")})
			gone := o.reaches(t, first, rollout.PhaseSafeMode)
			require.Equal(t, string(gates.BelowMinimum), gone.Code)
			o.requireInactive(t, channel)
			require.Equal(t, "1.1.0", o.published(t, channel).MinimumVersion)
			_, err := o.orgo.ActOnChannel(t.Context(), named(channel), client.SetMinimum{Minimum: release.Minimum{Version: "1.0.0"}, Because: because("again")}, "")
			refused(t, gates.MinimumOnlyRises, err)
			o.act(t, channel, client.LiftChannel{Lift: release.Lift{Owner: rollout.AfterRollback}, Because: because("go on")})
			low := o.becomes(t, o.send(t, o.order(channel, "1.0.0", quick())), "ended", client.ReleaseSettled)
			require.NotEqual(t, string(rollout.PhaseClosedGood), low.Phase)
			require.Equal(t, string(gates.BelowMinimum), low.Code)
			o.requireActive(t, channel, o.sent(t, channel, "1.1.0"))
		},
		"abort before anything is placed": func(t *testing.T, channel string) {
			o.act(t, channel, client.HoldChannel{Because: because("a look")})
			id := o.send(t, o.order(channel, "1.0.0", quick()))
			o.becomes(t, id, "waiting", func(r release.Record) bool { return r.Phase == string(rollout.PhaseActivating) && r.Waits != nil })
			r := o.cli(t, "release", "abort", id, "--reason", "not now")
			require.Equal(t, 0, r.code, r.err)
			ended := o.becomes(t, id, "ended", client.ReleaseSettled)
			require.Equal(t, string(gates.AbortRequested), ended.Code)
			require.Empty(t, o.links(t, channel))
			t.Logf("ended in %s", ended.Phase)
			o.onChannel(t, channel, "free", func(r rollout.Record) bool { return r.Turn == nil })
		},
		"abort of what is active": func(t *testing.T, channel string) {
			first := o.sent(t, channel, "1.0.0")
			id := o.send(t, o.order(channel, "1.1.0", watchful()))
			o.reaches(t, id, rollout.PhaseObserving)
			o.requireActive(t, channel, id)
			_, err := o.orgo.ActOnRelease(t.Context(), id, client.Abort{Because: because("not now")}, "")
			require.NoError(t, err)
			back := o.reaches(t, id, rollout.PhaseRolledBack)
			require.Equal(t, string(gates.AbortRequested), back.Code)
			o.requireActive(t, channel, first)
		},
		"promote": func(t *testing.T, channel string) {
			strategy := staged()
			strategy.Stages[0].Manual = true
			id := o.send(t, o.order(channel, "1.0.0", strategy))
			o.waitsFor(t, id, gates.PromotionMissing)
			require.Len(t, o.links(t, channel), 1)
			r := o.cli(t, "release", "promote", id)
			require.Equal(t, 0, r.code, r.err)
			o.reaches(t, id, rollout.PhaseClosedGood)
		},
		"rollback to a release that is named": func(t *testing.T, channel string) {
			first, second := o.sent(t, channel, "1.0.0"), o.sent(t, channel, "1.1.0")
			_, err := o.orgo.Rollback(t.Context(), second, client.RollbackRelease{To: first, Because: because("as it was")}, "")
			require.NoError(t, err)
			o.reaches(t, second, rollout.PhaseRolledBack)
			o.requireActive(t, channel, first)
			record, err := o.orgo.Channel(t.Context(), named(channel))
			require.NoError(t, err)
			require.Len(t, record.Pins, 1)
			require.Equal(t, rollout.PinRollback, record.Pins[0].For)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channel := "c"
			for _, r := range name {
				if r != ' ' {
					channel += string(r)
				}
			}
			does(t, channel)
		})
	}
}

// quorum is the demo's policy, but that others have to agree.
func quorum(t *testing.T, persons int) []byte {
	t.Helper()
	var bundle map[string]any
	require.NoError(t, json.Unmarshal(readYAML(t, demoPolicy), &bundle))
	for _, policy := range bundle["policies"].([]any) {
		for _, rule := range policy.(map[string]any)["rules"].([]any) {
			if rule := rule.(map[string]any); rule["type"] == "approvals" {
				rule["config"] = map[string]any{"quorum": persons, "max_age": "1h"}
			}
		}
	}
	return marshal(t, bundle)
}

func TestReleaseNeedsTheAgreementOfOthers(t *testing.T) {
	t.Parallel()
	o := openShop(t, newStackOf(t, api.TokenEntry{Actor: "alice"}, api.TokenEntry{Actor: "bob"}, api.TokenEntry{Actor: "carol"}), "1.0.0")
	o.play(t)
	alice, bob, carol := o.as(t, "alice"), o.as(t, "bob"), o.as(t, "carol")
	ask := func(t *testing.T, channel string) release.Record {
		request := o.order(channel, "1.0.0", quick())
		request.Policy = quorum(t, 2)
		record, err := alice.CreateRelease(t.Context(), request, "")
		require.NoError(t, err)
		return o.becomes(t, record.ReleaseID, "to be approved", func(r release.Record) bool {
			return r.Phase == string(rollout.PhaseAwaitingApproval) && len(r.Codes) > 0
		})
	}
	approve := func(t *testing.T, who *client.Client, r release.Record) error {
		_, err := who.ActOnRelease(t.Context(), r.ReleaseID, client.Approve{Ballot: release.Ballot{Intent: *r.IntentDigest}, Remark: client.Remark{Reason: "read"}}, "")
		return err
	}
	t.Run("by two others", func(t *testing.T) {
		t.Parallel()
		asked := ask(t, "agreed")
		require.Contains(t, asked.Codes, string(gates.ApprovalsMissing))
		refused(t, gates.ApproverNotSeparate, approve(t, alice, asked))
		refused(t, gates.ApproverNotSeparate, approve(t, o.orgo, asked)) // started the build
		changed := asked
		intent := *asked.Intent
		intent.Version = "1.0.1"
		digest, err := intent.Digest()
		require.NoError(t, err)
		changed.IntentDigest = &digest
		refused(t, gates.IntentChanged, approve(t, bob, changed))

		require.NoError(t, approve(t, bob, asked))
		refused(t, gates.InvalidTransition, approve(t, bob, asked))
		one, err := o.orgo.Release(t.Context(), asked.ReleaseID)
		require.NoError(t, err)
		require.Equal(t, string(rollout.PhaseAwaitingApproval), one.Phase)
		require.Empty(t, o.links(t, "agreed"))
		require.NoError(t, approve(t, carol, asked))
		closed := o.reaches(t, asked.ReleaseID, rollout.PhaseClosedGood)
		require.False(t, closed.Solo)
		require.Len(t, closed.Votes, 2)
	})
	t.Run("an approval needs no reason", func(t *testing.T) {
		t.Parallel()
		asked := ask(t, "plain")
		_, err := bob.ActOnRelease(t.Context(), asked.ReleaseID, client.Approve{Ballot: release.Ballot{Intent: *asked.IntentDigest}}, "")
		require.NoError(t, err)
	})
	t.Run("one rejection ends it", func(t *testing.T) {
		t.Parallel()
		asked := ask(t, "rejected")
		require.NoError(t, approve(t, bob, asked))
		_, err := carol.ActOnRelease(t.Context(), asked.ReleaseID, client.Reject{Ballot: release.Ballot{Intent: *asked.IntentDigest}, Because: because("old prices")}, "")
		require.NoError(t, err)
		ended := o.reaches(t, asked.ReleaseID, rollout.PhaseAborted)
		require.Equal(t, string(gates.ApprovalRejected), ended.Code)
		require.Empty(t, o.links(t, "rejected"))
	})
	t.Run("no vote counts while the channel is held", func(t *testing.T) {
		t.Parallel()
		asked := ask(t, "held")
		o.act(t, "held", client.HoldChannel{Because: because("a look")})
		refused(t, gates.ChannelHeld, approve(t, bob, asked))
	})
}

// keptBackFor is how long a test has a release be kept back.
const keptBackFor = 7 * time.Second

func TestReleaseThatIsKeptBackWritesNothingMeanwhile(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0")
	o.play(t)
	o.act(t, "main", client.HoldChannel{Because: because("a weekend")})
	id := o.send(t, o.order("main", "1.0.0", quick()))
	o.becomes(t, id, "waiting", func(r release.Record) bool { return r.Phase == string(rollout.PhaseActivating) && r.Waits != nil })
	count := func() int {
		page, err := o.orgo.ReleaseEntries(t.Context(), id, 0, 1000)
		require.NoError(t, err)
		return len(page.Entries)
	}
	before := count()
	for n, began := 0, time.Now(); time.Since(began) < keptBackFor; n++ {
		o.sent(t, fmt.Sprint("beside-", n), "1.0.0") // others come and go meanwhile
	}
	require.LessOrEqual(t, count()-before, 2, "entries in %s", keptBackFor)
	record, err := o.orgo.Release(t.Context(), id)
	require.NoError(t, err)
	require.True(t, slices.Contains(record.Codes, string(gates.ChannelHeld)))
	require.Equal(t, records.DefaultOrganization, record.Organization)
}
