//go:build linux

package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/deployments/local/nodes"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records/release"
)

// set has a version released on several channels in lockstep, as an operator would, and
// returns the releases in the order of the channels.
func (o *shop) set(t *testing.T, version string, strategy release.Strategy, channels ...string) []string {
	t.Helper()
	args := []string{"release", "create", "--build", o.builds[version], "--version", version, "--strategy", file(t, "strategy.json", strategy), "-o", "json"}
	for _, channel := range channels {
		args = append(args, "--channel", named(channel).String())
	}
	var created client.ReleaseList
	require.NoError(t, json.Unmarshal([]byte(o.cli(t, args...).done(t)), &created))
	var ids []string
	for _, record := range created.Releases {
		ids = append(ids, record.ReleaseID)
	}
	require.Len(t, ids, len(channels))
	return ids
}

func TestReleaseSetTakesEveryStageInLockstep(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0")
	o.play(t)
	// One of them is held before its second stage: the other does not go on alone.
	o.act(t, "eu", client.HoldChannel{Because: because("a look")})
	ids := o.set(t, "1.0.0", staged(), "us", "eu")
	o.waitsFor(t, ids[1], gates.ChannelHeld)
	require.Empty(t, o.links(t, "eu"))
	o.act(t, "eu", client.LiftChannel{Because: because("seen")})
	for _, id := range ids {
		o.reaches(t, id, rollout.PhaseClosedGood)
	}
	o.requireActive(t, "us", ids[0])
	o.requireActive(t, "eu", ids[1])
	// Nobody entered a stage before all were ready to.
	var entered, left [2]release.Record
	for i, id := range ids {
		record, err := o.orgo.Release(t.Context(), id)
		require.NoError(t, err)
		entered[i], left[i] = record, record
		require.Len(t, record.Peers, 1)
		require.GreaterOrEqual(t, record.Peers[0].Ready, 1)
	}
	for i := range ids {
		require.True(t, entered[i].Stages[1].ActivatedAt.After(*left[1-i].Stages[0].ActiveAt))
	}
	o.verify(t)
}

func TestReleaseSetGoesBackAsOne(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0")
	o.play(t)
	good := o.set(t, "1.0.0", quick(), "eu", "us")
	for _, id := range good {
		o.reaches(t, id, rollout.PhaseClosedGood)
	}
	o.inject(t, nodes.Fault{Channel: named("us").String(), Version: "1.1.0", Failures: 1})
	strategy := quick()
	strategy.Observe, strategy.Deadline = watchful().Observe, watchful().Deadline
	bad := o.set(t, "1.1.0", strategy, "eu", "us")
	own := o.reaches(t, bad[1], rollout.PhaseRolledBack)
	require.Equal(t, string(gates.MetricOutOfBounds), own.Code)
	other := o.reaches(t, bad[0], rollout.PhaseRolledBack)
	require.Equal(t, string(gates.SetAborted), other.Code)
	o.requireActive(t, "eu", good[0])
	o.requireActive(t, "us", good[1])
	why := o.cli(t, "release", "why", bad[0]).done(t)
	require.Contains(t, why, string(gates.SetAborted))
	require.Contains(t, why, bad[1], "it names the one that failed")
}

// TestReleaseSetWithOneThatIsNotEligibleEnds: what ends early waits for nobody, and
// nobody for it, however late they come.
func TestReleaseSetEndsWithTheFirstThatEnds(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0")
	o.play(t)
	o.sent(t, "eu", "1.1.0")
	t.Run("before the other comes", func(t *testing.T) {
		t.Parallel()
		// Below what is active on eu: not eligible there, and fine on a new channel.
		member := o.member("late", "1.0.0", "eu", "late-us")
		first := o.sendMember(t, member, "eu")
		o.reaches(t, first, rollout.PhaseIneligible)
		second := o.sendMember(t, member, "late-us")
		ended := o.becomes(t, second, "ended", client.ReleaseSettled)
		require.Equal(t, string(gates.SetAborted), ended.Code)
		require.Empty(t, o.links(t, "late-us"))
	})
	t.Run("while the other waits for it", func(t *testing.T) {
		t.Parallel()
		o.act(t, "b", client.HoldChannel{Because: because("a look")})
		ids := o.set(t, "1.0.0", quick(), "a", "b")
		o.waitsFor(t, ids[1], gates.ChannelHeld)
		o.cli(t, "release", "abort", ids[1], "--reason", "not now").done(t)
		require.Equal(t, string(gates.AbortRequested), o.becomes(t, ids[1], "ended", client.ReleaseSettled).Code)
		require.Equal(t, string(gates.SetAborted), o.becomes(t, ids[0], "ended", client.ReleaseSettled).Code)
		o.onChannel(t, "a", "free", func(r rollout.Record) bool { return r.Turn == nil && len(r.Queue) == 0 })
		o.onChannel(t, "b", "free", func(r rollout.Record) bool { return r.Turn == nil && len(r.Queue) == 0 })
	})
}

// member is what one release of a set is asked for.
func (o *shop) member(set, version string, channels ...string) client.CreateRelease {
	request := o.order(channels[0], version, quick())
	request.Set = set
	for _, channel := range channels {
		request.With = append(request.With, named(channel).String())
	}
	return request
}

// sendMember creates the release of a set on one channel.
func (o *shop) sendMember(t *testing.T, request client.CreateRelease, channel string) string {
	t.Helper()
	request.Channel = named(channel).String()
	record, err := o.orgo.CreateRelease(t.Context(), request, release.MemberKey(request.Set, named(channel)))
	require.NoError(t, err)
	return record.ReleaseID
}

// TestReleaseSetsThatShareChannelsDoNotWaitForEachOther creates the members of two sets so
// that each could have the turn that the other needs.
func TestReleaseSetsThatShareChannelsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0")
	o.play(t)
	one, two := o.member("one", "1.0.0", "a", "b"), o.member("two", "1.1.0", "b", "a")
	oneA := o.sendMember(t, one, "a")
	o.becomes(t, oneA, "in turn on a", func(r release.Record) bool { return r.Phase == string(rollout.PhaseActivating) })
	twoB := o.sendMember(t, two, "b")
	waits := o.becomes(t, twoB, "waiting", func(r release.Record) bool {
		return r.Waits != nil && r.Phase != string(rollout.PhaseAwaitingApproval)
	})
	t.Logf("%s waits for %s", waits.Phase, waits.Waits.For)
	oneB, twoA := o.sendMember(t, one, "b"), o.sendMember(t, two, "a")
	for _, id := range []string{oneA, oneB, twoA, twoB} {
		o.reaches(t, id, rollout.PhaseClosedGood)
	}
	o.requireActive(t, "a", twoA)
	o.requireActive(t, "b", twoB)
	o.verify(t)
}

// TestReleaseSetsOfAnyOrderAllEnd creates sets over three channels at the same time, each
// in another order.
func TestReleaseSetsOfAnyOrderAllEnd(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0")
	o.play(t)
	var all sync.WaitGroup
	created := make([][]string, 4)
	for i, order := range []string{"a b c", "c b a", "b c", "c a"} {
		all.Go(func() {
			channels := strings.Fields(order)
			member := o.member(fmt.Sprint("set-", i), "1.0.0", channels...)
			for _, channel := range channels {
				created[i] = append(created[i], o.sendMember(t, member, channel))
			}
		})
	}
	all.Wait()
	for _, ids := range created {
		for _, id := range ids {
			o.reaches(t, id, rollout.PhaseClosedGood)
		}
	}
	o.verify(t)
}
