// Package workflows has Orgo's Temporal workflows. They decide, through gates,
// and activities act; nothing here reads a clock, a file or a database.
package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/records"
)

// TaskQueue is where Orgo's own worker listens.
const TaskQueue = "orgo"

// The types of the workflows.
const (
	BuildWorkflow    = "orgo.build"
	ReleaseWorkflow  = "orgo.release"
	ChannelWorkflow  = "orgo.channel"
	RollbackWorkflow = "orgo.rollback"
)

// The activities, by the names under which workflows call them.
const (
	ActivityPin    = "orgo.pin"
	ActivityRecord = "orgo.record"
	ActivityFinish = "orgo.finish"
)

// The activities of releases and channels. Those of the first group are short and
// run inline.
const (
	ActivityLoad    = "orgo.record.load"
	ActivityInbox   = "orgo.record.inbox"
	ActivityCommit  = "orgo.record.commit"
	ActivityOutcome = "orgo.action.outcome"
	ActivityAttest  = "orgo.release.attest"
	ActivityOverdue = "orgo.release.overdue-review"
	// ActivityAttempts reads what attempts there were at a stage.
	ActivityAttempts = "orgo.stage.attempts"

	ActivityCheck      = "orgo.release.check"
	ActivityFreeze     = "orgo.release.freeze-cohorts"
	ActivityDistribute = "orgo.distribute"
	ActivityVerify     = "orgo.release.verify"
	ActivityAgain      = "orgo.release.reduce-again"
	ActivityControl    = "orgo.release.control"
	ActivitySample     = "orgo.release.sample-target"
	ActivityAsk        = "orgo.channel.ask"
	ActivityPublish    = "orgo.activate"
	ActivityObserve    = "orgo.channel.observe"
	ActivityPinRelease = "orgo.release.pin"
	ActivityRender     = "orgo.render"
	ActivityExamine    = "orgo.rollback.examine"
)

// Each stage has activity types of its own, so that the Temporal Web UI tells
// them apart and a history replayed against another order of the spine fails.

// StageActivity returns the type of the activity that does a stage.
func StageActivity(stage records.Stage) string { return "orgo." + string(stage) }

// BeginActivity returns the type of the activity that starts a stage which
// somebody else does.
func BeginActivity(stage records.Stage) string { return StageActivity(stage) + ".begin" }

// CallActivity returns the type of the activity that hands a stage over.
func CallActivity(stage records.Stage) string { return StageActivity(stage) + ".call" }

// CallActivityID returns the id of that activity, by which a late answer finds it.
func CallActivityID(stage records.Stage, generation int) string {
	return fmt.Sprintf("call/%s/%d", stage, generation)
}

// EndActivity returns the type of the activity that verifies what came back.
func EndActivity(stage records.Stage) string { return StageActivity(stage) + ".end" }

// The updates and queries of a build.
const (
	UpdateStop     = "stop"
	UpdateRetry    = "retry"
	UpdateOverride = "override"
	QueryBuild     = "build"
)

// The messages to releases and channels.
const (
	// UpdateAct has an action carried out that was recorded: its argument is the id of
	// the entry that asks for it.
	UpdateAct = "act"
	// SignalPoke says that something new is in the store.
	SignalPoke = "poke"
	// SignalWindows brings cumulative windows of telemetry.
	SignalWindows = "windows"
	QueryRelease  = "release"
	QueryChannel  = "channel"
)

// The search attributes. They are registered by the local stack, and by
// `orgo migrate` elsewhere.
const (
	AttributeBuildID      = "OrgoBuildId"
	AttributeStage        = "OrgoStage"
	AttributeState        = "OrgoState"
	AttributeReasonCode   = "OrgoReasonCode"
	AttributeChannel      = "OrgoChannel"
	AttributeRelease      = "OrgoRelease"
	AttributeOrganization = "OrgoOrganization"
)

var (
	keyBuildID      = temporal.NewSearchAttributeKeyKeyword(AttributeBuildID)
	keyStage        = temporal.NewSearchAttributeKeyKeyword(AttributeStage)
	keyState        = temporal.NewSearchAttributeKeyKeyword(AttributeState)
	keyReasonCode   = temporal.NewSearchAttributeKeyKeywordList(AttributeReasonCode)
	keyChannel      = temporal.NewSearchAttributeKeyKeyword(AttributeChannel)
	keyRelease      = temporal.NewSearchAttributeKeyKeyword(AttributeRelease)
	keyOrganization = temporal.NewSearchAttributeKeyKeyword(AttributeOrganization)
)

// Limits.
const (
	// bookkeepingTimeout bounds one attempt to pin, record or finish.
	bookkeepingTimeout = time.Minute
	// bookkeepingRetry is the longest pause between such attempts. They go on for
	// ever: a build that cannot be recorded must not end.
	bookkeepingRetry = 30 * time.Second
	// markDelay is how long a stage runs before the search attributes name it.
	markDelay = 2 * time.Second
	// maxReason bounds the reason that an operator gives, in bytes.
	maxReason = 4096
)

// gatesChange marks, in a build's history, the version of the evaluator that it
// decides by; gatesNow is the newest. Operators find builds under an older one by
// TemporalChangeVersion.
const (
	gatesChange = "gates"
	gatesNow    = workflow.Version(2)
)

const buildPrefix = "build"

// BuildWorkflowID returns the id of the workflow that runs a build.
func BuildWorkflowID(organization, buildID string) string {
	return fmt.Sprintf("%s/%s/%s", buildPrefix, organization, buildID)
}

// ParseBuildWorkflowID is the inverse of BuildWorkflowID.
func ParseBuildWorkflowID(workflowID string) (organization, buildID string, err error) {
	parts := strings.Split(workflowID, "/")
	if len(parts) != 3 || parts[0] != buildPrefix || parts[1] == "" || parts[2] == "" {
		return "", "", fmt.Errorf("workflow id %q is not build/<organization>/<build>", workflowID)
	}
	return parts[1], parts[2], nil
}

// ReleaseWorkflowID returns the id of the workflow that runs a release.
func ReleaseWorkflowID(organization, releaseID string) string {
	return fmt.Sprintf("release/%s/%s", organization, releaseID)
}

// ChannelWorkflowID returns the id of the workflow of a channel.
func ChannelWorkflowID(organization string, c records.ChannelName) string {
	return fmt.Sprintf("channel/%s/%s/%s", organization, c.Environment, c.Name)
}

// RollbackWorkflowID returns the id of the workflow that finds a target for a
// containment of a channel.
func RollbackWorkflowID(organization string, c records.ChannelName, containment string) string {
	return fmt.Sprintf("rollback/%s/%s/%s/%s", organization, c.Environment, c.Name, containment)
}
