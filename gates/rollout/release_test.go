package rollout_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
)

var happenings = []rollout.ReleaseEventKind{
	rollout.Submitted, rollout.Eligible, rollout.NotEligible, rollout.Agreed, rollout.VotedDown, rollout.IntentChanged, rollout.TurnGranted,
	rollout.Distributed, rollout.NotDistributed, rollout.Verified, rollout.NotVerified, rollout.StageActive, rollout.StageInactive,
	rollout.JudgedGood, rollout.JudgedBad, rollout.WentBack, rollout.NoTargetFound,
	rollout.AskedHold, rollout.AskedLift, rollout.AskedAbort, rollout.AskedRollback, rollout.WasRevoked, rollout.WasSuperseded,
}

// visit is a release in some state, and how it came to be there.
type visit struct {
	release rollout.Release
	steps   []rollout.Step
	path    []string
}

// everyRelease goes through all states of a release of two stages, with two owners of
// holds, and calls back for every step that is taken or refused.
func everyRelease(t *testing.T, on func(from visit, in rollout.ReleaseEvent, next rollout.Release, do []rollout.Step, refused *rollout.Refusal)) int {
	t.Helper()
	start := rollout.NewRelease("r", 2)
	seen := map[string]bool{fmt.Sprintf("%+v", start): true}
	queue := []visit{{release: start}}
	for ; len(queue) > 0; queue = queue[1:] {
		from := queue[0]
		for _, happening := range happenings {
			for _, stage := range []int{0, 1} {
				for _, owner := range []string{"ann", "bob"} {
					in := rollout.ReleaseEvent{Kind: happening, Stage: stage, Actor: "ann", Owner: owner, Reason: "r", Code: gates.MetricOutOfBounds}
					next, do, refused := from.release.Reduce(in)
					on(from, in, next, do, refused)
					key := fmt.Sprintf("%+v", next)
					if refused == nil && !seen[key] {
						seen[key] = true
						queue = append(queue, visit{next, do, append(slices.Clone(from.path), string(happening))})
					}
				}
			}
		}
	}
	return len(seen)
}

var containment = []rollout.ReleaseEventKind{rollout.AskedAbort, rollout.AskedRollback, rollout.WasRevoked, rollout.WasSuperseded}

func TestTheTableOfReleases(t *testing.T) {
	t.Parallel()
	reached := map[rollout.Phase]bool{}
	states := everyRelease(t, func(from visit, in rollout.ReleaseEvent, next rollout.Release, do []rollout.Step, refused *rollout.Refusal) {
		r := from.release
		reached[r.Phase] = true
		where := fmt.Sprintf("%v then %s", from.path, in.Kind)
		if refused != nil {
			require.Equal(t, r, next, where)
			require.Empty(t, do, where)
			require.Contains(t, []gates.Code{gates.InvalidTransition, gates.ReleaseHeld, gates.HoldOfAnother}, refused.Code, where)
		}
		if slices.Contains(containment, in.Kind) && !r.Ended() && r.Phase != rollout.PhaseClosedGood {
			require.Nil(t, refused, "containment is always legal: %s", where)
		}
		if r.Ended() && in.Kind != rollout.WasRevoked {
			require.NotNil(t, refused, "terminal phases absorb: %s", where)
		}
		if r.Placed() && refused == nil && next.Ended() {
			require.Contains(t, []rollout.Phase{rollout.PhaseRolledBack, rollout.PhaseSafeMode}, next.Phase, "what was placed goes back: %s", where)
		}
		for _, step := range do {
			forward := slices.Contains([]rollout.Step{rollout.DoAdvance, rollout.DoClose}, step)
			require.False(t, forward && (len(next.Holds) > 0 || next.Revoked), "moved while held or revoked: %s", where)
		}
		if next.Status() == rollout.StatusReleased {
			require.Equal(t, rollout.PhaseClosedGood, next.Phase)
			require.NotContains(t, from.path, string(rollout.NotVerified), where)
			require.Contains(t, append(from.path, string(in.Kind)), string(rollout.JudgedGood), where)
		}
		require.NotEmpty(t, next.Status(), "every phase has a status: %s", next.Phase)
	})
	require.Len(t, reached, 17, "every phase is reached")
	t.Logf("%d states", states)
}

// Going back is possible from wherever a release has placed something.
func TestEveryPlacedReleaseGoesBack(t *testing.T) {
	t.Parallel()
	everyRelease(t, func(from visit, _ rollout.ReleaseEvent, _ rollout.Release, _ []rollout.Step, _ *rollout.Refusal) {
		r := from.release
		if !r.Placed() || r.Ended() {
			return
		}
		back, _, refused := r.Reduce(rollout.ReleaseEvent{Kind: rollout.AskedRollback, Actor: "ann", Reason: "r"})
		require.Nil(t, refused, from.path)
		require.Equal(t, rollout.PhaseRollingBack, back.Phase, from.path)
		for _, end := range []rollout.ReleaseEventKind{rollout.WentBack, rollout.NoTargetFound} {
			over, _, refused := back.Reduce(rollout.ReleaseEvent{Kind: end})
			require.Nil(t, refused, from.path)
			require.True(t, over.Ended(), from.path)
		}
	})
}

// A stage's news counts for that stage alone: what comes late or twice moves nothing.
func TestNewsOfAnotherStageMovesNothing(t *testing.T) {
	t.Parallel()
	news := []rollout.ReleaseEventKind{rollout.Distributed, rollout.Verified, rollout.StageActive, rollout.JudgedGood}
	everyRelease(t, func(from visit, in rollout.ReleaseEvent, _ rollout.Release, _ []rollout.Step, refused *rollout.Refusal) {
		if slices.Contains(news, in.Kind) && in.Stage != from.release.Stage {
			require.NotNil(t, refused, "%v then %s of stage %d", from.path, in.Kind, in.Stage)
		}
	})
}

// The table has a name, which changes with any of its rows: what runs is what was
// searched if this is the digest that the binary prints.
func TestTheTableHasADigest(t *testing.T) {
	t.Parallel()
	digest, err := rollout.TableDigest()
	require.NoError(t, err)
	require.Equal(t, "sha256:c2895daeef9ad73a422813b6514ab109e1fc154e4b36628df8761b92f4b153bb", digest.String())
}

// What a phase begins with again is what led into it: whoever changes the one without
// the other is told.
func TestAReleaseGoesOnWithWhatItWouldHaveDone(t *testing.T) {
	t.Parallel()
	everyRelease(t, func(from visit, in rollout.ReleaseEvent, next rollout.Release, do []rollout.Step, refused *rollout.Refusal) {
		if refused != nil || next.Phase == from.release.Phase && next.Stage == from.release.Stage {
			return
		}
		for _, step := range do {
			required := rollout.Resume(next.Phase)
			if step != rollout.DoVoid && step != rollout.DoLeave {
				require.Contains(t, required, step, "%s in %s", in.Kind, from.release.Phase)
			}
		}
	})
}

func TestEveryEventHasItsPlaceInTheStory(t *testing.T) {
	t.Parallel()
	told := map[string]rollout.ReleaseEventKind{}
	for _, kind := range happenings {
		require.NotEmpty(t, kind.Story(), kind)
		require.NotContains(t, told, kind.Story())
		told[kind.Story()] = kind
	}
}
