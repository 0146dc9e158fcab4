package rollout

import (
	"slices"
	"strings"
	"time"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Channel is the state of one channel of an organization: what is and what should
// be active in each cohort, and all that decides what may follow. Lists are in the
// order in which things came, or sorted; nothing in it depends on map order.
type Channel struct {
	Organization string `json:"organization"`
	Environment  string `json:"environment"`
	Name         string `json:"channel"`

	// Sequence is that of the newest index. It only rises, also when content goes
	// back, and fences every publish. Confirmed is the newest that was read back.
	Sequence  int64 `json:"sequence"`
	Confirmed int64 `json:"confirmed"`
	// Drifted are cohorts that were read back, later, with something else active.
	Drifted []string `json:"drifted,omitempty"`

	Slots []Slot      `json:"slots"`           // by cohort, sorted
	Turn  *Turn       `json:"turn,omitempty"`  // the release that may move
	Queue []Candidacy `json:"queue,omitempty"` // those that wait for it, in order
	Good  []Placement `json:"good,omitempty"`  // releases that closed well, oldest first
	Bad   []Failure   `json:"bad,omitempty"`   // packs that were taken back, and why

	Pins        []Pin    `json:"pins,omitempty"`
	Holds       []Hold   `json:"holds,omitempty"`
	Freezes     []Freeze `json:"freezes,omitempty"`
	Minimum     string   `json:"minimum,omitempty"` // version; only rises
	Revoked     digests  `json:"revoked,omitempty"` // only grows
	Quarantined digests  `json:"quarantined,omitempty"`
	// Cleared are packs whose quarantine was ended here: that of another channel says
	// nothing of them any more.
	Cleared digests `json:"cleared,omitempty"`

	Containment *Containment `json:"containment,omitempty"`
	OnNoTarget  NoTarget     `json:"on_no_target,omitempty"`
	OnDrift     OnDrift      `json:"on_drift,omitempty"`
}

// Slot is one cohort: what the index says, and what was read back of it.
type Slot struct {
	Cohort  string     `json:"cohort"`
	Desired *Placement `json:"desired,omitempty"`
	Active  *Placement `json:"active,omitempty"`
}

// Turn is the release that may move forward, and the stage that it has reached:
// -1 before its first.
type Turn struct {
	Candidacy
	Stage int `json:"stage"`
}

// Candidacy is a release that wants the channel.
type Candidacy struct {
	Placement
	Stages [][]string `json:"stages"` // the cohorts that each stage moves
}

// Failure is a pack that was taken back.
type Failure struct {
	Pack  records.Digest `json:"pack"`
	Class gates.Class    `json:"class"`
}

// Pin fixes a pack: the one that stays, or the one that a rollback goes to.
type Pin struct {
	Owner     string         `json:"owner"`
	Pack      records.Digest `json:"pack"`
	For       PinFor         `json:"for"`
	Reason    string         `json:"reason"`
	ExpiresAt time.Time      `json:"expires_at"`
}

// PinFor says what a pin fixes.
type PinFor string

// What a pin fixes.
const (
	PinActive   PinFor = "active"   // nothing else moves forward
	PinRollback PinFor = "rollback" // rollbacks go there
)

// Hold keeps everything from moving forward until its owner lifts it.
type Hold struct {
	Owner  string `json:"owner"`
	Reason string `json:"reason"`
}

// AfterRollback owns the hold that follows a rollback. Any person may lift it, and
// no service.
const AfterRollback = "orgo/rollback"

// Freeze keeps everything from moving forward until a time.
type Freeze struct {
	Owner  string    `json:"owner"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
}

// NoTarget says what becomes of a cohort for which a rollback finds no target.
type NoTarget string

// What becomes of a cohort without a target. What is revoked never stays.
const (
	SafeMode NoTarget = "safe_mode" // nothing is active; the default
	Stay     NoTarget = "stay"      // what is active stays, and a Case is opened
)

// OnDrift says what follows when a cohort is read back with something else active than
// the index says.
type OnDrift string

// What follows drift. Either way nothing moves forward until both agree again.
const (
	DriftCase     OnDrift = "case"     // a person looks into it; the default
	DriftRollback OnDrift = "rollback" // what should be active there is taken back
)

// Containment is a rollback under way. While there is one, nothing moves forward.
type Containment struct {
	ID       string      `json:"id"` // of the newest cause: older facts do not count
	Cohorts  []string    `json:"cohorts"`
	Packs    digests     `json:"packs"`    // what is taken back
	Releases []string    `json:"releases"` // that brought them: they are told how it ends
	Code     gates.Code  `json:"code"`
	Class    gates.Class `json:"class"`
	Hold     bool        `json:"hold"`                // whether a hold follows
	Placed   bool        `json:"placed,omitempty"`    // a target is chosen and its index under way
	NoGood   []string    `json:"no_target,omitempty"` // cohorts that have none
}

func (c Channel) slot(cohort string) *Slot {
	i := slices.IndexFunc(c.Slots, func(s Slot) bool { return s.Cohort == cohort })
	if i < 0 {
		return nil
	}
	return &c.Slots[i]
}

// clone makes a copy that may be changed. Entries of lists are replaced, never
// changed in place, but for slots.
func (c Channel) clone() Channel {
	c.Slots = slices.Clone(c.Slots)
	return c
}

// ensure adds slots for cohorts that the channel has not seen.
func (c *Channel) ensure(cohorts []string) {
	for _, cohort := range cohorts {
		if c.slot(cohort) == nil {
			c.Slots = append(c.Slots, Slot{Cohort: cohort})
		}
	}
	slices.SortFunc(c.Slots, func(a, b Slot) int { return strings.Compare(a.Cohort, b.Cohort) })
}

// placements are what should be and what is active in the cohort, as far as it is
// known what that is.
func (s Slot) placements() []Placement {
	var known []Placement
	for _, p := range []*Placement{s.Desired, s.Active} {
		if p != nil && p.Pack.Digest.Valid() {
			known = append(known, *p)
		}
	}
	return known
}

// placed returns the packs that are or should be active and are meant.
func (c Channel) placed(meant func(cohort string, p Placement) bool) digests {
	var packs digests
	for _, slot := range c.Slots {
		for _, p := range slot.placements() {
			if meant(slot.Cohort, p) {
				packs = packs.with(p.Pack.Digest)
			}
		}
	}
	return packs
}

// pinned returns the pins of a kind that hold at a time, in order.
func (c Channel) pinned(kind PinFor, at time.Time) []Pin {
	return slices.DeleteFunc(slices.Clone(c.Pins), func(p Pin) bool { return p.For != kind || !at.Before(p.ExpiresAt) })
}
