package rollout

import (
	"slices"

	"github.com/initkoa/orgo/gates"
)

// Phase is where a release stands.
type Phase string

// The phases. Terminal ones take no event but a revocation, which is remembered.
const (
	Draft            Phase = "DRAFT"
	Checking         Phase = "CHECKING"
	Ineligible       Phase = "INELIGIBLE"
	AwaitingApproval Phase = "AWAITING_APPROVAL"
	Approved         Phase = "APPROVED"
	Distributing     Phase = "DISTRIBUTING"
	Verifying        Phase = "VERIFYING"
	Activating       Phase = "ACTIVATING"
	Observing        Phase = "OBSERVING"
	Soaking          Phase = "SOAKING"
	ClosedGood       Phase = "CLOSED_GOOD"
	RollingBack      Phase = "ROLLING_BACK"
	RolledBack       Phase = "ROLLED_BACK"
	InSafety         Phase = "SAFE_MODE"
	Aborted          Phase = "ABORTED"
	Replaced         Phase = "SUPERSEDED"
	Failed           Phase = "FAILED"
)

// Release is the state of one release: its phase, the stage that it is in, and what
// overlays the phase.
type Release struct {
	ID      string     `json:"release_id"`
	Phase   Phase      `json:"phase"`
	Stage   int        `json:"stage"`
	Stages  int        `json:"stages"`
	Holds   []Hold     `json:"holds,omitempty"`
	Revoked bool       `json:"revoked,omitempty"`
	Code    gates.Code `json:"reason_code,omitempty"` // why it went, or goes, back
}

// NewRelease returns a release of a number of stages, as a draft.
func NewRelease(id string, stages int) Release {
	return Release{ID: id, Phase: Draft, Stages: stages}
}

// Placed reports whether the release's pack is, was or may be active anywhere: from
// then on it does not end without going back or closing well.
func (r Release) Placed() bool {
	return r.Phase == Activating || r.Phase == Observing || r.Phase == Soaking || r.Stage > 0
}

// Ended reports whether the release takes no event any more but a revocation.
func (r Release) Ended() bool { return slices.Contains(ended, r.Phase) }

// Happening is an event in the life of a release.
type Happening string

// What happens to a release. Those of the last group contain: they are legal in every
// phase that is not terminal.
const (
	Submitted      Happening = "submitted"
	Eligible       Happening = "eligible"
	NotEligible    Happening = "not_eligible"
	Agreed         Happening = "agreed" // the approvals gate permits
	VotedDown      Happening = "rejected"
	IntentChanged  Happening = "intent_changed"
	TurnGranted    Happening = "turn_granted"
	Distributed    Happening = "distributed"
	NotDistributed Happening = "not_distributed"
	Verified       Happening = "verified"
	NotVerified    Happening = "not_verified"
	StageActive    Happening = "stage_active"
	StageInactive  Happening = "stage_inactive"
	JudgedGood     Happening = "judged_good"
	JudgedBad      Happening = "judged_bad"
	WentBack       Happening = "went_back"
	NoTargetFound  Happening = "no_target_found"

	AskedHold     Happening = "hold"
	AskedLift     Happening = "lift"
	AskedAbort    Happening = "abort"
	AskedRollback Happening = "rollback"
	WasRevoked    Happening = "revoked"
	WasReplaced   Happening = "superseded"
)

// Step is what a release does next.
type Step string

// What a release does. Each is one or a few activities, and answers with an event.
const (
	DoCheck      Step = "check_eligibility"
	DoSeek       Step = "seek_approvals"
	DoVoid       Step = "void_approvals"
	DoJoin       Step = "join_channel"
	DoDistribute Step = "distribute"
	DoVerify     Step = "verify"
	DoAdvance    Step = "advance_channel"
	DoObserve    Step = "observe"
	DoSoak       Step = "soak"
	DoClose      Step = "close"
	DoLeave      Step = "leave_channel"
	DoContain    Step = "contain"
)

// Incident is an event with its particulars.
type Incident struct {
	Happening Happening  `json:"event"`
	Stage     int        `json:"stage"` // that it is about, where one is
	Actor     string     `json:"actor"`
	Owner     string     `json:"owner,omitempty"` // of the hold that is lifted
	Reason    string     `json:"reason,omitempty"`
	Code      gates.Code `json:"reason_code,omitempty"`
}

// Reduce returns the release after an event, and the steps to take. Refused events
// change nothing.
func (r Release) Reduce(in Incident) (Release, []Step, *Refusal) {
	row, found := lookup(r, in)
	if !found {
		return r, nil, r.refusal(in)
	}
	next := r
	next.Phase = row.To
	for _, change := range row.changes() {
		if refused := change(&next, in); refused != nil {
			return r, nil, refused
		}
	}
	return next, slices.Clone(row.Do), nil
}

func (r Release) refusal(in Incident) *Refusal {
	if r.held() && slices.ContainsFunc(table, func(row Row) bool { return row.If == unheld && row.takes(r.Phase, in.Happening) }) {
		return refuse(gates.ReleaseHeld, "%s holds release %s: %s", r.Holds[0].Owner, r.ID, r.Holds[0].Reason)
	}
	return refuse(gates.InvalidTransition, "release %s is %s: %s is not possible", r.ID, r.Phase, in.Happening)
}

func (r Release) held() bool { return len(r.Holds) > 0 }
