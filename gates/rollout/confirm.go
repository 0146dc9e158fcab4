package rollout

import (
	"fmt"
	"slices"

	"github.com/initkoa/orgo/gates"
)

// Confirm is what was read back of every cohort after an index was published, or at
// any later time.
type Confirm struct {
	Sequence int64      `json:"sequence"` // of the index that was read with it
	Observed []Observed `json:"observed"`
}

func (a Confirm) on(c *Channel, _ ChannelEvent) ([]Effect, *Refusal) {
	if a.Sequence != c.Sequence {
		return nil, refuse(gates.SequenceStale, "what was read belongs to index %d; the newest is %d", a.Sequence, c.Sequence)
	}
	var differing []string
	for i, slot := range c.Slots {
		c.Slots[i].Active = a.active(slot)
		if !same(c.Slots[i].Active, slot.Desired) {
			differing = append(differing, slot.Cohort)
		}
	}
	fresh := c.Confirmed != c.Sequence
	switch {
	case len(differing) == 0 && fresh:
		c.Confirmed = c.Sequence
		return c.confirmed(), nil
	case len(differing) == 0 && len(c.Drifted) > 0:
		c.Drifted = nil
		return []Effect{{Kind: DriftGone}}, nil
	case len(differing) == 0:
		return nil, nil
	case fresh:
		return c.unconfirmed(differing), nil
	}
	if slices.Equal(c.Drifted, differing) {
		return nil, nil // that is known
	}
	c.Drifted = differing
	return c.drift(differing), nil
}

// drift is told to everybody. Orgo does not know what became active, so it is a case for
// a person, or taken back if the channel says so: once, and not again before a person has
// lifted the hold that follows. A target that drifts after every rollback ends held.
func (c *Channel) drift(cohorts []string) []Effect {
	seen := []Effect{{Kind: DriftSeen, Cohorts: cohorts, Code: gates.DriftDetected}}
	var packs digests
	for _, slot := range c.Slots {
		if slices.Contains(cohorts, slot.Cohort) && slot.Desired != nil {
			packs = packs.with(slot.Desired.Pack.Digest)
		}
	}
	if c.OnDrift != DriftRollback || len(packs) == 0 || c.Containment != nil || c.heldAfterRollback() {
		return append(seen, Effect{Kind: OpenCase, Cohorts: cohorts, Code: gates.DriftDetected})
	}
	return append(seen, c.contain(Containment{
		ID: fmt.Sprintf("drift-%d", c.Sequence), Packs: packs, Code: gates.DriftDetected, Class: gates.ClassRuntime, Hold: true,
	})...)
}

// NotTaken is that the target does not take the newest index.
type NotTaken struct {
	Sequence int64 `json:"sequence"`
}

func (a NotTaken) on(c *Channel, _ ChannelEvent) ([]Effect, *Refusal) {
	switch {
	case a.Sequence != c.Sequence || c.Confirmed == c.Sequence:
		return nil, refuse(gates.SequenceStale, "index %d is not one that waits to be published; the newest is %d", a.Sequence, c.Sequence)
	case c.Containment != nil && c.Containment.Placed:
		return []Effect{{Kind: Publish, Sequence: c.Sequence}}, nil // what contains does not give up
	case c.Turn != nil && c.Turn.Stage >= 0 && c.Containment == nil:
		cohorts := c.Turn.Stages[c.Turn.Stage]
		return []Effect{{Kind: NotActive, ReleaseID: c.Turn.ReleaseID, Stage: c.Turn.Stage, Cohorts: cohorts, Code: gates.ActivationFailed}}, nil
	default:
		return nil, nil
	}
}

// Reissue numbers the newest index anew: the target has another than it follows.
type Reissue struct{}

func (Reissue) on(c *Channel, _ ChannelEvent) ([]Effect, *Refusal) {
	if c.Confirmed == c.Sequence {
		return nil, refuse(gates.InvalidTransition, "index %d is published", c.Sequence)
	}
	return c.publish(), nil
}

// active returns what was read of a slot. What was not read, or read twice, is
// taken for nothing that Orgo knows.
func (a Confirm) active(slot Slot) *Placement {
	of := slices.DeleteFunc(slices.Clone(a.Observed), func(o Observed) bool { return o.Cohort != slot.Cohort })
	switch {
	case len(of) != 1:
		return &Placement{}
	case of[0].Pack == nil:
		return nil
	case is(slot.Desired, *of[0].Pack):
		return slot.Desired
	case is(slot.Active, *of[0].Pack):
		return slot.Active
	default:
		return &Placement{Pack: Pack{Digest: *of[0].Pack}}
	}
}

func same(a, b *Placement) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// confirmed ends what waited for the newest index.
func (c *Channel) confirmed() []Effect {
	switch {
	case c.Containment != nil && c.Containment.Placed:
		return c.contained()
	case c.Turn != nil && c.Turn.Stage >= 0 && c.Containment == nil:
		return []Effect{{Kind: Activated, ReleaseID: c.Turn.ReleaseID, Stage: c.Turn.Stage}}
	default:
		return nil
	}
}

func (c *Channel) unconfirmed(differing []string) []Effect {
	switch {
	case c.Containment != nil && c.Containment.Placed:
		return []Effect{{Kind: Publish, Sequence: c.Sequence}} // the same again: what contains does not give up
	case c.Turn != nil && c.Turn.Stage >= 0 && c.Containment == nil:
		return []Effect{{Kind: NotActive, ReleaseID: c.Turn.ReleaseID, Stage: c.Turn.Stage, Cohorts: differing, Code: gates.ActivationFailed}}
	default:
		return c.drift(differing)
	}
}
