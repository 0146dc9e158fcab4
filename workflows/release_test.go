package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// quiet is a world in which nothing goes wrong, and nobody does anything.
func quiet() *world {
	w := newWorld(1, 0, honest)
	w.calm, w.solo, w.bad = true, true, 0
	w.entries, w.byID = map[records.Subject][]records.Entry{}, map[string]records.Digest{}
	w.request.Strategy.Stages = []release.Stage{{Name: "one", Cohorts: []string{"a"}}, {Name: "two", Cohorts: []string{"b"}}}
	w.append(w.entry(release.TypeRequested, records.ReleaseSubject(releaseID), requester, "requested", w.request))
	return w
}

// lives runs a world to its end.
func lives(t *testing.T, w *world) {
	t.Helper()
	if err := w.live(); err != nil {
		require.True(t, temporal.IsCanceledError(err), "%v", err)
	}
	require.Empty(t, w.breaches)
}

func TestAReleaseGoesOutAndCloses(t *testing.T) {
	t.Parallel()
	w := quiet()
	lives(t, w)
	require.Equal(t, string(rollout.PhaseClosedGood), w.phase)
	require.Len(t, w.channel.Good, 1)
}

// What the channel told is in the store. That nobody said so, because the channel's
// workflow ended just then, must not leave a release where it is.
func TestAReleaseLooksForWhatNobodySaidIsThere(t *testing.T) {
	t.Parallel()
	w := quiet()
	w.mute, w.length = true, 5*time.Minute
	lives(t, w)
	require.Equal(t, string(rollout.PhaseClosedGood), w.phase)
}

// A hold of the channel keeps a release where it is, however long: it is no reason to
// take back what is well.
func TestAReleaseOutlastsAHoldOfItsChannel(t *testing.T) {
	t.Parallel()
	for name, until := range map[string]int{"before its first stage": -1, "between two stages": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := quiet()
			w.length = 20 * time.Minute
			channel := records.ChannelSubject(organization, main0)
			hold := func() { w.person(channel, records.TypeActionRequested, "otto", release.ActionHold, struct{}{}) }
			held, lifted := until < 0, false
			if held {
				hold()
			}
			w.every = func() {
				if turn := w.channel.Turn; turn != nil && turn.Stage == until && !held {
					held = true
					hold()
				}
				if held && !lifted && w.now().Sub(worldStart) > 12*time.Minute {
					lifted = true
					w.person(channel, records.TypeActionRequested, "otto", release.ActionLift, release.Lift{})
				}
			}
			lives(t, w)
			require.True(t, lifted)
			require.Equal(t, string(rollout.PhaseClosedGood), w.phase, "%s %v", w.record().Code, w.record().Codes)
		})
	}
}

// The channel knows the pack by another version: however often the release is checked
// and approved, it will not join.
func TestAReleaseThatCannotJoinEnds(t *testing.T) {
	t.Parallel()
	w := quiet()
	other := successor()
	other.Supersede = false
	other.Content = fact.pack
	other.Content.Version = "1.1.0"
	other.Pack.Digest, _ = other.Content.Digest()
	other.Pack.Version = "1.1.0"
	w.person(records.ChannelSubject(organization, main0), records.TypeActionAsked, records.SystemActor, rollout.AskJoin, other)
	lives(t, w)
	require.Equal(t, string(rollout.PhaseIneligible), w.phase)
	require.Less(t, len(w.entries[records.ReleaseSubject(releaseID)]), 100)
}

// Somebody raises the minimum of a channel that never had a release, and asks for one at
// once: what that published is not read back yet.
func TestAReleaseWaitsForWhatItsChannelPublished(t *testing.T) {
	t.Parallel()
	for name, lag := range map[string]time.Duration{"for a while": 10 * time.Second, "not for ever": horizon} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := quiet()
			w.append(w.entry(release.TypeChannelIndexed, records.ChannelSubject(organization, main0), records.SystemActor, "raised", struct{}{}))
			w.channel.Sequence++ // and nobody has read it back
			sequence := w.channel.Sequence
			w.every = func() {
				if w.now().Sub(worldStart) >= lag && w.channel.Confirmed < sequence {
					w.readBack(sequence)
				}
			}
			lives(t, w)
			if lag == horizon {
				require.Equal(t, string(rollout.PhaseIneligible), w.phase, "%s %v", w.record().Code, w.record().Codes)
				require.Equal(t, gates.CompatibilityUnknown, gates.Code(w.record().Code))
				return
			}
			require.Equal(t, string(rollout.PhaseClosedGood), w.phase, "%s %v", w.record().Code, w.record().Codes)
		})
	}
}

// Worlds that made a release go forward without PASS, with the rate of faults and the
// operators that they had. What runs at once in them does not always meet: each is lived
// through a few times. Whoever changes what is drawn has to look for others, with the fault
// planted again, or these show nothing.
func TestHistoriesThatOnceWentWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		seed           uint64
		rate, restless int
		why            string
	}{
		{5232, 200, 4, "a stage that was judged well twice, as a hold was lifted, was taken for a soak"},
	} {
		t.Run(c.why, func(t *testing.T) {
			t.Parallel()
			for range 30 {
				w := newWorld(c.seed, c.rate, honest)
				w.restless = c.restless
				_ = w.live() // that it is cut off is no matter
				require.Empty(t, w.breaches)
			}
		})
	}
}
