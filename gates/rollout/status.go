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
	Draft:            {StatusDraft, StatusDraft},
	Checking:         {StatusQueued, StatusQueued},
	Ineligible:       {StatusFailed, StatusFailed},
	AwaitingApproval: {StatusQueued, StatusQueued},
	Approved:         {StatusQueued, StatusQueued},
	Distributing:     {StatusVerifying, StatusReleasing},
	Verifying:        {StatusVerifying, StatusReleasing},
	Activating:       {StatusVerified, StatusReleasing},
	Observing:        {StatusReleasing, StatusReleasing},
	Soaking:          {StatusReleasing, StatusReleasing},
	ClosedGood:       {StatusReleased, StatusReleased},
	RollingBack:      {StatusPaused, StatusPaused},
	RolledBack:       {StatusRolledBack, StatusRolledBack},
	InSafety:         {StatusFailed, StatusFailed},
	Aborted:          {StatusCanceled, StatusCanceled},
	Replaced:         {StatusCanceled, StatusCanceled},
	Failed:           {StatusFailed, StatusFailed},
}

// Status returns the release's status in the interop form. A held release is paused,
// until it has ended.
func (r Release) Status() Status {
	of := statuses[r.Phase]
	switch {
	case r.held() && !r.Ended() && r.Phase != ClosedGood:
		return StatusPaused
	case r.Stage == 0:
		return of.first
	default:
		return of.later
	}
}
