package cases

// The kinds of causes, and what the id of each is. A cause has one open Case at most.
const (
	CauseBuild      = "build"       // a build that did not pass: its id
	CauseConflict   = "conflict"    // a stage that yielded two outputs: "build id/stage"
	CauseRelease    = "release"     // a release that ended badly: its id
	CauseRollback   = "rollback"    // a channel that persons took back: its id
	CauseNoTarget   = "no-target"   // a channel with nothing to go back to: its id
	CauseDrift      = "drift"       // a cohort with something else active: "channel id/cohort"
	CauseBreakGlass = "break-glass" // a break-glass: "release id/when it was opened"
	CauseApproval   = "approval"    // a release that waits for approval: its id
	CausePromotion  = "promotion"   // a release that waits to be promoted: its id
	CausePage       = "page"        // a release that policy lets a person decide on: its id
	CauseWebhook    = "webhook"     // a webhook whose events are not taken: its id
	CauseAudit      = "audit"       // a gap in the record: the kind and id of what has it
	CauseRequest    = "request"     // a person's own: their idempotency key
)

// CauseKinds returns the kinds of causes.
func CauseKinds() []string {
	return []string{
		CauseBuild, CauseConflict, CauseRelease, CauseRollback, CauseNoTarget, CauseDrift, CauseBreakGlass,
		CauseApproval, CausePromotion, CausePage, CauseWebhook, CauseAudit, CauseRequest,
	}
}

// The keys of the Tasks that are completed by what happens.
const (
	TaskFreeze      = "freeze"      // nothing moves forward on the channel
	TaskRollBack    = "roll-back"   // the earlier pack is published
	TaskValidate    = "validate"    // it was read back as active
	TaskUnfreeze    = "unfreeze"    // the hold is lifted
	TaskApprove     = "approve"     // a release is approved or rejected
	TaskPromote     = "promote"     // a stage is promoted
	TaskReview      = "review"      // a break-glass is reviewed
	TaskInvestigate = "investigate" // somebody has found out why
)
