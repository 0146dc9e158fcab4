package rollout

import (
	"slices"
	"time"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Fact is what was found out just now of a pack that a rollback could go to. One
// of which nothing was found out is no target.
type Fact struct {
	Pack       records.Digest `json:"pack"`
	Verified   bool           `json:"verified"` // its bytes are those of its digest, and its signer is allowed
	Compatible bool           `json:"compatible"`
	Retained   bool           `json:"retained"` // its artifacts are there
}

// Rejected is a candidate that a rollback did not go to.
type Rejected struct {
	Placement
	Code gates.Code `json:"code"`
}

// Selection is where a rollback goes, and what it could not go to. No target is
// not the same as an empty one: see Channel.OnNoTarget.
type Selection struct {
	Target   *Placement `json:"target,omitempty"`
	Rejected []Rejected `json:"rejected"`
}

// disqualified has the reasons for which a candidate is no target, in order.
var disqualified = []struct {
	code gates.Code
	is   func(Channel, Pack, Fact) bool
}{
	{gates.ArtifactRevoked, func(c Channel, p Pack, _ Fact) bool { return c.Revoked.has(p.Digest) }},
	{gates.PackQuarantined, func(c Channel, p Pack, _ Fact) bool { return c.Quarantined.has(p.Digest) }},
	{gates.BelowMinimum, func(c Channel, p Pack, _ Fact) bool { return p.below(c.Minimum) }},
	{gates.FailedBefore, func(c Channel, p Pack, _ Fact) bool { return c.Containment.Packs.has(p.Digest) || c.failedAlike(p) }},
	{gates.ArtifactMissing, func(_ Channel, _ Pack, f Fact) bool { return !f.Retained }},
	{gates.PackUnverified, func(_ Channel, _ Pack, f Fact) bool { return !f.Verified }},
	{gates.FormatIncompatible, func(_ Channel, _ Pack, f Fact) bool { return !f.Compatible }},
}

// failedAlike reports whether a pack was once taken back for a cause of the class
// that is contained now: going back to it would only go round.
func (c Channel) failedAlike(p Pack) bool {
	return slices.Contains(c.Bad, Failure{Pack: p.Digest, Class: c.Containment.Class})
}

// Candidates returns what a rollback could go to, in the order in which it is
// asked: the packs that are pinned for it, then the releases that closed well,
// newest first.
func (c Channel) Candidates(at time.Time) []Placement {
	newest := slices.Clone(c.Good)
	slices.Reverse(newest)
	var candidates []Placement
	for _, pin := range c.pinned(PinRollback, at) {
		if i := slices.IndexFunc(newest, func(p Placement) bool { return p.Pack.Digest == pin.Pack }); i >= 0 {
			candidates = append(candidates, newest[i])
		}
	}
	for _, p := range newest {
		if !slices.Contains(candidates, p) {
			candidates = append(candidates, p)
		}
	}
	return candidates
}

// Select chooses where a rollback goes. It decides from what is recorded and from
// facts alone.
func (c Channel) Select(facts []Fact, at time.Time) Selection {
	selection := Selection{Rejected: []Rejected{}}
	for _, candidate := range c.Candidates(at) {
		if code := c.unfit(candidate.Pack, facts); code != "" {
			selection.Rejected = append(selection.Rejected, Rejected{candidate, code})
			continue
		}
		selection.Target = &candidate
		break
	}
	return selection
}

// unfit returns why a pack is no target, or nothing. Of a pack that facts contradict
// each other about, the worst is taken.
func (c Channel) unfit(pack Pack, facts []Fact) gates.Code {
	fact, known := Fact{Verified: true, Compatible: true, Retained: true}, false
	for _, f := range facts {
		if f.Pack == pack.Digest {
			known = true
			fact.Verified, fact.Compatible, fact.Retained = fact.Verified && f.Verified, fact.Compatible && f.Compatible, fact.Retained && f.Retained
		}
	}
	if !known {
		fact = Fact{}
	}
	for _, d := range disqualified {
		if d.is(c, pack, fact) {
			return d.code
		}
	}
	return ""
}
