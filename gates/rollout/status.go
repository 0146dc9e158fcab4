package rollout

import "github.com/initkoa/orgo/records/release"

// Status is a release's status as others read it (CONTRACTS §1, Release Record).
type Status string

// The statuses of the interop form.
const (
	StatusDraft      Status = "DRAFT"
	StatusQueued     Status = "QUEUED"
	StatusVerifying  Status = "VERIFYING"
	StatusVerified   Status = "VERIFIED"
	StatusReleasing  Status = "RELEASING"
	StatusReleased   Status = "RELEASED"
	StatusPaused     Status = "PAUSED"
	StatusRolledBack Status = "ROLLED_BACK"
	StatusFailed     Status = "FAILED"
	StatusCanceled   Status = "CANCELED"
)

// statuses maps every phase: in a release's first stage, and later.
var statuses = map[Phase]struct{ first, later Status }{
	PhaseDraft:            {StatusDraft, StatusDraft},
	PhaseChecking:         {StatusQueued, StatusQueued},
	PhaseIneligible:       {StatusFailed, StatusFailed},
	PhaseAwaitingApproval: {StatusQueued, StatusQueued},
	PhaseApproved:         {StatusQueued, StatusQueued},
	PhaseDistributing:     {StatusVerifying, StatusReleasing},
	PhaseVerifying:        {StatusVerifying, StatusReleasing},
	PhaseActivating:       {StatusVerified, StatusReleasing},
	PhaseObserving:        {StatusReleasing, StatusReleasing},
	PhaseSoaking:          {StatusReleasing, StatusReleasing},
	PhaseClosedGood:       {StatusReleased, StatusReleased},
	PhaseRollingBack:      {StatusPaused, StatusPaused},
	PhaseRolledBack:       {StatusRolledBack, StatusRolledBack},
	PhaseSafeMode:         {StatusFailed, StatusFailed},
	PhaseAborted:          {StatusCanceled, StatusCanceled},
	PhaseSuperseded:       {StatusCanceled, StatusCanceled},
	PhaseFailed:           {StatusFailed, StatusFailed},
}

// Status returns the release's status in the interop form. A held release is paused,
// until it has ended.
func (r Release) Status() Status {
	of := statuses[r.Phase]
	switch {
	case r.held() && !r.Ended() && r.Phase != PhaseClosedGood:
		return StatusPaused
	case r.Stage == 0:
		return of.first
	default:
		return of.later
	}
}

// stories are the types under which a Release Record tells what happened (CONTRACTS
// §1).
var stories = map[ReleaseEventKind]string{
	Submitted: "QUEUED", Eligible: "ELIGIBLE", NotEligible: "INELIGIBLE",
	Agreed: "APPROVED", VotedDown: "REJECTED", IntentChanged: "INTENT_CHANGED",
	TurnGranted: "DISTRIBUTE_STARTED", Distributed: "VERIFY_STARTED", NotDistributed: "DISTRIBUTE_FAILED",
	Verified: "VERIFY_SUCCEEDED", NotVerified: release.EventVerifyFailed,
	StageActive: "ACTIVATE_SUCCEEDED", StageInactive: "ACTIVATE_FAILED",
	JudgedGood: "ANALYSIS_PASSED", JudgedBad: "ANALYSIS_FAILED",
	WentBack: "ROLLBACK_SUCCEEDED", NoTargetFound: "ROLLBACK_FAILED",
	AskedHold: "HELD", AskedLift: "LIFTED", AskedAbort: "ABORT_REQUESTED", AskedRollback: "ROLLBACK_REQUESTED",
	WasRevoked: "REVOKED", WasSuperseded: "SUPERSEDED",
}

// Story returns the type of the event in a Release Record.
func (k ReleaseEventKind) Story() string { return stories[k] }
