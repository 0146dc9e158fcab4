package rollout

import (
	"slices"
	"time"

	"golang.org/x/mod/semver"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// person reports whether an actor is somebody, and not Orgo itself.
func person(actor string) bool { return actor != "" && actor != records.SystemActor }

// PlaceHold keeps everything from moving forward. Each owner has one hold.
type PlaceHold struct{}

func (PlaceHold) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	switch {
	case e.Actor == "" || e.Reason == "":
		return nil, refuse(gates.RequestInvalid, "a hold needs an owner and a reason")
	case slices.ContainsFunc(c.Holds, func(h Hold) bool { return h.Owner == e.Actor }):
		return nil, refuse(gates.InvalidTransition, "%s holds the channel already", e.Actor)
	}
	c.Holds = append(slices.Clone(c.Holds), Hold{Owner: e.Actor, Reason: e.Reason})
	return nil, nil
}

// LiftHold ends a hold of one's own, or that which followed a rollback.
type LiftHold struct {
	Owner string `json:"owner"`
}

func (a LiftHold) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	of := func(h Hold) bool { return h.Owner == a.Owner }
	switch {
	case e.Reason == "":
		return nil, refuse(gates.RequestInvalid, "lifting a hold needs a reason")
	case !slices.ContainsFunc(c.Holds, of):
		return nil, refuse(gates.InvalidTransition, "%s does not hold the channel", a.Owner)
	case a.Owner == AfterRollback && !person(e.Actor):
		return nil, refuse(gates.HoldOfAnother, "the hold after a rollback is lifted by a person")
	case a.Owner != AfterRollback && a.Owner != e.Actor:
		return nil, refuse(gates.HoldOfAnother, "only %s lifts this hold", a.Owner)
	}
	c.Holds = slices.DeleteFunc(slices.Clone(c.Holds), of)
	return nil, nil
}

// PlaceFreeze keeps everything from moving forward until a time. An owner has one
// freeze; a new one replaces it.
type PlaceFreeze struct {
	Until time.Time `json:"until"`
}

func (a PlaceFreeze) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	if e.Actor == "" || e.Reason == "" || !e.At.Before(a.Until) {
		return nil, refuse(gates.RequestInvalid, "a freeze needs an owner, a reason and an end that is to come")
	}
	c.Freezes = slices.DeleteFunc(slices.Clone(c.Freezes), func(f Freeze) bool { return f.Owner == e.Actor || !e.At.Before(f.Until) })
	c.Freezes = append(c.Freezes, Freeze{Owner: e.Actor, Until: a.Until, Reason: e.Reason})
	return nil, nil
}

// Unfreeze ends a freeze of one's own.
type Unfreeze struct{}

func (Unfreeze) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	of := func(f Freeze) bool { return f.Owner == e.Actor }
	if !slices.ContainsFunc(c.Freezes, of) {
		return nil, refuse(gates.InvalidTransition, "%s has not frozen the channel", e.Actor)
	}
	c.Freezes = slices.DeleteFunc(slices.Clone(c.Freezes), of)
	return nil, nil
}

// PlacePin fixes a pack. A pin has somebody to answer for it, and an end.
type PlacePin struct {
	Pack      records.Digest `json:"pack"`
	For       PinFor         `json:"for"`
	ExpiresAt time.Time      `json:"expires_at"`
}

func (a PlacePin) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	switch {
	case !person(e.Actor) || e.Reason == "" || !a.Pack.Valid() || !e.At.Before(a.ExpiresAt) || a.For != PinActive && a.For != PinRollback:
		return nil, refuse(gates.RequestInvalid, "a pin needs a person, a reason, a pack by digest, what it is for, and an end that is to come")
	case c.Revoked.has(a.Pack):
		return nil, refuse(gates.ArtifactRevoked, "pack %s is revoked", a.Pack)
	case len(c.pinned(a.For, e.At)) > 0:
		return nil, refuse(gates.ChannelPinned, "%s has pinned the channel already", c.pinned(a.For, e.At)[0].Owner)
	case a.For == PinRollback && !slices.ContainsFunc(c.Good, func(p Placement) bool { return p.Pack.Digest == a.Pack }):
		return nil, refuse(gates.InvalidTransition, "no release of pack %s closed well on this channel", a.Pack)
	}
	c.Pins = slices.DeleteFunc(slices.Clone(c.Pins), func(p Pin) bool { return p.For == a.For }) // expired
	c.Pins = append(c.Pins, Pin{Owner: e.Actor, Pack: a.Pack, For: a.For, Reason: e.Reason, ExpiresAt: a.ExpiresAt})
	return nil, nil
}

// Unpin ends a pin of one's own.
type Unpin struct {
	For PinFor `json:"for"`
}

func (a Unpin) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	of := func(p Pin) bool { return p.For == a.For && p.Owner == e.Actor }
	if !slices.ContainsFunc(c.Pins, of) {
		return nil, refuse(gates.InvalidTransition, "%s has no such pin", e.Actor)
	}
	c.Pins = slices.DeleteFunc(slices.Clone(c.Pins), of)
	return nil, nil
}

// RaiseMinimum sets the lowest version that may be active. It only rises, and what
// is active below it is taken back.
type RaiseMinimum struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

func (a RaiseMinimum) on(c *Channel, e ChannelEvent) ([]Effect, *Refusal) {
	switch {
	case a.ID == "" || !exact(a.Version) || !person(e.Actor) || e.Reason == "":
		return nil, refuse(gates.RequestInvalid, "a minimum needs an id, a version x.y.z, a person and a reason")
	case c.Minimum != "" && semver.Compare("v"+a.Version, "v"+c.Minimum) <= 0:
		return nil, refuse(gates.MinimumOnlyRises, "the minimum is %s", c.Minimum)
	}
	c.Minimum = a.Version
	low := c.placed(func(_ string, p Placement) bool { return p.Pack.below(c.Minimum) })
	if len(low) == 0 {
		return c.relist(), nil
	}
	return c.contain(Containment{ID: a.ID, Packs: low, Code: gates.BelowMinimum, Class: gates.ClassGovernance, Hold: true}), nil
}
