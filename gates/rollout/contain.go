package rollout

import (
	"slices"

	"github.com/initkoa/orgo/gates"
)

// maxBad bounds the failures that a channel remembers.
const maxBad = 64

// Contain begins to take back what a release brought, or whatever is active in the
// named cohorts. It is legal at any time, and from then on nothing moves forward.
type Contain struct {
	ID        string      `json:"id"`
	ReleaseID string      `json:"release_id,omitempty"`
	Cohorts   []string    `json:"cohorts,omitempty"`
	Code      gates.Code  `json:"code"`
	Class     gates.Class `json:"class"`
}

func (a Contain) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	if a.ID == "" || a.Code == "" || a.Class == "" || e.Actor == "" {
		return nil, refuse(gates.RequestInvalid, "a rollback needs an id, a reason code with its class, and an actor")
	}
	packs := c.placed(func(cohort string, p Placement) bool {
		return (a.ReleaseID == "" || p.ReleaseID == a.ReleaseID) && (len(a.Cohorts) == 0 || slices.Contains(a.Cohorts, cohort))
	})
	if len(packs) == 0 {
		return nil, refuse(gates.NothingToContain, "nothing of it is or should be active on the channel")
	}
	return c.contain(Containment{ID: a.ID, Packs: packs, Code: a.Code, Class: a.Class, Hold: true}), nil
}

// contain widens the containment under way, or begins one. Facts that were gathered
// for an older cause do not count for the wider one.
func (c *Channel) contain(cause Containment) []Effect {
	if before := c.Containment; before != nil {
		cause.Packs = before.Packs.with(cause.Packs...)
		cause.Cohorts, cause.Releases = before.Cohorts, before.Releases
		cause.Hold = cause.Hold || before.Hold
	}
	for _, slot := range c.Slots {
		for _, p := range slot.placements() {
			if cause.Packs.has(p.Pack.Digest) {
				cause.Cohorts = withName(cause.Cohorts, slot.Cohort)
				cause.Releases = withName(cause.Releases, p.ReleaseID)
			}
		}
	}
	if c.Turn != nil && cause.Packs.has(c.Turn.Pack.Digest) {
		cause.Releases = withName(cause.Releases, c.Turn.ReleaseID)
	}
	c.Containment = &cause
	c.Good = slices.DeleteFunc(slices.Clone(c.Good), func(p Placement) bool { return cause.Packs.has(p.Pack.Digest) })
	if cause.Code != gates.ReleaseSuperseded {
		c.blame(cause)
	}
	return []Effect{{Kind: Gather, ID: cause.ID, Cohorts: cause.Cohorts, Code: cause.Code}}
}

// blame remembers that packs failed, and in which class.
func (c *Channel) blame(cause Containment) {
	bad := slices.Clone(c.Bad)
	for _, pack := range cause.Packs {
		if failure := (Failure{pack, cause.Class}); !slices.Contains(bad, failure) {
			bad = append(bad, failure)
		}
	}
	c.Bad = bad[max(0, len(bad)-maxBad):]
}

// withName adds a name to a sorted list, unless it is there or is none.
func withName(list []string, name string) []string {
	at, there := slices.BinarySearch(list, name)
	if there || name == "" {
		return list
	}
	return slices.Insert(slices.Clone(list), at, name)
}

// Restore chooses where a containment goes, from what was just found out, and
// publishes it. Without facts there is no target: a rollback does not wait for them.
type Restore struct {
	ID    string `json:"id"` // of the containment that the facts were gathered for
	Facts []Fact `json:"facts"`
}

func (a Restore) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	if c.Containment == nil || c.Containment.ID != a.ID {
		return nil, refuse(gates.ContainmentChanged, "rollback %s is not, or not any more, the one under way", a.ID)
	}
	selection := c.Select(a.Facts, e.At)
	containment := *c.Containment
	containment.Placed, containment.NoGood = true, nil
	for _, cohort := range containment.Cohorts {
		slot := c.slot(cohort)
		slot.Desired = c.restored(*slot, selection)
		if selection.Target == nil {
			containment.NoGood = append(containment.NoGood, cohort)
		}
	}
	c.Containment = &containment
	effects := []Effect{{Kind: TargetFound, ID: a.ID, Cohorts: containment.Cohorts, Selection: &selection}}
	if selection.Target == nil {
		effects = append(effects, Effect{Kind: OpenCase, ID: a.ID, Cohorts: containment.NoGood, Code: gates.RollbackNoTarget})
	}
	return append(effects, c.publish()...), nil
}

// restored returns what a cohort should have active after a rollback.
func (c Channel) restored(slot Slot, selection Selection) *Placement {
	if selection.Target != nil || c.OnNoTarget != Stay {
		return selection.Target
	}
	if slot.Active == nil || !slot.Active.Pack.Valid() || c.Revoked.has(slot.Active.Pack.Digest) || c.Quarantined.has(slot.Active.Pack.Digest) {
		return nil
	}
	return slot.Active
}

// heldAfterRollback reports whether nobody has looked into a rollback yet.
func (c *Channel) heldAfterRollback() bool {
	return slices.ContainsFunc(c.Holds, func(h Hold) bool { return h.Owner == AfterRollback })
}

// contained ends a containment that was read back: the releases are told, the scope
// is held until a person lifts it, and the next release may come.
func (c *Channel) contained() []Effect {
	done := *c.Containment
	c.Containment = nil
	if done.Hold && !c.heldAfterRollback() {
		c.Holds = append(slices.Clone(c.Holds), Hold{Owner: AfterRollback, Reason: "after rollback " + done.ID})
	}
	if c.Turn != nil && slices.Contains(done.Releases, c.Turn.ReleaseID) {
		c.Turn = nil
	}
	kind := TakenBack
	if len(done.NoGood) > 0 {
		kind = InSafeMode
	}
	var effects []Effect
	for _, release := range done.Releases {
		effects = append(effects, Effect{Kind: kind, ReleaseID: release, ID: done.ID, Code: done.Code})
	}
	return append(effects, c.grant()...)
}
