package rollout_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
)

// setWorld has sets of releases on real channels. A set is done when all of its releases
// have their turn at one time; a release of none is a set of one channel.
type setWorld struct {
	channels map[string]rollout.Channel
	sets     []*setOf
	ordered  bool // the rule under test: a release joins once the one before has its turn
}

type setOf struct {
	name     string
	channels []string        // sorted
	joined   map[string]bool // by channel
	ends     int             // step at which it is aborted, if it is not done before; -1 never
	over     bool
}

func (w *setWorld) on(t *testing.T, channel string, action rollout.Action) {
	t.Helper()
	next, _, refused := w.channels[channel].Reduce(rollout.ChannelEvent{At: time.Unix(1, 0), Actor: records.SystemActor, Reason: "r", Action: action})
	require.Nil(t, refused)
	w.channels[channel] = next
}

func (s *setOf) member(channel string) string { return s.name + "/" + channel }

func (w *setWorld) hasTurn(s *setOf, channel string) bool {
	turn := w.channels[channel].Turn
	return turn != nil && turn.ReleaseID == s.member(channel)
}

// possible are the steps that can be taken now.
func (w *setWorld) possible(t *testing.T) []func() {
	var steps []func()
	for _, s := range w.sets {
		if s.over {
			continue
		}
		all := true
		for i, channel := range s.channels {
			all = all && w.hasTurn(s, channel)
			if !s.joined[channel] && (!w.ordered || i == 0 || w.hasTurn(s, s.channels[i-1])) {
				steps = append(steps, func() {
					s.joined[channel] = true
					w.on(t, channel, rollout.Join{Candidacy: rollout.Candidacy{
						Placement: rollout.Placement{ReleaseID: s.member(channel), Pack: rollout.Pack{Digest: records.DigestOf([]byte(s.name)), Version: "1.0.0", BuildID: "b"}},
						Stages:    [][]string{{"all"}},
					}})
				})
			}
		}
		if all {
			steps = append(steps, func() { w.end(t, s) })
		}
	}
	return steps
}

// end takes what is there of a set off its channels.
func (w *setWorld) end(t *testing.T, s *setOf) {
	s.over = true
	for _, channel := range s.channels {
		if s.joined[channel] {
			w.on(t, channel, rollout.Leave{ReleaseID: s.member(channel)})
		}
	}
}

// run takes steps in a random order, and returns the sets that wait for ever.
func (w *setWorld) run(t *testing.T, random *rand.Rand) []string {
	for n := 0; ; n++ {
		for _, s := range w.sets {
			if s.ends == n && !s.over {
				w.end(t, s)
			}
		}
		steps := w.possible(t)
		if len(steps) == 0 {
			break
		}
		steps[random.IntN(len(steps))]()
	}
	var stuck []string
	for _, s := range w.sets {
		if !s.over {
			stuck = append(stuck, fmt.Sprint(s.name, s.channels))
		}
	}
	return stuck
}

func newSetWorld(random *rand.Rand, ordered bool) *setWorld {
	w := &setWorld{channels: map[string]rollout.Channel{}, ordered: ordered}
	names := []string{"a", "b", "c", "d"}
	for _, name := range names {
		w.channels[name] = rollout.NewRecord("o", records.ChannelName{Environment: "e", Name: name}).Channel
	}
	for i := range 2 + random.IntN(4) {
		s := &setOf{name: fmt.Sprint("s", i), joined: map[string]bool{}, ends: -1}
		for _, at := range random.Perm(len(names))[:1+random.IntN(len(names))] {
			s.channels = append(s.channels, names[at])
		}
		slices.Sort(s.channels)
		if random.IntN(4) == 0 {
			s.ends = random.IntN(8)
		}
		w.sets = append(w.sets, s)
	}
	return w
}

// TestSetsDoNotWaitForEachOther has sets and single releases take their turns in any
// order. With the rule all end; without it, which is the planted fault, some do not.
func TestSetsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	const worlds = 2000
	stuck := 0
	for seed := range uint64(worlds) {
		require.Empty(t, newSetWorld(rand.New(rand.NewPCG(seed, 1)), true).run(t, rand.New(rand.NewPCG(seed, 2))), "seed %d", seed)
		if len(newSetWorld(rand.New(rand.NewPCG(seed, 1)), false).run(t, rand.New(rand.NewPCG(seed, 2)))) > 0 {
			stuck++
		}
	}
	require.Greater(t, stuck, worlds/10, "releases that join as they come")
}

// TestWhoHasTheTurn holds for every phase what the others of a set read out of it, against
// the machine: from when the turn is granted to the end.
func TestWhoHasTheTurn(t *testing.T) {
	t.Parallel()
	everyRelease(t, func(from visit, in rollout.ReleaseEvent, next rollout.Release, _ []rollout.Step, refused *rollout.Refusal) {
		if refused != nil {
			return
		}
		had, has := rollout.HasTurn(from.release.Phase), rollout.HasTurn(next.Phase)
		if has && !had {
			require.Equal(t, rollout.TurnGranted, in.Kind, "%v", from.path)
		}
		if had && !has {
			require.True(t, next.Ended() || next.Phase == rollout.PhaseRollingBack, "%v", from.path)
		}
		stage, ready := rollout.ReadyFor(next.Phase, next.Stage)
		if before, was := rollout.ReadyFor(from.release.Phase, from.release.Stage); was && has {
			require.GreaterOrEqual(t, stage, before, "%v", from.path)
		}
		if next.Phase == rollout.PhaseActivating {
			require.True(t, ready && stage == next.Stage)
		}
	})
	require.False(t, rollout.HasTurn(rollout.PhaseApproved))
	_, ready := rollout.ReadyFor(rollout.PhaseVerifying, 0)
	require.False(t, ready)
}
