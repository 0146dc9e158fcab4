package release

import (
	"github.com/initkoa/orgo/records"
)

// Types of the entries of a release that are messages to it.
const (
	// TypeRequested is its first entry.
	TypeRequested = "orgo.release.requested"
	// TypeTold: its channel tells it of what happened there.
	TypeTold = "orgo.release.told"
)

// Request is everything that a release was asked to do: the body of TypeRequested.
type Request struct {
	ReleaseID      string              `json:"release_id"`
	IdempotencyKey string              `json:"idempotency_key"`
	BuildID        string              `json:"build_id"`
	Channel        records.ChannelName `json:"channel"`
	// Version is that of the pack, x.y.z (semver.org): what minimums and
	// compatibility rules compare.
	Version  string   `json:"version"`
	Strategy Strategy `json:"strategy"`
	// Policy is the mandate bundle that decides; absent, it is that of the build.
	Policy *records.Ref `json:"policy,omitempty"`
	// Supersede takes the turn of the release that runs on the channel.
	Supersede bool `json:"supersede,omitempty"`
	// Set is the release set that it belongs to, if any, and With all channels of that,
	// its own among them, sorted. Its idempotency key is then MemberKey.
	Set  string                `json:"set,omitempty"`
	With []records.ChannelName `json:"with,omitempty"`
}

// Mode is how a release takes its cohorts.
type Mode string

// The modes (CONTRACTS §1).
const (
	AllAtOnce  Mode = "all_at_once" // one stage
	Percentage Mode = "percentage"  // a first part, then the rest
	Staged     Mode = "staged"      // as its stages say
	Pinned     Mode = "pinned"      // as all_at_once, and the channel is pinned to it afterwards
)

// Strategy is how a release goes out. Stages(…) in gates/rollout makes stages of it.
type Strategy struct {
	Mode       Mode    `json:"mode"`
	Percentage int     `json:"percentage,omitempty"` // 1 to 99; of mode percentage
	Stages     []Stage `json:"stages,omitempty"`     // of mode staged
	// Cohorts divide a channel that has no cohorts yet. A channel keeps its cohorts.
	Cohorts []Portion `json:"cohorts,omitempty"`
	// Observe is how long a stage is watched, Deadline by when after its activation it
	// must have passed, and Soak how long the whole is watched at the end.
	Observe  records.Duration `json:"observe,omitempty"`
	Deadline records.Duration `json:"deadline,omitempty"`
	Soak     records.Duration `json:"soak,omitempty"`
	// PinFor is how long mode pinned pins the channel.
	PinFor records.Duration `json:"pin_for,omitempty"`
	// OnNoTarget is what becomes of a cohort that a rollback finds no target for:
	// safe_mode (the default) or stay.
	OnNoTarget string `json:"on_no_target,omitempty"`
	// OnDrift is what follows when a target has something else active than it should:
	// case (the default) or rollback.
	OnDrift string `json:"on_drift,omitempty"`
}

// Stage is one stage of mode staged.
type Stage struct {
	Name    string   `json:"name"`
	Cohorts []string `json:"target_cohorts"`
	// Observe and Deadline are those of this stage alone.
	Observe  records.Duration `json:"observe,omitempty"`
	Deadline records.Duration `json:"deadline,omitempty"`
	// Manual asks for an operator's promote besides a passed judgement.
	Manual bool `json:"manual,omitempty"`
}

// Portion is a cohort and its share of a channel's nodes.
type Portion struct {
	Cohort string `json:"cohort"`
	// Points is its share in basis points: 10000 is all. Those of a channel add up to
	// that.
	Points int `json:"points"`
}

// Part is one stage as it will run, with nothing left open.
type Part struct {
	Name     string           `json:"name"`
	Cohorts  []string         `json:"cohorts"`
	Observe  records.Duration `json:"observe"`
	Deadline records.Duration `json:"deadline"`
	Manual   bool             `json:"manual,omitempty"`
}

// Plan is a strategy made definite on a channel.
type Plan struct {
	Cohorts    []Portion        `json:"cohorts"` // all of the channel, in order
	Parts      []Part           `json:"parts"`   // the stages; together they take every cohort once
	Soak       records.Duration `json:"soak"`
	PinFor     records.Duration `json:"pin_for,omitempty"`
	OnNoTarget string           `json:"on_no_target"`
	OnDrift    string           `json:"on_drift,omitempty"`
}
