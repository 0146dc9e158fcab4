package rollout

import (
	"slices"

	"github.com/initkoa/orgo/gates"
)

// maxGood bounds the closed-good releases that a channel remembers.
const maxGood = 32

// Join asks for a turn. A release waits for the running one, or supersedes it.
type Join struct {
	Candidacy
	Supersede bool `json:"supersede,omitempty"`
}

func (j Join) on(c *Channel, _ ChannelEvent) ([]Effect, *Refusal) {
	switch {
	case !j.valid():
		return nil, refuse(gates.RequestInvalid, "a release needs an id, a pack with digest and version, and stages that each name cohorts")
	case c.Turn != nil && c.Turn.ReleaseID == j.ReleaseID && c.Turn.Stage < 0:
		return []Effect{{Kind: Granted, ReleaseID: j.ReleaseID}}, nil // asked again, told again
	case c.waits(j.ReleaseID):
		return nil, refuse(gates.InvalidTransition, "release %s has joined already", j.ReleaseID)
	case c.Revoked.has(j.Pack.Digest):
		return nil, refuse(gates.ArtifactRevoked, "pack %s is revoked", j.Pack.Digest)
	}
	if !j.Supersede || c.Turn == nil {
		c.Queue = append(slices.Clone(c.Queue), j.Candidacy)
		return c.grant(), nil
	}
	c.Queue = slices.Insert(slices.Clone(c.Queue), 0, j.Candidacy)
	running := c.Turn
	if running.Stage >= 0 {
		// What it has placed is taken back before the next begins.
		return c.contain(Containment{
			ID: "superseded-by-" + j.ReleaseID, Packs: digests{running.Pack.Digest},
			Code: gates.ReleaseSuperseded, Class: gates.ClassGovernance,
		}), nil
	}
	c.Turn = nil
	return append([]Effect{{Kind: Superseded, ReleaseID: running.ReleaseID, Code: gates.ReleaseSuperseded}}, c.grant()...), nil
}

func (j Join) valid() bool {
	empty := func(cohorts []string) bool { return len(cohorts) == 0 || slices.Contains(cohorts, "") }
	return j.ReleaseID != "" && j.Pack.Valid() && len(j.Stages) > 0 && !slices.ContainsFunc(j.Stages, empty)
}

func (c Channel) waits(release string) bool {
	queued := func(q Candidacy) bool { return q.ReleaseID == release }
	return c.Turn != nil && c.Turn.ReleaseID == release || slices.ContainsFunc(c.Queue, queued)
}

// grant gives the turn to the first that waits, if nobody has it.
func (c *Channel) grant() []Effect {
	if c.Turn != nil || len(c.Queue) == 0 {
		return nil
	}
	first := c.Queue[0]
	c.Queue = slices.Clone(c.Queue[1:])
	c.Turn = &Turn{Candidacy: first, Stage: -1}
	return []Effect{{Kind: Granted, ReleaseID: first.ReleaseID}}
}

// Advance makes a release's pack the desired one in the cohorts of its next stage.
type Advance struct {
	Warrant Warrant `json:"warrant"`
}

func (a Advance) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	m := c.moveOf(a.Warrant, e)
	if stopped := c.whyNot(m); len(stopped) > 0 {
		return nil, &stopped[0]
	}
	if a.Warrant.Stage >= m.stages {
		return nil, refuse(gates.InvalidTransition, "release %s has no stage %d", a.Warrant.ReleaseID, a.Warrant.Stage)
	}
	cohorts := c.Turn.Stages[a.Warrant.Stage]
	c.ensure(cohorts)
	for _, cohort := range cohorts {
		placed := c.Turn.Placement
		c.slot(cohort).Desired = &placed
	}
	turn := *c.Turn
	turn.Stage++
	c.Turn = &turn
	return c.publish(), nil
}

// WhyNot returns all that keeps a move from being made, in order of precedence.
func (c Channel) WhyNot(w Warrant, e ChannelEvent) []Refusal { return c.whyNot(c.moveOf(w, e)) }

func (c Channel) moveOf(w Warrant, e ChannelEvent) move {
	m := move{warrant: w, pack: Pack{Digest: w.Pack}, at: e.At, stages: w.Stage + 1}
	if c.Turn != nil && c.Turn.ReleaseID == w.ReleaseID {
		m.stages = len(c.Turn.Stages)
		if c.Turn.Pack.Digest == w.Pack {
			m.pack = c.Turn.Pack
		}
	}
	return m
}

// publish numbers a new index. Older ones, and what is read back of them, count no
// more.
func (c *Channel) publish() []Effect {
	c.Sequence++
	c.Drifted = nil
	return []Effect{{Kind: Publish, Sequence: c.Sequence}}
}

// relist publishes what is to be known besides what is active. While it is not chosen yet
// where a containment goes, that choice publishes it: an index of now would name what is
// being taken back, and be refused for that.
func (c *Channel) relist() []Effect {
	if c.Containment != nil && !c.Containment.Placed {
		return nil
	}
	return c.publish()
}

// Close ends a release that is active everywhere and stayed well: it is one that a
// rollback may go to.
type Close struct {
	Warrant Warrant `json:"warrant"`
}

func (a Close) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	m := c.moveOf(a.Warrant, e)
	if a.Warrant.Stage < m.stages {
		return nil, refuse(gates.InvalidTransition, "release %s has stages left", a.Warrant.ReleaseID)
	}
	if stopped := c.whyNot(m); len(stopped) > 0 {
		return nil, &stopped[0]
	}
	closed := c.Turn.Placement
	good := slices.DeleteFunc(slices.Clone(c.Good), func(p Placement) bool { return p.Pack.Digest == closed.Pack.Digest })
	good = append(good, closed)
	c.Good = good[max(0, len(good)-maxGood):]
	c.Turn = nil
	return c.grant(), nil
}

// Leave ends a release that placed nothing.
type Leave struct {
	ReleaseID string `json:"release_id"`
}

func (a Leave) on(c *Channel, _ ChannelEvent) ([]Effect, *Refusal) {
	switch {
	case !c.waits(a.ReleaseID):
		return nil, refuse(gates.InvalidTransition, "release %s is not here", a.ReleaseID)
	case c.Turn != nil && c.Turn.ReleaseID == a.ReleaseID && c.Turn.Stage >= 0:
		return nil, refuse(gates.InvalidTransition, "release %s has placed its pack: it has to be rolled back", a.ReleaseID)
	}
	return c.dismiss(func(q Candidacy) bool { return q.ReleaseID == a.ReleaseID }), nil
}

// dismiss takes those that placed nothing out of turn and queue.
func (c *Channel) dismiss(whom func(Candidacy) bool) []Effect {
	c.Queue = slices.DeleteFunc(slices.Clone(c.Queue), whom)
	if c.Turn != nil && c.Turn.Stage < 0 && whom(c.Turn.Candidacy) {
		c.Turn = nil
	}
	return c.grant()
}
