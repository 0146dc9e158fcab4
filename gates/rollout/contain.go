package rollout

import (
	"slices"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
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

func (a Contain) on(c *Channel, e Event) ([]Effect, *Refusal) {
	if a.ID == "" || a.Code == "" || a.Class == "" || e.Actor == "" {
		return nil, refuse(gates.RequestInvalid, "a rollback needs an id, a reason code with its class, and an actor")
	}
	cause := Containment{ID: a.ID, Code: a.Code, Class: a.Class, Hold: true}
	for _, slot := range c.Slots {
		for _, p := range []*Placement{slot.Desired, slot.Active} {
			if p != nil && p.Pack.Digest.Valid() && a.meant(*p, slot.Cohort) {
				cause.Packs = cause.Packs.with(p.Pack.Digest)
				cause.Releases = appendNew(cause.Releases, p.ReleaseID)
			}
		}
	}
	if len(cause.Packs) == 0 {
		return nil, refuse(gates.NothingToContain, "nothing of it is or should be active on the channel")
	}
	return c.contain(cause), nil
}

func (a Contain) meant(p Placement, cohort string) bool {
	return (a.ReleaseID == "" || p.ReleaseID == a.ReleaseID) && (len(a.Cohorts) == 0 || slices.Contains(a.Cohorts, cohort))
}

// contain widens the containment under way, or begins one. Facts that were gathered
// for an older cause do not count for the wider one.
func (c *Channel) contain(cause Containment) []Effect {
	if before := c.Containment; before != nil {
		cause.Packs = before.Packs.with(cause.Packs...)
		for _, release := range before.Releases {
			cause.Releases = appendNew(cause.Releases, release)
		}
		cause.Hold = cause.Hold || before.Hold
	}
	if c.Turn != nil && cause.Packs.has(c.Turn.Pack.Digest) {
		cause.Releases = appendNew(cause.Releases, c.Turn.ReleaseID)
	}
	cause.Cohorts = c.holding(cause.Packs)
	if before := c.Containment; before != nil {
		for _, cohort := range before.Cohorts {
			cause.Cohorts = appendNew(cause.Cohorts, cohort)
		}
	}
	slices.Sort(cause.Cohorts)
	slices.Sort(cause.Releases)
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

func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(slices.Clone(list), s)
}

// Restore chooses where a containment goes, from what was just found out, and
// publishes it. Without facts there is no target: a rollback does not wait for them.
type Restore struct {
	ID    string `json:"id"` // of the containment that the facts were gathered for
	Facts []Fact `json:"facts"`
}

func (a Restore) on(c *Channel, e Event) ([]Effect, *Refusal) {
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

// contained ends a containment that was read back: the releases are told, the scope
// is held until a person lifts it, and the next release may come.
func (c *Channel) contained() []Effect {
	done := *c.Containment
	c.Containment = nil
	if done.Hold && !slices.ContainsFunc(c.Holds, func(h Hold) bool { return h.Owner == AfterRollback }) {
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

// Revoke makes packs such that they never become active again, and takes them back
// where they are. There is no way to undo it.
type Revoke struct {
	ID    string           `json:"id"`
	Packs []records.Digest `json:"packs"`
}

func (a Revoke) on(c *Channel, e Event) ([]Effect, *Refusal) {
	if refused := named(a.ID, a.Packs, e); refused != nil {
		return nil, refused
	}
	all := c.Revoked.with(a.Packs...)
	if len(all) == len(c.Revoked) {
		return nil, refuse(gates.InvalidTransition, "all of it is revoked already")
	}
	c.Revoked = all
	c.Pins = slices.DeleteFunc(slices.Clone(c.Pins), func(p Pin) bool { return all.has(p.Pack) })
	c.Good = slices.DeleteFunc(slices.Clone(c.Good), func(p Placement) bool { return all.has(p.Pack.Digest) })
	return c.ban(a.ID, digests(a.Packs), gates.ArtifactRevoked, gates.ClassVerification), nil
}

// Quarantine is a revocation that can be undone, by Clear.
type Quarantine struct {
	ID    string           `json:"id"`
	Packs []records.Digest `json:"packs"`
}

func (a Quarantine) on(c *Channel, e Event) ([]Effect, *Refusal) {
	if refused := named(a.ID, a.Packs, e); refused != nil {
		return nil, refused
	}
	all := c.Quarantined.with(a.Packs...)
	if len(all) == len(c.Quarantined) {
		return nil, refuse(gates.InvalidTransition, "all of it is quarantined already")
	}
	c.Quarantined = all
	return c.ban(a.ID, digests(a.Packs), gates.PackQuarantined, gates.ClassVerification), nil
}

func named(id string, packs []records.Digest, e Event) *Refusal {
	invalid := func(d records.Digest) bool { return !d.Valid() }
	if id == "" || e.Actor == "" || e.Reason == "" || len(packs) == 0 || slices.ContainsFunc(packs, invalid) {
		return refuse(gates.RequestInvalid, "needs an id, packs by digest, an actor and a reason")
	}
	return nil
}

// ban dismisses releases of packs that placed nothing, and contains what is placed.
func (c *Channel) ban(id string, packs digests, code gates.Code, class gates.Class) []Effect {
	var effects []Effect
	banned := func(q Candidacy) bool { return packs.has(q.Pack.Digest) }
	waiting := slices.Clone(c.Queue)
	if c.Turn != nil && c.Turn.Stage < 0 {
		waiting = append(waiting, c.Turn.Candidacy)
	}
	for _, q := range waiting {
		if banned(q) {
			effects = append(effects, Effect{Kind: Withdrawn, ReleaseID: q.ReleaseID, Code: code})
		}
	}
	effects = append(effects, c.dismiss(banned)...)
	if len(c.holding(packs)) == 0 {
		return append(effects, c.publish()...) // the list itself has to be known
	}
	return append(effects, c.containBanned(id, packs, code, class)...)
}

func (c *Channel) containBanned(id string, packs digests, code gates.Code, class gates.Class) []Effect {
	cause := Containment{ID: id, Packs: packs.with(), Code: code, Class: class, Hold: true}
	for _, slot := range c.Slots {
		for _, p := range []*Placement{slot.Desired, slot.Active} {
			if p != nil && packs.has(p.Pack.Digest) {
				cause.Releases = appendNew(cause.Releases, p.ReleaseID)
			}
		}
	}
	return c.contain(cause)
}

// Clear ends the quarantine of packs.
type Clear struct {
	Packs []records.Digest `json:"packs"`
}

func (a Clear) on(c *Channel, e Event) ([]Effect, *Refusal) {
	if e.Reason == "" || !person(e.Actor) {
		return nil, refuse(gates.RequestInvalid, "needs a person and a reason")
	}
	left := c.Quarantined
	for _, pack := range a.Packs {
		left = left.without(pack)
	}
	if len(left) == len(c.Quarantined) {
		return nil, refuse(gates.InvalidTransition, "none of it is quarantined")
	}
	c.Quarantined = left
	return c.publish(), nil
}
