package rollout

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
