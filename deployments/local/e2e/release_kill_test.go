//go:build linux

package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/deployments/local/nodes"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/workflows"
)

// TestReleaseThatIsKilledInManyPhasesGoesOn kills the stack whenever the release has
// come to a phase or stage in which it was not killed yet.
func TestReleaseThatIsKilledInManyPhasesGoesOn(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0")
	o.play(t)
	strategy := staged()
	strategy.Deadline = records.Duration(patience)
	id := o.send(t, o.order("main", "1.0.0", strategy))
	killed := map[string]bool{}
	const kills = 10
	for len(killed) < kills {
		at := o.becomes(t, id, "somewhere new", func(r release.Record) bool {
			return !killed[r.Phase] || r.Phase == string(rollout.PhaseClosedGood)
		})
		if at.Phase == string(rollout.PhaseClosedGood) {
			break
		}
		killed[at.Phase] = true
		o.restart(t)
	}
	t.Logf("killed in %v", killed)
	require.GreaterOrEqual(t, len(killed), 3)
	o.reaches(t, id, rollout.PhaseClosedGood)
	o.requireActive(t, "main", id)
	requireMovedOnce(t, o.moves(t, id))
	o.verify(t)
}

// requireMovedOnce requires that a release came to each phase of each stage once.
func requireMovedOnce(t *testing.T, moves []string) {
	t.Helper()
	once := slices.Clone(moves)
	slices.Sort(once)
	require.Len(t, slices.Compact(once), len(moves), "%s", strings.Join(moves, ", "))
}

func TestReleaseThatIsKilledWhileItGoesBackGoesBack(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0")
	o.play(t)
	good := o.sent(t, "main", "1.0.0")
	o.inject(t, nodes.Fault{Version: "1.1.0", Failures: 1})
	bad := o.send(t, o.order("main", "1.1.0", quick()))
	o.becomes(t, bad, "going back", func(r release.Record) bool {
		return r.Phase == string(rollout.PhaseRollingBack) || r.Phase == string(rollout.PhaseRolledBack)
	})
	o.restart(t)
	back := o.reaches(t, bad, rollout.PhaseRolledBack)
	require.Equal(t, string(gates.MetricOutOfBounds), back.Code)
	o.requireActive(t, "main", good)
	requireMovedOnce(t, o.moves(t, bad))
	o.verify(t)
}

// terminate ends a workflow in Temporal, as an administrator can.
func (s *stack) terminate(t *testing.T, workflowID string) {
	t.Helper()
	require.NoError(t, s.temporal(t).TerminateWorkflow(t.Context(), workflowID, "", "a test"))
}

func TestReleaseIsTakenBackWithoutItsWorkflow(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0")
	o.play(t)
	good := o.sent(t, "main", "1.0.0")
	bad := o.send(t, o.order("main", "1.1.0", watchful()))
	o.reaches(t, bad, rollout.PhaseObserving)
	o.requireActive(t, "main", bad)
	o.terminate(t, workflows.ReleaseWorkflowID(records.DefaultOrganization, bad))

	_, err := o.orgo.Rollback(t.Context(), bad, client.RollbackRelease{Because: because("it is gone")}, "")
	require.NoError(t, err)
	o.onChannel(t, "main", "back", func(r rollout.Record) bool { return r.Containment == nil && r.Confirmed == r.Sequence && r.Turn == nil })
	o.requireActive(t, "main", good)
	o.verify(t)
}

// TestReleaseWithoutItsWorkflowIsCarriedOn ends the workflow of a release that runs. What
// its channel did meanwhile is in its record once the stack has started again.
func TestReleaseWithoutItsWorkflowIsCarriedOn(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0")
	o.play(t)
	first := o.send(t, o.order("main", "1.0.0", watchful()))
	o.reaches(t, first, rollout.PhaseObserving)
	o.terminate(t, workflows.ReleaseWorkflowID(records.DefaultOrganization, first))
	_, err := o.orgo.Rollback(t.Context(), first, client.RollbackRelease{Because: because("it is gone")}, "")
	require.NoError(t, err)
	o.onChannel(t, "main", "back", func(r rollout.Record) bool { return r.Containment == nil && r.Turn == nil })
	o.requireInactive(t, "main")

	second := o.send(t, o.order("other", "1.1.0", quick()))
	o.becomes(t, second, "under way", func(r release.Record) bool { return r.Intent != nil })
	o.terminate(t, workflows.ReleaseWorkflowID(records.DefaultOrganization, second))

	o.restart(t)
	safe := o.reaches(t, first, rollout.PhaseSafeMode)
	require.Equal(t, string(gates.RollbackRequested), safe.Code)
	o.reaches(t, second, rollout.PhaseClosedGood)
	o.requireActive(t, "other", second)
	o.verify(t)
}

func TestReleaseGoesOnAfterTheChannelsWorkflowWasEnded(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0")
	o.play(t)
	channel := workflows.ChannelWorkflowID(records.DefaultOrganization, named("main"))
	first := o.sent(t, "main", "1.0.0")
	o.terminate(t, channel)
	second := o.sent(t, "main", "1.1.0")
	o.requireActive(t, "main", second)

	o.terminate(t, channel)
	_, err := o.orgo.Rollback(t.Context(), second, client.RollbackRelease{Because: because("a test")}, "")
	require.NoError(t, err)
	back := o.reaches(t, second, rollout.PhaseRolledBack)
	require.Equal(t, string(gates.RollbackRequested), back.Code)
	o.requireActive(t, "main", first)

	o.terminate(t, channel)
	after := o.act(t, "main", client.LiftChannel{Lift: release.Lift{Owner: rollout.AfterRollback}, Because: because("a test")})
	require.Empty(t, after.Holds)
	require.Equal(t, after.Sequence, after.Confirmed, "what is active was published")
	o.verify(t)
}

// TestReleaseIsNotUndoneByAChannelThatStartsAgain starts the channel's workflow again from
// its beginning, as an administrator can: the store keeps what was done from being
// done again.
func TestReleaseIsNotUndoneByAChannelThatStartsAgain(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0")
	o.play(t)
	first := o.sent(t, "main", "1.0.0")
	before := o.onChannel(t, "main", "quiet", func(r rollout.Record) bool { return r.Turn == nil })
	id := workflows.ChannelWorkflowID(records.DefaultOrganization, named("main"))
	o.terminate(t, id)
	_, err := o.temporal(t).ExecuteWorkflow(t.Context(), temporal.StartWorkflowOptions{ID: id, TaskQueue: workflows.TaskQueue},
		workflows.ChannelWorkflow, workflows.ChannelInput{Organization: records.DefaultOrganization, Channel: named("main")})
	require.NoError(t, err)
	eventually(t, "the channel has begun again", func() bool {
		var begun rollout.Record
		answer, err := o.temporal(t).QueryWorkflow(t.Context(), id, "", workflows.QueryChannel)
		return err == nil && answer.Get(&begun) == nil && begun.Version == before.Version
	})
	after, err := o.orgo.Channel(t.Context(), named("main"))
	require.NoError(t, err)
	require.Equal(t, before, after)
	o.requireActive(t, "main", first)
}
