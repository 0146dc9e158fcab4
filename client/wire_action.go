package client

import "github.com/initkoa/orgo/records/release"

// ReleaseAction is an action on a release: the body of the call that asks for it.
type ReleaseAction interface {
	// ForRelease returns the action, its arguments, if it has any, and why.
	ForRelease() (action string, arguments any, reason string)
}

// ChannelAction is an action on a channel: the body of the call that asks for it.
type ChannelAction interface {
	// ForChannel returns the action, its arguments, if it has any, and why.
	ForChannel() (action string, arguments any, reason string)
}

// Because is why somebody asks for something.
type Because struct {
	Reason string `json:"reason" minLength:"1" maxLength:"2000"`
}

// Remark is the same where nothing has to be said.
type Remark struct {
	Reason string `json:"reason,omitempty" required:"false" maxLength:"2000"`
}

// The actions on a release.
type (
	// Approve is a vote for exactly the intent that is named.
	Approve struct {
		release.Ballot
		Remark
	}
	// Reject is a vote against it.
	Reject struct {
		release.Ballot
		Because
	}
	// Promote lets a release out of a stage that asks for it, once its judgement passes.
	Promote struct {
		release.Promote
		Remark
	}
	// HoldRelease keeps a release where it is until the same person lifts it.
	HoldRelease struct{ Because }
	// LiftRelease ends a hold of one's own.
	LiftRelease struct{ Because }
	// Abort ends a release, and takes back what it placed.
	Abort struct{ Because }
	// BreakGlass asks to let a release past gates into one stage.
	BreakGlass struct {
		release.Glass
		Because
	}
	// ConfirmBreakGlass is another person's agreement.
	ConfirmBreakGlass struct{ Because }
	// ReviewBreakGlass says afterwards what was found.
	ReviewBreakGlass struct{ Because }
)

// ForRelease makes it a ReleaseAction.
func (a Approve) ForRelease() (string, any, string) { return release.ActionApprove, a.Ballot, a.Reason }

// ForRelease makes it a ReleaseAction.
func (a Reject) ForRelease() (string, any, string) { return release.ActionReject, a.Ballot, a.Reason }

// ForRelease makes it a ReleaseAction.
func (a Promote) ForRelease() (string, any, string) {
	return release.ActionPromote, a.Promote, a.Reason
}

// ForRelease makes it a ReleaseAction.
func (a HoldRelease) ForRelease() (string, any, string) { return release.ActionHold, nil, a.Reason }

// ForRelease makes it a ReleaseAction.
func (a LiftRelease) ForRelease() (string, any, string) { return release.ActionLift, nil, a.Reason }

// ForRelease makes it a ReleaseAction.
func (a Abort) ForRelease() (string, any, string) { return release.ActionAbort, nil, a.Reason }

// ForRelease makes it a ReleaseAction.
func (a BreakGlass) ForRelease() (string, any, string) {
	return release.ActionBreakGlass, a.Glass, a.Reason
}

// ForRelease makes it a ReleaseAction.
func (a ConfirmBreakGlass) ForRelease() (string, any, string) {
	return release.ActionConfirmGlass, nil, a.Reason
}

// ForRelease makes it a ReleaseAction.
func (a ReviewBreakGlass) ForRelease() (string, any, string) {
	return release.ActionReviewGlass, nil, a.Reason
}

// The actions on a channel.
type (
	// HoldChannel keeps everything on a channel from moving forward until the same
	// person lifts it.
	HoldChannel struct{ Because }
	// LiftChannel ends a hold of one's own, or with its owner the one that followed a
	// rollback.
	LiftChannel struct {
		release.Lift
		Because
	}
	// Freeze keeps everything on a channel from moving forward until a time.
	Freeze struct {
		release.Freeze
		Because
	}
	// Unfreeze ends a freeze of one's own.
	Unfreeze struct{ Because }
	// Pin fixes a pack as the active one, or as the one that rollbacks go to.
	Pin struct {
		release.Pin
		Because
	}
	// Unpin ends a pin of one's own.
	Unpin struct {
		release.Unpin
		Because
	}
	// SetMinimum raises the lowest version that may be active.
	SetMinimum struct {
		release.Minimum
		Because
	}
	// Clear ends a quarantine.
	Clear struct {
		release.Packs
		Because
	}
	// RollbackChannel takes back what a release brought, or what is active in cohorts.
	RollbackChannel struct {
		release.Rollback
		Because
	}
)

// ForChannel makes it a ChannelAction.
func (a HoldChannel) ForChannel() (string, any, string) { return release.ActionHold, nil, a.Reason }

// ForChannel makes it a ChannelAction.
func (a LiftChannel) ForChannel() (string, any, string) { return release.ActionLift, a.Lift, a.Reason }

// ForChannel makes it a ChannelAction.
func (a Freeze) ForChannel() (string, any, string) { return release.ActionFreeze, a.Freeze, a.Reason }

// ForChannel makes it a ChannelAction.
func (a Unfreeze) ForChannel() (string, any, string) { return release.ActionUnfreeze, nil, a.Reason }

// ForChannel makes it a ChannelAction.
func (a Pin) ForChannel() (string, any, string) { return release.ActionPin, a.Pin, a.Reason }

// ForChannel makes it a ChannelAction.
func (a Unpin) ForChannel() (string, any, string) { return release.ActionUnpin, a.Unpin, a.Reason }

// ForChannel makes it a ChannelAction.
func (a SetMinimum) ForChannel() (string, any, string) {
	return release.ActionSetMinimum, a.Minimum, a.Reason
}

// ForChannel makes it a ChannelAction.
func (a Clear) ForChannel() (string, any, string) { return release.ActionClear, a.Packs, a.Reason }

// ForChannel makes it a ChannelAction.
func (a RollbackChannel) ForChannel() (string, any, string) {
	return release.ActionRollback, a.Rollback, a.Reason
}
