package rollout

import (
	"time"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// ChannelEvent is something that happens to a channel, or that somebody asks of it.
type ChannelEvent struct {
	At     time.Time
	Actor  string
	Reason string
	Action Action
}

// Action is what an event is. Each is a type of its own, with what it needs.
type Action interface {
	// on changes the channel, or refuses and need not have left it as it was.
	on(*Channel, ChannelEvent) ([]Effect, *Refusal)
}

// Reduce returns the channel after an event, and what is to be done. A refused event
// changes nothing and asks for nothing.
func (c Channel) Reduce(e ChannelEvent) (Channel, []Effect, *Refusal) {
	next := c.clone()
	effects, refused := e.Action.on(&next, e)
	if refused != nil {
		return c, nil, refused
	}
	return next, effects, nil
}

// EffectKind names what is to be done after an event.
type EffectKind string

// What a channel asks for. Those with a release are told to that release.
const (
	Publish     EffectKind = "publish"      // the index with Sequence, then Confirm
	Gather      EffectKind = "gather"       // facts on Candidates, then Restore
	Granted     EffectKind = "granted"      // it is the release's turn
	Activated   EffectKind = "activated"    // its stage was read back as active
	NotActive   EffectKind = "not_active"   // its stage was read back as something else
	Superseded  EffectKind = "superseded"   // another release took its turn
	Withdrawn   EffectKind = "withdrawn"    // its pack may not become active any more
	TakenBack   EffectKind = "taken_back"   // rolled back, and read back so
	InSafeMode  EffectKind = "in_safe_mode" // taken back, and there was nothing to go back to
	OpenCase    EffectKind = "open_case"    // a person is needed
	DriftSeen   EffectKind = "drift_seen"   // cohorts have something else active than they should
	DriftGone   EffectKind = "drift_gone"   // and no more
	TargetFound EffectKind = "target_found" // the Selection, for the record
)

// Effect is one thing to be done. Effects are done in order.
type Effect struct {
	Kind      EffectKind `json:"kind"`
	ReleaseID string     `json:"release_id,omitempty"`
	Sequence  int64      `json:"sequence,omitempty"`
	ID        string     `json:"id,omitempty"` // of the containment
	Stage     int        `json:"stage,omitempty"`
	Cohorts   []string   `json:"cohorts,omitempty"`
	Code      gates.Code `json:"code,omitempty"`
	Selection *Selection `json:"selection,omitempty"`
}

// Observed is what was read back of one cohort. No pack: nothing is active.
type Observed struct {
	Cohort string          `json:"cohort"`
	Pack   *records.Digest `json:"pack,omitempty"`
}
