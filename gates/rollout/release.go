package rollout

import (
	"slices"

	"github.com/initkoa/orgo/gates"
)

// Phase is where a release stands.
type Phase string

// The phases. Terminal ones take no event but a revocation, which is remembered.
const (
	PhaseDraft            Phase = "DRAFT"
	PhaseChecking         Phase = "CHECKING"
	PhaseIneligible       Phase = "INELIGIBLE"
	PhaseAwaitingApproval Phase = "AWAITING_APPROVAL"
	PhaseApproved         Phase = "APPROVED"
	PhaseDistributing     Phase = "DISTRIBUTING"
	PhaseVerifying        Phase = "VERIFYING"
	PhaseActivating       Phase = "ACTIVATING"
	PhaseObserving        Phase = "OBSERVING"
	PhaseSoaking          Phase = "SOAKING"
	PhaseClosedGood       Phase = "CLOSED_GOOD"
	PhaseRollingBack      Phase = "ROLLING_BACK"
	PhaseRolledBack       Phase = "ROLLED_BACK"
	PhaseSafeMode         Phase = "SAFE_MODE"
	PhaseAborted          Phase = "ABORTED"
	PhaseSuperseded       Phase = "SUPERSEDED"
	PhaseFailed           Phase = "FAILED"
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
	return Release{ID: id, Phase: PhaseDraft, Stages: stages}
}

// Placed reports whether the release's pack is, was or may be active anywhere: from
// then on it does not end without going back or closing well.
func (r Release) Placed() bool {
	return r.Phase == PhaseActivating || r.Phase == PhaseObserving || r.Phase == PhaseSoaking || r.Stage > 0
}

// Ended reports whether the release takes no event any more but a revocation.
func (r Release) Ended() bool { return slices.Contains(ended, r.Phase) }

// ReleaseEventKind is an event in the life of a release.
type ReleaseEventKind string

// What happens to a release. Those of the last group contain: they are legal in every
// phase that is not terminal.
const (
	Submitted      ReleaseEventKind = "submitted"
	Eligible       ReleaseEventKind = "eligible"
	NotEligible    ReleaseEventKind = "not_eligible"
	Agreed         ReleaseEventKind = "agreed" // the approvals gate permits
	VotedDown      ReleaseEventKind = "rejected"
	IntentChanged  ReleaseEventKind = "intent_changed"
	TurnGranted    ReleaseEventKind = "turn_granted"
	Distributed    ReleaseEventKind = "distributed"
	NotDistributed ReleaseEventKind = "not_distributed"
	Verified       ReleaseEventKind = "verified"
	NotVerified    ReleaseEventKind = "not_verified"
	StageActive    ReleaseEventKind = "stage_active"
	StageInactive  ReleaseEventKind = "stage_inactive"
	JudgedGood     ReleaseEventKind = "judged_good"
	JudgedBad      ReleaseEventKind = "judged_bad"
	WentBack       ReleaseEventKind = "went_back"
	NoTargetFound  ReleaseEventKind = "no_target_found"

	AskedHold     ReleaseEventKind = "hold"
	AskedLift     ReleaseEventKind = "lift"
	AskedAbort    ReleaseEventKind = "abort"
	AskedRollback ReleaseEventKind = "rollback"
	WasRevoked    ReleaseEventKind = "revoked"
	WasSuperseded ReleaseEventKind = "superseded"
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

// ReleaseEvent is an event with its particulars.
type ReleaseEvent struct {
	Kind   ReleaseEventKind `json:"event"`
	Stage  int              `json:"stage"` // that it is about, where one is
	Actor  string           `json:"actor"`
	Owner  string           `json:"owner,omitempty"` // of the hold that is lifted
	Reason string           `json:"reason,omitempty"`
	Code   gates.Code       `json:"reason_code,omitempty"`
}

// Reduce returns the release after an event, and the steps to take. Refused events
// change nothing.
func (r Release) Reduce(in ReleaseEvent) (Release, []Step, *Refusal) {
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

func (r Release) refusal(in ReleaseEvent) *Refusal {
	if r.held() && slices.ContainsFunc(table, func(row Row) bool { return row.If == unheld && row.takes(r.Phase, in.Kind) }) {
		return refuse(gates.ReleaseHeld, "%s holds release %s: %s", r.Holds[0].Owner, r.ID, r.Holds[0].Reason)
	}
	return refuse(gates.InvalidTransition, "release %s is %s: %s is not possible", r.ID, r.Phase, in.Kind)
}

func (r Release) held() bool { return len(r.Holds) > 0 }
