package release

import "github.com/initkoa/orgo/records"

// Types of the entries of releases, channels and rollbacks.
const (
	TypeReleaseMoved    = "orgo.release.moved" // Moved
	TypeReleaseSolo     = "orgo.release.solo-mode-used"
	TypeWindowRefused   = "orgo.release.window-refused"
	TypeOperatorPaged   = "orgo.release.operator-paged"
	TypeGlassOpened     = "orgo.release.break-glass-opened"
	TypeGlassConfirmed  = "orgo.release.break-glass-confirmed"
	TypeGlassReviewed   = "orgo.release.break-glass-reviewed"
	TypeCohortActivated = "orgo.cohort.activated"

	TypeRollbackTriggered = "orgo.rollback.triggered"
	TypeRollbackTarget    = "orgo.rollback.target-selected"
	TypeRollbackCompleted = "orgo.rollback.completed"
	TypeRollbackFailed    = "orgo.rollback.failed" // in safe mode: there was nothing to go back to

	TypeChannelOpened       = "orgo.channel.opened"
	TypeChannelIndexed      = "orgo.channel.index-issued"
	TypeChannelConfirmed    = "orgo.channel.index-confirmed"
	TypeChannelDriftFound   = "orgo.channel.drift-detected"
	TypeChannelDriftCleared = "orgo.channel.drift-cleared"

	// TypeCaseNeeded asks for a Case of a person.
	TypeCaseNeeded = "orgo.case.requested"
)

// Moved is the body of TypeReleaseMoved.
type Moved struct {
	Event  string `json:"event"`
	Before string `json:"before"`
	After  string `json:"after"`
	Stage  int    `json:"stage"`
}

// ChannelOpened is the body of TypeChannelOpened.
type ChannelOpened struct {
	Channel records.ChannelName `json:"channel"`
}
