package rollout

import (
	"slices"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Revoke makes packs such that they never become active again, and takes them back
// where they are. There is no way to undo it.
type Revoke struct {
	ID    string           `json:"id"`
	Packs []records.Digest `json:"packs"`
}

func (a Revoke) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	if refused := checkBan(a.ID, a.Packs, e); refused != nil {
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

func (a Quarantine) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	if refused := checkBan(a.ID, a.Packs, e); refused != nil {
		return nil, refused
	}
	all := c.Quarantined.with(a.Packs...)
	if len(all) == len(c.Quarantined) {
		return nil, refuse(gates.InvalidTransition, "all of it is quarantined already")
	}
	c.Quarantined, c.Cleared = all, c.Cleared.without(a.Packs...)
	return c.ban(a.ID, digests(a.Packs), gates.PackQuarantined, gates.ClassVerification), nil
}

func checkBan(id string, packs []records.Digest, e ChannelEvent) *Refusal {
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
	active := c.placed(func(_ string, p Placement) bool { return packs.has(p.Pack.Digest) })
	if len(active) == 0 {
		return append(effects, c.relist()...) // the list itself has to be known
	}
	return append(effects, c.contain(Containment{ID: id, Packs: active, Code: code, Class: class, Hold: true})...)
}

// Clear ends the quarantine of packs on this channel, also that which only others know
// of: they were told of it before this one was opened.
type Clear struct {
	Packs []records.Digest `json:"packs"`
}

func (a Clear) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	if e.Reason == "" || !person(e.Actor) {
		return nil, refuse(gates.RequestInvalid, "needs a person and a reason")
	}
	if slices.ContainsFunc(a.Packs, c.Revoked.has) {
		return nil, refuse(gates.InvalidTransition, "nothing clears a pack that is revoked")
	}
	left, cleared := c.Quarantined.without(a.Packs...), c.Cleared.with(a.Packs...)
	if len(left) == len(c.Quarantined) && len(cleared) == len(c.Cleared) {
		return nil, refuse(gates.InvalidTransition, "all of it is cleared already")
	}
	c.Quarantined, c.Cleared = left, cleared
	return c.relist(), nil
}
