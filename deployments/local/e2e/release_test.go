//go:build linux

package e2e_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/deployments/local/nodes"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

func TestReleaseIsThereAsSoonAsItIsCreated(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0")
	for range 5 {
		record, err := o.orgo.CreateRelease(t.Context(), o.order("main", "1.0.0", watchful()), "")
		require.NoError(t, err)
		_, err = o.orgo.Release(t.Context(), record.ReleaseID)
		require.NoError(t, err)
	}
}

func TestReleaseReachesEveryCohortAndClosesWell(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0")
	_, err := o.orgo.SetNodes(t.Context(), named("main"), nodes.Enrolled(named("main"), 50), "a test", "")
	require.NoError(t, err)
	o.play(t)
	id := o.send(t, o.order("main", "1.0.0", staged()))
	o.becomes(t, id, "at its second stage", func(r release.Record) bool { return r.Stage == 1 })
	closed := o.reaches(t, id, rollout.PhaseClosedGood)

	o.requireActive(t, "main", id)
	require.Equal(t, string(rollout.StatusReleased), closed.Status)
	require.Equal(t, []string{
		"CHECKING 0", "AWAITING_APPROVAL 0", "APPROVED 0", "DISTRIBUTING 0", "VERIFYING 0", "ACTIVATING 0", "OBSERVING 0",
		"DISTRIBUTING 1", "VERIFYING 1", "ACTIVATING 1", "OBSERVING 1", "SOAKING 1", "CLOSED_GOOD 1",
	}, o.moves(t, id))
	reached := 0
	for _, stage := range closed.Stages {
		require.Equal(t, string(gates.Pass), stage.Verdict, stage.Name)
		for _, frozen := range stage.Frozen {
			require.Positive(t, frozen.Count, frozen.Cohort)
			reached += frozen.Count
		}
	}
	require.Equal(t, 50, reached)
	// What is on disk is what compile made.
	for name, digest := range map[string]records.Digest{"manifest.json": closed.Pack.Manifest.Digest, "exchange.json": closed.Pack.Exchange.Digest} {
		data, err := os.ReadFile(filepath.Join(o.target("main"), "cohorts", "canary", name))
		require.NoError(t, err)
		require.Equal(t, digest, records.DigestOf(data), name)
	}
	channel := o.onChannel(t, "main", "quiet", func(r rollout.Record) bool { return r.Turn == nil })
	require.Equal(t, channel.Sequence, channel.Confirmed)
	require.Len(t, channel.Good, 1)
	require.Equal(t, id, channel.Good[0].ReleaseID)
	o.verify(t)
}

func TestReleaseThatFailsGoesBackByItself(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0", "1.2.0")
	o.play(t)
	good := o.sent(t, "main", "1.0.0")

	o.inject(t, nodes.Fault{Version: "1.1.0", Failures: 0.5})
	bad := o.send(t, o.order("main", "1.1.0", staged()))
	back := o.reaches(t, bad, rollout.PhaseRolledBack)
	require.Equal(t, string(gates.MetricOutOfBounds), back.Code)
	require.Contains(t, o.moves(t, bad), "ROLLING_BACK 0", "the rest never had it")
	o.requireActive(t, "main", good)
	channel := o.onChannel(t, "main", "held", func(r rollout.Record) bool { return len(r.Holds) == 1 })
	require.Equal(t, rollout.AfterRollback, channel.Holds[0].Owner)

	next := o.send(t, o.order("main", "1.2.0", quick()))
	held := o.waitsFor(t, next, gates.ChannelHeld)
	require.Equal(t, string(rollout.PhaseActivating), held.Phase)
	o.requireActive(t, "main", good)
	_, err := o.orgo.ActOnChannel(t.Context(), named("main"), client.LiftChannel{Because: because("of my own")}, "")
	refused(t, gates.InvalidTransition, err)
	r := o.cli(t, "channel", "lift", named("main").String(), "--owner", rollout.AfterRollback, "--reason", "cause found")
	require.Equal(t, 0, r.code, r.err)
	o.reaches(t, next, rollout.PhaseClosedGood)
	o.requireActive(t, "main", next)
	o.verify(t)
}

func TestReleaseThatNobodyReportsOnEndsInSafeMode(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0")
	strategy := quick()
	strategy.Deadline = records.Duration(3 * time.Second)
	id := o.send(t, o.order("main", "1.0.0", strategy))
	active := o.reaches(t, id, rollout.PhaseObserving)
	o.requireActive(t, "main", id)
	safe := o.reaches(t, id, rollout.PhaseSafeMode)
	require.False(t, safe.UpdatedAt.Before(*active.Stages[0].DecideBy), "not before its deadline")
	require.NotEmpty(t, safe.Code)
	o.requireInactive(t, "main")
	t.Logf("in safe mode by %s", safe.Code)
}

func TestReleaseIsTakenBackByAnOperator(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0")
	o.play(t)
	first, second := o.sent(t, "main", "1.0.0"), o.sent(t, "main", "1.1.0")
	o.requireActive(t, "main", second)

	r := o.cli(t, "release", "rollback", second, "--reason", "answers are wrong")
	require.Equal(t, 0, r.code, r.err)
	back := o.reaches(t, second, rollout.PhaseRolledBack)
	require.Equal(t, string(gates.RollbackRequested), back.Code)
	o.requireActive(t, "main", first)
	downgrades := o.published(t, "main").Downgrades
	require.Len(t, downgrades, 2)
	require.Equal(t, string(gates.RollbackRequested), downgrades[0].Reason)

	// There is nothing before the first.
	_, err := o.orgo.Rollback(t.Context(), first, client.RollbackRelease{Because: because("that, too")}, "")
	require.NoError(t, err)
	o.reaches(t, first, rollout.PhaseSafeMode)
	o.requireInactive(t, "main")
	o.verify(t)
}

func TestReleaseOfARevokedPackIsTakenBackAndNeverAgain(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0")
	o.play(t)
	first := o.sent(t, "main", "1.0.0")
	second := o.sent(t, "main", "1.1.0")
	revoked, err := o.orgo.Revoke(t.Context(), client.Revoke{Release: second, Because: because("leaks names")}, "")
	require.NoError(t, err)
	require.Equal(t, []string{named("main").String()}, revoked.Channels)

	back := o.becomes(t, second, "taken back and marked", func(r release.Record) bool {
		return r.Phase == string(rollout.PhaseRolledBack) && r.Revoked
	})
	require.Equal(t, string(gates.ArtifactRevoked), back.Code)
	o.requireActive(t, "main", first)
	require.Equal(t, revoked.Packs, o.published(t, "main").Revoked)
	o.act(t, "main", client.LiftChannel{Lift: release.Lift{Owner: rollout.AfterRollback}, Because: because("go on")})

	for _, channel := range []string{"main", "elsewhere"} {
		t.Run(channel, func(t *testing.T) {
			again := o.send(t, o.order(channel, "1.1.0", quick()))
			ended := o.becomes(t, again, "ended", func(r release.Record) bool { return client.ReleaseSettled(r) })
			require.Contains(t, []string{string(rollout.PhaseIneligible), string(rollout.PhaseAborted)}, ended.Phase)
			require.Equal(t, string(gates.ArtifactRevoked), ended.Code)
			require.NotContains(t, o.moves(t, again), "ACTIVATING 0")
		})
	}
	o.requireActive(t, "main", first)
}

func TestReleaseIsOneUnderItsKey(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0")
	o.play(t)
	request := o.order("main", "1.0.0", watchful())
	const callers = 8
	ids := make(chan string, callers)
	for range callers {
		go func() {
			record, err := o.orgo.CreateRelease(t.Context(), request, "once")
			if err != nil {
				record.ReleaseID = err.Error()
			}
			ids <- record.ReleaseID
		}()
	}
	id := records.ReleaseID(records.DefaultOrganization, "once")
	for range callers {
		require.Equal(t, id, <-ids)
	}
	o.reaches(t, id, rollout.PhaseObserving)
	_, err := o.orgo.CreateRelease(t.Context(), o.order("main", "1.1.0", watchful()), "once")
	refused(t, gates.IdempotencyKeyReused, err)
	list, err := o.orgo.Releases(t.Context(), client.ReleaseListQuery{})
	require.NoError(t, err)
	require.Len(t, list.Releases, 1)

	hold := client.HoldRelease{Because: because("a look")}
	for range 3 {
		held, err := o.orgo.ActOnRelease(t.Context(), id, hold, "hold")
		require.NoError(t, err)
		require.Len(t, held.Holds, 1)
	}
	_, err = o.orgo.ActOnRelease(t.Context(), id, hold, "another")
	refused(t, gates.InvalidTransition, err)
	_, err = o.orgo.ActOnRelease(t.Context(), id, client.Abort{Because: because("a look")}, "hold")
	refused(t, gates.IdempotencyKeyReused, err)

	for range 2 {
		channel, err := o.orgo.ActOnChannel(t.Context(), named("main"), client.HoldChannel{Because: because("once")}, "channel-hold")
		require.NoError(t, err)
		require.Len(t, channel.Holds, 1)
	}
}

func TestReleaseAfterReleaseOnOneChannel(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0", "1.2.0")
	o.play(t)
	first := o.send(t, o.order("main", "1.0.0", quick()))
	o.becomes(t, first, "in turn", func(r release.Record) bool {
		return r.Phase != string(rollout.PhaseDraft) && r.Phase != string(rollout.PhaseChecking)
	})
	second := o.send(t, o.order("main", "1.1.0", watchful()))
	queued := o.becomes(t, second, "waiting for its turn", func(r release.Record) bool {
		return r.Phase == string(rollout.PhaseApproved) && r.Waits != nil
	})
	require.Contains(t, queued.Waits.For, "its turn")
	closed := o.reaches(t, first, rollout.PhaseClosedGood)
	begun := o.reaches(t, second, rollout.PhaseObserving)
	require.True(t, begun.Stages[0].ActivatedAt.After(closed.Stages[0].ActiveAt.Add(time.Second)))
	o.requireActive(t, "main", second)

	request := o.order("main", "1.2.0", quick())
	request.Supersede = true
	third := o.send(t, request)
	over := o.becomes(t, second, "ended", client.ReleaseSettled)
	require.Equal(t, string(gates.ReleaseSuperseded), over.Code)
	t.Logf("the superseded one ended in %s", over.Phase)
	o.reaches(t, third, rollout.PhaseClosedGood)
	o.requireActive(t, "main", third)
	channel, err := o.orgo.Channel(t.Context(), named("main"))
	require.NoError(t, err)
	require.Empty(t, channel.Holds, "what was superseded did not fail")
}
