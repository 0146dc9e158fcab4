package rollout

import (
	"slices"
	"time"

	"github.com/initkoa/orgo/gates"
)

// move is a wish to make a pack active in the cohorts of a stage.
type move struct {
	warrant Warrant
	pack    Pack
	stages  int
	at      time.Time
}

// obstacle is one reason for which nothing moves forward. Those that only hold back
// what is new do not keep a release from closing, which activates nothing.
type obstacle struct {
	name    string
	closing bool
	stops   func(Channel, move) *Refusal
}

// obstacles has all of them in order of precedence: the first that stops a move is
// the one that is named. Nothing gets around them: a move is admitted only if none
// stops it.
var obstacles = []obstacle{
	{"integrity", true, unverified},
	{"revoked", true, revoked},
	{"quarantined", true, quarantined},
	{"minimum", false, belowMinimum},
	{"containment", true, contained},
	{"freeze", false, frozen},
	{"hold", false, held},
	{"pin", false, pinnedElsewhere},
	{"turn", true, outOfTurn},
	{"published", true, unpublished},
	{"drift", true, drifted},
	{"decisions", true, undecided},
}

// whyNot returns all that stops a move, in order of precedence.
func (c Channel) whyNot(m move) []Refusal {
	var found []Refusal
	closing := m.warrant.Stage >= m.stages
	for _, o := range obstacles {
		if closing && !o.closing {
			continue
		}
		if r := o.stops(c, m); r != nil {
			found = append(found, *r)
		}
	}
	return found
}

func unverified(_ Channel, m move) *Refusal {
	intact := func(p Permit) bool { return p.Gate == gates.GateIntegrity && m.warrant.covers(p) }
	if m.warrant.Stage < m.stages && !slices.ContainsFunc(m.warrant.Permits, intact) {
		return refuse(gates.PackUnverified, "pack %s was not verified for stage %d", m.pack.Digest, m.warrant.Stage)
	}
	return nil
}

func revoked(c Channel, m move) *Refusal {
	if c.Revoked.has(m.pack.Digest) {
		return refuse(gates.ArtifactRevoked, "pack %s is revoked", m.pack.Digest)
	}
	return nil
}

func quarantined(c Channel, m move) *Refusal {
	if c.Quarantined.has(m.pack.Digest) {
		return refuse(gates.PackQuarantined, "pack %s is quarantined", m.pack.Digest)
	}
	return nil
}

func belowMinimum(c Channel, m move) *Refusal {
	if m.pack.Valid() && m.pack.below(c.Minimum) {
		return refuse(gates.BelowMinimum, "version %s is below the channel's minimum %s", m.pack.Version, c.Minimum)
	}
	return nil
}

func contained(c Channel, _ move) *Refusal {
	if c.Containment != nil {
		return refuse(gates.ContainmentUnderWay, "rollback %s of the channel is under way", c.Containment.ID)
	}
	return nil
}

func frozen(c Channel, m move) *Refusal {
	for _, f := range c.Freezes {
		if m.at.Before(f.Until) {
			return refuse(gates.ChannelFrozen, "%s froze the channel until %s: %s", f.Owner, f.Until.UTC().Format(time.RFC3339), f.Reason)
		}
	}
	return nil
}

func held(c Channel, _ move) *Refusal {
	if len(c.Holds) > 0 {
		return refuse(gates.ChannelHeld, "%s holds the channel: %s", c.Holds[0].Owner, c.Holds[0].Reason)
	}
	return nil
}

func pinnedElsewhere(c Channel, m move) *Refusal {
	for _, p := range c.pinned(PinActive, m.at) {
		if p.Pack != m.pack.Digest {
			return refuse(gates.ChannelPinned, "%s pinned the channel to pack %s until %s: %s", p.Owner, p.Pack, p.ExpiresAt.UTC().Format(time.RFC3339), p.Reason)
		}
	}
	return nil
}

func outOfTurn(c Channel, m move) *Refusal {
	switch {
	case c.Turn == nil || c.Turn.ReleaseID != m.warrant.ReleaseID:
		return refuse(gates.ReleaseQueued, "it is not the turn of release %s", m.warrant.ReleaseID)
	case m.warrant.Pack != c.Turn.Pack.Digest:
		return refuse(gates.InvalidTransition, "release %s brings pack %s", m.warrant.ReleaseID, c.Turn.Pack.Digest)
	case m.warrant.Stage != c.Turn.Stage+1:
		return refuse(gates.InvalidTransition, "release %s is at stage %d", m.warrant.ReleaseID, c.Turn.Stage)
	}
	return nil
}

// unpublished stops a move before the last one was read back: activation counts
// only as what was seen after the switch.
func unpublished(c Channel, _ move) *Refusal {
	if c.Confirmed != c.Sequence {
		return refuse(gates.PublishPending, "index %d is not yet read back", c.Sequence)
	}
	return nil
}

func drifted(c Channel, _ move) *Refusal {
	if len(c.Drifted) > 0 {
		return refuse(gates.DriftDetected, "cohorts %v do not have active what the index says", c.Drifted)
	}
	return nil
}

func undecided(_ Channel, m move) *Refusal {
	if gate, is := m.warrant.missing(m.stages); is {
		return refuse(gates.EvidenceMissing, "no %s decision permits stage %d of release %s", gate, m.warrant.Stage, m.warrant.ReleaseID)
	}
	return nil
}
