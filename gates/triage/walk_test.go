package triage_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/gatestest"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/gates/triage"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/release"
)

// desk carries out meanings as whoever opens Cases does: one open Case for a cause.
type desk struct {
	open   map[string]bool
	opened map[string]int
}

func (d *desk) take(found []triage.Meaning) {
	for _, m := range found {
		cause := m.Cause.String()
		switch m.Kind {
		case triage.Open:
			if !d.open[cause] {
				d.open[cause] = true
				d.opened[cause]++
			}
		case triage.Cleared, triage.Obsolete:
			d.open[cause] = false
		}
	}
}

// Events that take a release forward come more often: it would never get far otherwise.
var (
	forward = []rollout.ReleaseEventKind{
		rollout.Submitted, rollout.Eligible, rollout.Agreed, rollout.TurnGranted, rollout.Distributed, rollout.Verified, rollout.StageActive, rollout.JudgedGood,
	}
	other = []rollout.ReleaseEventKind{
		rollout.NotEligible, rollout.VotedDown, rollout.IntentChanged, rollout.NotDistributed, rollout.NotVerified, rollout.StageInactive, rollout.JudgedBad,
		rollout.WentBack, rollout.NoTargetFound, rollout.AskedAbort, rollout.AskedRollback, rollout.WasRevoked, rollout.WasSuperseded,
	}
)

func drawn(random *rand.Rand) rollout.ReleaseEventKind {
	if random.IntN(50) > 0 {
		return forward[random.IntN(len(forward))]
	}
	return other[random.IntN(len(other))]
}

// codesOf are what an event brings, as those do who make it.
var codesOf = map[rollout.ReleaseEventKind]gates.Code{
	rollout.NotEligible: gates.ArtifactMissing, rollout.VotedDown: gates.ApprovalRejected, rollout.NotDistributed: gates.TargetUnavailable,
	rollout.NotVerified: gates.DigestMismatch, rollout.StageInactive: gates.ActivationFailed, rollout.JudgedBad: gates.MetricOutOfBounds,
	rollout.AskedAbort: gates.AbortRequested, rollout.AskedRollback: gates.RollbackRequested, rollout.WasRevoked: gates.ArtifactRevoked,
	rollout.WasSuperseded: gates.ReleaseSuperseded,
}

// walk takes a release through random events, and returns the first thing that is wrong
// with its Cases.
func walk(t *testing.T, random *rand.Rand, forget triage.Kind) (wrong string, end rollout.Phase) {
	d := desk{map[string]bool{}, map[string]int{}}
	machine := rollout.NewRelease(releaseID, 1+random.IntN(3))
	failed := false // it came to where something is wrong, and no person did it
	for range 300 {
		in := rollout.ReleaseEvent{Kind: drawn(random), Stage: machine.Stage, Actor: records.SystemActor}
		in.Code = codesOf[in.Kind]
		if in.Kind == rollout.WentBack || in.Kind == rollout.NoTargetFound {
			in.Code = []gates.Code{gates.MetricOutOfBounds, gates.RollbackRequested, gates.ReleaseSuperseded}[random.IntN(3)]
			if machine.Code != "" {
				in.Code = machine.Code
			}
		}
		next, _, refused := machine.Reduce(in)
		if refused != nil {
			continue
		}
		before := machine.Phase
		machine = next
		var codes []string
		if in.Code != "" {
			codes = []string{string(in.Code)}
		}
		e := ofRelease(t, release.TypeReleaseMoved, in.Actor, "", release.Moved{Event: string(in.Kind), Before: string(before), After: string(machine.Phase)}, codes...)
		found := of(t, e, solo(false))
		if found != nil && found[0].Kind == forget {
			found = found[1:]
		}
		d.take(found)
		switch in.Kind {
		case rollout.NotEligible, rollout.NotDistributed, rollout.NotVerified, rollout.StageInactive, rollout.JudgedBad:
			failed = true
		case rollout.WentBack, rollout.NoTargetFound:
			failed = failed || before != rollout.PhaseRollingBack && in.Code == gates.MetricOutOfBounds
		}
		if wrong := d.wrong(t, machine.Phase, failed); wrong != "" {
			return fmt.Sprintf("%s after %s: %s to %s", wrong, in.Kind, before, machine.Phase), machine.Phase
		}
		if machine.Phase == rollout.PhaseObserving && random.IntN(2) == 0 {
			d.take(of(t, ofRelease(t, release.TypeOperatorPaged, records.SystemActor, "", map[string]any{"stage": "a"}), triage.Context{}))
			d.take(of(t, ofRelease(t, records.TypeRecordWritten, records.SystemActor, "", release.Record{Codes: []string{"PROMOTION_MISSING"}}), triage.Context{}))
		}
	}
	return "", machine.Phase
}

func (d *desk) wrong(t *testing.T, phase rollout.Phase, failed bool) string {
	t.Helper()
	is := func(kind string) bool { return d.open[kind+"/"+releaseID] }
	watched := phase == rollout.PhaseObserving || phase == rollout.PhaseSoaking
	switch {
	case is(cases.CauseApproval) != (phase == rollout.PhaseAwaitingApproval):
		return "an approval is waited for, or is not"
	case !watched && (is(cases.CausePage) || is(cases.CausePromotion)):
		return "somebody is waited for who can do nothing"
	case failed != is(cases.CauseRelease), failed != (d.opened[cases.CauseRelease+"/"+releaseID] == 1):
		return "what failed has one Case, and what did not has none"
	default:
		return ""
	}
}

// However a release goes, it has one Case if it failed, and nobody is asked for what
// they can do nothing about any more.
func TestAReleaseHasTheCasesThatItNeeds(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	ends := map[rollout.Phase]int{}
	for range gatestest.Cases(t, 1500) {
		wrong, end := walk(t, random, "")
		require.Empty(t, wrong)
		ends[end]++
	}
	for _, phase := range []rollout.Phase{
		rollout.PhaseIneligible, rollout.PhaseRolledBack, rollout.PhaseSafeMode, rollout.PhaseAborted, rollout.PhaseSuperseded, rollout.PhaseFailed,
	} {
		require.Positive(t, ends[phase], "%s was reached: %v", phase, ends)
	}
	t.Log(ends)
}

// Planted faults: a meaning that is forgotten is seen.
func TestForgottenMeaningsAreSeen(t *testing.T) {
	t.Parallel()
	for _, kind := range []triage.Kind{triage.Open, triage.Obsolete} {
		random, seen := rand.New(rand.NewPCG(5, 6)), false
		for range 300 {
			wrong, _ := walk(t, random, kind)
			seen = seen || wrong != ""
		}
		require.True(t, seen, "%s", kind)
	}
}
