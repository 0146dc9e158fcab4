package records

import (
	"encoding/json"
	"time"
)

// BuildState is where a build stands.
type BuildState string

// The states of a build; the last four are terminal.
const (
	BuildPending BuildState = "PENDING"
	BuildRunning BuildState = "RUNNING"
	BuildWaiting BuildState = "WAITING" // for an operator
	BuildPassed  BuildState = "PASSED"
	BuildBlocked BuildState = "BLOCKED" // a gate refused
	BuildFailed  BuildState = "FAILED"  // a stage could not be done
	BuildStopped BuildState = "STOPPED" // an operator stopped it
)

// Terminal reports whether no event changes s any more.
func (s BuildState) Terminal() bool {
	switch s {
	case BuildPassed, BuildBlocked, BuildFailed, BuildStopped:
		return true
	default:
		return false
	}
}

// StageStatus is how a stage stands. A record knows the last four only.
type StageStatus string

// The statuses of a stage.
const (
	StagePending StageStatus = "PENDING"
	StageRunning StageStatus = "RUNNING"
	StageGating  StageStatus = "GATING" // its output is recorded, its gates have not decided
	StagePass    StageStatus = "PASS"
	StageFail    StageStatus = "FAIL"  // a gate refused what it yielded
	StageError   StageStatus = "ERROR" // it could not be done
	StageSkip    StageStatus = "SKIP"  // it never ran
)

// The steps of a build that frame its stages.
const (
	StepPin    Stage = "pin"
	StepRecord Stage = "record"
)

// BuildSteps returns what a build shows as its progress, in order: pin, the
// stages, record.
func BuildSteps() []Stage {
	steps := []Stage{StepPin}
	for _, spec := range buildSpine {
		steps = append(steps, spec.Stage)
	}
	return append(steps, StepRecord)
}

// Types of the entries about a build.
const (
	TypeBuildRequested = "orgo.build.requested"
	TypeBuildPinned    = "orgo.build.pinned"
	TypeBuildWaiting   = "orgo.build.waiting"
	TypeBuildPassed    = "orgo.build.passed"
	TypeBuildBlocked   = "orgo.build.blocked"
	TypeBuildFailed    = "orgo.build.failed"
	TypeBuildStopped   = "orgo.build.stopped"
	TypeStageStarted   = "orgo.stage.started"
	TypeStageFailed    = "orgo.stage.failed"
	TypeStageFinished  = "orgo.stage.finished"
	TypeStageConflict  = "orgo.stage.conflicted"
	TypeGatePassed     = "orgo.gate.passed"
	TypeGateFailed     = "orgo.gate.failed"
	// TypeGateOverridden and TypeOverrideRefused are decisions about an override: a
	// second one beside the refusal, which stays.
	TypeGateOverridden  = "orgo.gate.overridden"
	TypeOverrideRefused = "orgo.gate.override-refused"
	TypeOperatorAction  = "orgo.operator-action"
	TypeRecordWritten   = "orgo.record.written"
	TypeRecordAttested  = "orgo.record.attested"
)

// RecordAttested is the body of TypeRecordAttested: what was signed about a record.
type RecordAttested struct {
	KeyID        string        `json:"key_id"`
	Attestations []Attestation `json:"attestations"`
}

// Attestation refers to a signed statement.
type Attestation struct {
	PredicateType string `json:"predicate_type"`
	Bundle        Ref    `json:"bundle"`
}

// BuildRequested is the body of TypeBuildRequested.
type BuildRequested struct {
	IdempotencyKey string  `json:"idempotency_key"`
	Request        Ref     `json:"request"`
	Trigger        Trigger `json:"trigger"`
	ReproduceOf    string  `json:"reproduce_of,omitempty"`
}

// BuildPinned is the body of TypeBuildPinned.
type BuildPinned struct {
	Pins       Ref    `json:"pins"`
	PipelineID string `json:"pipeline_id"`
}

// StageStarted is the body of TypeStageStarted: one attempt begins.
type StageStarted struct {
	Key     string         `json:"idempotency_key"`
	Inputs  []Artifact     `json:"inputs"`
	Runner  RunnerSettings `json:"runner"`
	Attempt int            `json:"attempt"`
}

// StageFailed is the body of TypeStageFailed: an attempt ended without output.
type StageFailed struct {
	Message string          `json:"message"`
	Details json.RawMessage `json:"details,omitempty"`
	Attempt int             `json:"attempt"`
	Final   bool            `json:"final"`
}

// AttachmentStderr is the name of the attachment with the tail of what a program
// wrote to stderr.
const AttachmentStderr = "stderr"

// StageFinished is the body of TypeStageFinished: the authoritative output.
type StageFinished struct {
	Key     string     `json:"idempotency_key"`
	Inputs  []Artifact `json:"inputs"`
	Outputs []Artifact `json:"outputs"`
	// Attachments are kept beside the outputs and are no part of their identity:
	// provenance with collection times, the tail of a program's stderr.
	Attachments []Artifact       `json:"attachments,omitempty"`
	Metrics     map[string]int64 `json:"metrics,omitempty"`
	Notes       string           `json:"notes,omitempty"`
}

// What operators do to builds.
const (
	ActionStop     = "stop"
	ActionRetry    = "retry"
	ActionOverride = "override"
)

// OperatorAction is the body of TypeOperatorAction.
type OperatorAction struct {
	Action string     `json:"action"`
	Stage  Stage      `json:"stage,omitempty"`
	Gate   string     `json:"gate,omitempty"` // that was overridden
	Now    bool       `json:"now,omitempty"`
	Before BuildState `json:"before"`
	After  BuildState `json:"after"`
}

// BuildWaits is the body of TypeBuildWaiting.
type BuildWaits struct {
	Stage Stage       `json:"stage"`
	Until time.Time   `json:"until"`
	As    StageStatus `json:"as"` // FAIL or ERROR: how the stage ended
}

// BuildEnded is the body of the four terminal build events.
type BuildEnded struct {
	State  BuildState `json:"state"`
	Stage  Stage      `json:"stage,omitempty"` // where it ended, if not passed
	Record Digest     `json:"record"`
}
