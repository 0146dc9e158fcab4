package races_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/deployments/local/races"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/telemetry"
	"github.com/initkoa/orgo/workflows"
)

var channel = records.ChannelName{Environment: "production", Name: "main"}

// onRig runs a test on a rig of its own.
func onRig(t *testing.T, interval time.Duration, use func(ctx context.Context, t *testing.T, r *races.Rig)) {
	t.Helper()
	patience := 5 * time.Minute
	if scaled() {
		patience = 30 * time.Minute
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, races.Run(ctx, interval, func(ctx context.Context, r *races.Rig) error {
		use(ctx, t, r)
		return nil
	}))
}

// placed has a good release on a channel, and a newer one that is watched.
func placed(ctx context.Context, t *testing.T, r *races.Rig) (good, watched release.Record) {
	t.Helper()
	build, err := r.Build(ctx, "Europa")
	require.NoError(t, err)
	good, err = r.CloseWell(ctx, races.Order{Key: "good", BuildID: build, Version: "1.0.0", Channel: channel, Observe: time.Second, Soak: time.Second})
	require.NoError(t, err)
	build, err = r.Build(ctx, "Ganymede")
	require.NoError(t, err)
	asked, err := r.Release(ctx, races.Order{Key: "watched", BuildID: build, Version: "1.1.0", Channel: channel, Observe: time.Hour, Soak: time.Second})
	require.NoError(t, err)
	watched, err = r.Await(ctx, asked.ReleaseID, rollout.PhaseObserving)
	require.NoError(t, err)
	return good, watched
}

// requireActive holds what is active everywhere on the channel.
func requireActive(t *testing.T, on rollout.Record, of release.Record) {
	t.Helper()
	require.NotEmpty(t, on.Slots)
	for _, slot := range on.Slots {
		require.NotNil(t, slot.Active, slot.Cohort)
		require.Equal(t, of.ReleaseID, slot.Active.ReleaseID, slot.Cohort)
	}
}

func TestWhatFailsIsTakenBack(t *testing.T) {
	t.Parallel()
	onRig(t, 300*time.Millisecond, func(ctx context.Context, t *testing.T, r *races.Rig) {
		good, watched := placed(ctx, t, r)
		before, err := r.Current(channel)
		require.NoError(t, err)
		require.NoError(t, r.Report(ctx, races.Execution(watched, "canary", telemetry.Failed)))
		require.NoError(t, r.Switched(ctx, channel, before))
		_, err = r.Await(ctx, watched.ReleaseID, rollout.PhaseRolledBack)
		require.NoError(t, err)
		on, err := r.Settled(ctx, channel)
		require.NoError(t, err)
		requireActive(t, on, good)
	})
}

// takenBack has an operator take back what is active, and holds that it is done.
func takenBack(ctx context.Context, t *testing.T, r *races.Rig, good release.Record) {
	t.Helper()
	before, err := r.Current(channel)
	require.NoError(t, err)
	began := time.Now()
	_, err = r.Act(ctx, channel, "olga", "rollback", release.ActionRollback, release.Rollback{})
	require.NoError(t, err)
	require.NoError(t, r.Switched(ctx, channel, before))
	t.Logf("published after %s", time.Since(began))
	on, err := r.Settled(ctx, channel)
	require.NoError(t, err)
	requireActive(t, on, good)
	require.NotEmpty(t, on.Holds, "nothing moves forward until a person has looked")
}

func TestARollbackNeedsNoWorkflowOfTheRelease(t *testing.T) {
	t.Parallel()
	onRig(t, 300*time.Millisecond, func(ctx context.Context, t *testing.T, r *races.Rig) {
		good, watched := placed(ctx, t, r)
		id := workflows.ReleaseWorkflowID(races.Organization, watched.ReleaseID)
		require.NoError(t, r.Temporal.TerminateWorkflow(ctx, id, "", "wedged"))
		takenBack(ctx, t, r, good)
	})
}

// other is what the history of no release begins with.
func other(ctx workflow.Context, _ workflows.ReleaseInput) error {
	return workflow.Sleep(ctx, time.Hour)
}

func TestARollbackNeedsNoReleaseThatReplays(t *testing.T) {
	t.Parallel()
	onRig(t, 300*time.Millisecond, func(ctx context.Context, t *testing.T, r *races.Rig) {
		good, watched := placed(ctx, t, r)
		r.Worker.Stop()
		r.Worker = r.Stack.Worker()
		r.Worker.RegisterWorkflowWithOptions(other, workflow.RegisterOptions{Name: workflows.ReleaseWorkflow, DisableAlreadyRegisteredCheck: true})
		require.NoError(t, r.Worker.Start())
		takenBack(ctx, t, r, good)
		stuck, err := r.Stack.Releases().Release(ctx, races.Organization, watched.ReleaseID)
		require.NoError(t, err)
		require.Equal(t, string(rollout.PhaseObserving), stuck.Phase, "the release was to be wedged")

		r.Worker.Stop() // and with a build that replays it hears of it
		r.Worker = r.Stack.Worker()
		require.NoError(t, r.Worker.Start())
		_, err = r.Await(ctx, watched.ReleaseID, rollout.PhaseRolledBack)
		require.NoError(t, err)
	})
}

// What was asked while nobody took it in is taken in together: several changes, each with
// an index of its own. The target takes one after the other, and has to get them all.
func TestChangesTakenInTogetherArePublished(t *testing.T) {
	t.Parallel()
	onRig(t, 300*time.Millisecond, func(ctx context.Context, t *testing.T, r *races.Rig) {
		good, _ := placed(ctx, t, r)
		for n := range 3 {
			arguments, err := json.Marshal(release.Packs{Packs: []records.Digest{records.DigestOf([]byte{byte(n)})}})
			require.NoError(t, err)
			entry, err := records.NewEntry(records.Entry{
				Organization: races.Organization, Kind: records.KindEvent, Type: records.TypeActionRequested,
				Subject: records.ChannelSubject(races.Organization, channel), At: time.Now(), Actor: "olga", Reason: "because",
			}, fmt.Sprint("olga/waits ", n), records.Command{Action: release.ActionRevoke, Arguments: arguments})
			require.NoError(t, err)
			_, err = r.Stack.Store().Append(ctx, entry)
			require.NoError(t, err)
		}
		_, err := r.Act(ctx, channel, "olga", "rollback", release.ActionRollback, release.Rollback{})
		require.NoError(t, err)
		settles, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		on, err := r.Settled(settles, channel)
		require.NoError(t, err, "index %d is not read back, %d is", on.Sequence, on.Confirmed)
		requireActive(t, on, good)
	})
}
