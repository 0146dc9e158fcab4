package cases

// The kinds of causes, and what the id of each is. A cause has one open Case at most.
const (
	CauseBuild      = "build"       // a build that did not pass: its id
	CauseRelease    = "release"     // a release that ended badly: its id
	CauseRollback   = "rollback"    // a rollback that a person asked for: its id
	CauseNoTarget   = "no-target"   // a channel in safe mode, with nothing to go back to: its id
	CauseDrift      = "drift"       // a cohort of a channel with something else active: "channel id/cohort"
	CauseBreakGlass = "break-glass" // a break-glass: its id
	CauseApproval   = "approval"    // an intent that waits for approval: "release id/digest"
	CausePage       = "page"        // a release that waits for a person: "release id/stage"
	CauseWebhook    = "webhook"     // a webhook whose events are not taken: its id
	CauseAudit      = "audit"       // a gap in the record: "subject kind/id"
	CauseRequest    = "request"     // a person's own: their idempotency key
)

// CauseKinds returns the kinds of causes.
func CauseKinds() []string {
	return []string{
		CauseBuild, CauseRelease, CauseRollback, CauseNoTarget, CauseDrift, CauseBreakGlass, CauseApproval, CausePage,
		CauseWebhook, CauseAudit, CauseRequest,
	}
}

// The keys of the Tasks that are completed by what happens.
const (
	TaskFreeze      = "freeze"      // the channel is held
	TaskRollBack    = "roll-back"   // the earlier pack is published
	TaskValidate    = "validate"    // it was read back as active
	TaskUnfreeze    = "unfreeze"    // the hold is lifted
	TaskApprove     = "approve"     // an intent is approved or rejected
	TaskReview      = "review"      // a break-glass is reviewed
	TaskInvestigate = "investigate" // somebody has found out why: no event says so
)
