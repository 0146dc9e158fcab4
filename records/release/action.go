package release

import (
	"time"

	"github.com/initkoa/orgo/records"
)

// Actions on a release: the Action of a records.Command about one.
const (
	ActionApprove = "approve" // Ballot
	ActionReject  = "reject"  // Ballot
	ActionPromote = "promote" // Promote
	ActionHold    = "hold"    // none: a hold of one's own
	ActionLift    = "lift"    // none: of one's own
	ActionAbort   = "abort"   // none
	// ActionBreakGlass asks to let the release past gates; another person's
	// ActionConfirmGlass lets it.
	ActionBreakGlass   = "break-glass"         // Glass
	ActionConfirmGlass = "confirm-break-glass" // none
	ActionReviewGlass  = "review-break-glass"  // none: the reason says what was found
)

// Actions on a channel. Hold and lift are of the whole channel; lift with an Owner
// lifts what followed a rollback.
const (
	ActionRollback   = "rollback"   // Rollback
	ActionRevoke     = "revoke"     // Packs
	ActionQuarantine = "quarantine" // Packs
	ActionClear      = "clear"      // Packs: ends a quarantine
	ActionFreeze     = "freeze"     // Freeze
	ActionUnfreeze   = "unfreeze"   // none
	ActionPin        = "pin"        // Pin
	ActionUnpin      = "unpin"      // Unpin
	ActionSetMinimum = "set-min"    // Minimum
	ActionNodes      = "nodes"      // Nodes
)

// Ballot is a vote on exactly one intent.
type Ballot struct {
	Intent records.Digest `json:"intent"`
}

// Promote lets a release out of a stage that asks for it, once its judgement passes.
type Promote struct {
	Stage int `json:"stage"` // from 0
}

// Glass says what is to be broken: gates, for one stage of this release.
type Glass struct {
	Gates  []string         `json:"gates"`
	Stage  int              `json:"stage"` // from 0
	CaseID string           `json:"case_id"`
	For    records.Duration `json:"for"` // at most 4 h
}

// Rollback takes back what a release brought, or what is active in cohorts.
type Rollback struct {
	ReleaseID string   `json:"release_id,omitempty"`
	Cohorts   []string `json:"cohorts,omitempty"`
}

// Packs names packs by the digest of their content.
type Packs struct {
	Packs []records.Digest `json:"packs"`
	// Cause says how they were found: "pack", or what they were built from.
	Cause string `json:"cause,omitempty"`
}

// Freeze keeps everything from moving forward until a time.
type Freeze struct {
	Until time.Time `json:"until"`
}

// Pin fixes a pack as the active one, or as the one that rollbacks go to.
type Pin struct {
	Pack      records.Digest `json:"pack"`
	For       string         `json:"for"` // active, rollback
	ExpiresAt time.Time      `json:"expires_at"`
}

// Unpin ends a pin of one's own.
type Unpin struct {
	For string `json:"for"`
}

// Minimum raises the lowest version that may be active.
type Minimum struct {
	Version string `json:"version"`
}

// Nodes says which nodes a channel reaches: a JSON list of gates/cohort.Node in the
// artifact store.
type Nodes struct {
	List  records.Ref `json:"list"`
	Count int         `json:"count"`
}

// Lift ends a hold of the channel: one's own, or the one that followed a rollback.
type Lift struct {
	Owner string `json:"owner,omitempty"` // empty: one's own
}
