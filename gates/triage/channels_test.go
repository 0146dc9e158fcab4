package triage_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/gates/triage"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/release"
)

func triggered(t *testing.T, actor string, code gates.Code) records.Entry {
	return ofChannel(t, release.TypeRollbackTriggered, actor, "it is slow",
		rollout.Effect{Kind: rollout.Gather, ID: "r1", Cohorts: []string{"canary"}, Code: code}, string(code))
}

// Each of the four Tasks is completed by what is done.
func TestARollbackThatPersonsAskFor(t *testing.T) {
	t.Parallel()
	cause := "rollback/" + channel.ID
	for code, actor := range map[gates.Code]string{
		gates.RollbackRequested: "ann", gates.ArtifactRevoked: "ann", gates.PackQuarantined: "ann", gates.BelowMinimum: "ann",
		gates.AbortRequested: records.SystemActor, // the release asks, and a person asked that
	} {
		e := triggered(t, actor, code)
		found := of(t, e, triage.Context{})
		require.Equal(t, []string{"open " + cause, "done " + cause + " freeze"}, said(found), code)
		c := admitted(t, e, found[0])
		require.Len(t, c.Tasks, 4)
		require.Contains(t, c.Refs, cases.Ref{Type: "rollback", Ref: "r1"})
	}
	target := rollout.Placement{ReleaseID: "r0", Pack: rollout.Pack{Digest: records.DigestOf([]byte("pack")), Version: "1.0.0"}}
	placed := rollout.Effect{Kind: rollout.TargetFound, ID: "r1", Cohorts: []string{"canary"}, Selection: &rollout.Selection{Target: &target}}
	found := of(t, ofChannel(t, release.TypeRollbackTarget, records.SystemActor, "", placed), triage.Context{})
	require.Equal(t, []string{"done " + cause + " roll-back"}, said(found))
	require.Contains(t, found[0].Reason, target.Pack.Digest.String())
	back := rollout.Effect{Kind: rollout.TakenBack, ReleaseID: releaseID, ID: "r1", Code: gates.RollbackRequested}
	require.Equal(t, []string{"done " + cause + " validate", "cleared no-target/" + channel.ID},
		said(of(t, ofChannel(t, release.TypeRollbackCompleted, records.SystemActor, "", back), triage.Context{})))

	lift := func(owner string) (records.Entry, triage.Context) {
		arguments, err := json.Marshal(release.Lift{Owner: owner})
		require.NoError(t, err)
		command := records.Command{Action: release.ActionLift, Arguments: arguments}
		e := ofChannel(t, records.TypeActionAccepted, "ann", "mended", records.CommandOutcome{Command: "c1", Action: release.ActionLift, Before: "HELD", After: "QUIET"})
		require.Equal(t, triage.Need{Command: "c1"}, triage.Needs(e))
		return e, triage.Context{Command: &command}
	}
	e, more := lift(rollout.AfterRollback)
	require.Equal(t, []string{"done " + cause + " unfreeze", "cleared " + cause}, said(of(t, e, more)))
	_, err := triage.Of(e, triage.Context{})
	require.ErrorIs(t, err, triage.ErrContext)
	e, more = lift("")
	require.Empty(t, of(t, e, more), "a hold of one's own")
	of(t, ofChannel(t, records.TypeActionAccepted, "ann", "", records.CommandOutcome{Command: "c1", Action: release.ActionHold}), triage.Context{})
}

func TestARollbackThatOrgoBegins(t *testing.T) {
	t.Parallel()
	require.Empty(t, of(t, triggered(t, records.SystemActor, gates.MetricOutOfBounds), triage.Context{}), "the release's Case is about that")
	require.Empty(t, of(t, triggered(t, records.SystemActor, gates.ReleaseSuperseded), triage.Context{}), "that was meant")
}

func TestARollbackWithoutATarget(t *testing.T) {
	t.Parallel()
	cause := "no-target/" + channel.ID
	e := ofChannel(t, release.TypeCaseNeeded, records.SystemActor, "",
		rollout.Effect{Kind: rollout.OpenCase, ID: "r1", Cohorts: []string{"canary"}, Code: gates.RollbackNoTarget}, string(gates.RollbackNoTarget))
	e.Correlation.Channel = "staging/stable" // wherever it is
	found := of(t, e, triage.Context{})
	require.Equal(t, []string{"open " + cause}, said(found))
	c := admitted(t, e, found[0])
	require.Equal(t, "SEV1", c.Route.Severity)
	require.Equal(t, cases.Critical, c.Route.Priority)
	failed := rollout.Effect{Kind: rollout.InSafeMode, ReleaseID: releaseID, ID: "r1"}
	require.Equal(t, []string{"done rollback/" + channel.ID + " validate"}, said(of(t, ofChannel(t, release.TypeRollbackFailed, records.SystemActor, "", failed), triage.Context{})))
	active := rollout.Effect{Kind: rollout.Activated, ReleaseID: releaseID}
	require.Equal(t, []string{"cleared " + cause}, said(of(t, ofChannel(t, release.TypeCohortActivated, records.SystemActor, "", active), triage.Context{})))
}

func TestDrift(t *testing.T) {
	t.Parallel()
	cause := func(cohort string) string { return "drift/" + channel.ID + "/" + cohort }
	seen := rollout.Effect{Kind: rollout.DriftSeen, Cohorts: []string{"a", "c"}, Code: gates.DriftDetected}
	e := ofChannel(t, release.TypeChannelDriftFound, records.SystemActor, "", seen, string(gates.DriftDetected))
	require.True(t, triage.Needs(e).Channel)
	found := of(t, e, cohorts("a", "b", "c"))
	require.Equal(t, []string{"open " + cause("a"), "open " + cause("c"), "cleared " + cause("b")}, said(found))
	require.Equal(t, "SEV1", admitted(t, e, found[0]).Route.Severity)
	asked := ofChannel(t, release.TypeCaseNeeded, records.SystemActor, "", rollout.Effect{Kind: rollout.OpenCase, Code: gates.DriftDetected}, string(gates.DriftDetected))
	require.Empty(t, of(t, asked, triage.Context{}), "the drift itself says it already")
	for _, gone := range []records.Entry{
		ofChannel(t, release.TypeChannelDriftCleared, records.SystemActor, "", rollout.Effect{Kind: rollout.DriftGone}),
		ofChannel(t, release.TypeChannelConfirmed, records.SystemActor, "", map[string]any{"sequence": 7}),
	} {
		require.Equal(t, []string{"cleared " + cause("a"), "cleared " + cause("b")}, said(of(t, gone, cohorts("a", "b"))))
	}
}

func TestWhatElseAsksForAPerson(t *testing.T) {
	t.Parallel()
	e := ofChannel(t, release.TypeCaseNeeded, records.SystemActor, "", rollout.Effect{Kind: rollout.OpenCase, Code: gates.TargetUnavailable}, string(gates.TargetUnavailable))
	require.Equal(t, []string{"open request/" + e.ID}, said(of(t, e, triage.Context{})))
}
