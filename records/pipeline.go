package records

import (
	"encoding/json"
	"time"
)

// RunnerKind says how a stage is done.
type RunnerKind string

// The kinds of runners.
const (
	RunnerReference RunnerKind = "reference" // built into the worker
	RunnerCommand   RunnerKind = "command"   // a program, JSON on stdin and stdout
	RunnerHTTP      RunnerKind = "http"      // a POST, answered now or later
	RunnerTaskQueue RunnerKind = "taskqueue" // an activity on somebody's own task queue
	RunnerTarget    RunnerKind = "target"    // the target of a channel; of distribute and activate alone
)

// Execution says where a stage's activity runs.
type Execution string

// Inline runs a stage as a local activity: cheap, for short stages. Auto lets
// pinning choose by the size of the inputs.
const (
	ExecuteAuto   Execution = "auto"
	ExecuteInline Execution = "inline"
	ExecuteRemote Execution = "remote"
)

// Pipeline is a pipeline file: which runner does each stage, and how. Its
// schema is schemas/pipeline.schema.json.
type Pipeline struct {
	Kind          string `json:"kind"`
	SchemaVersion string `json:"schema_version"`
	PipelineID    string `json:"pipeline_id"`
	Version       string `json:"version"`
	Description   string `json:"description,omitempty"`
	// SourceDate is the only time that artifacts carry, so that they do not
	// depend on when they were made (the idea of SOURCE_DATE_EPOCH).
	SourceDate time.Time `json:"source_date"`
	// WaitForOperator is how long a blocked or failed build waits for a retry
	// before it ends. Zero ends it at once.
	WaitForOperator Duration                `json:"wait_for_operator"`
	Stages          map[Stage]StageSettings `json:"stages"`
}

// StageSettings is how a pipeline does one stage.
type StageSettings struct {
	Runner    RunnerSettings `json:"runner"`
	Execution Execution      `json:"execution,omitempty"`
	// Timeout bounds one attempt; Heartbeat is how long a remote attempt may be
	// silent before it counts as lost.
	Timeout   Duration        `json:"timeout,omitempty"`
	Heartbeat Duration        `json:"heartbeat,omitempty"`
	Retry     RetrySettings   `json:"retry,omitzero"`
	Config    json.RawMessage `json:"config,omitempty"`
}

// RetrySettings bounds the attempts at one stage.
type RetrySettings struct {
	MaxAttempts     int      `json:"max_attempts,omitempty"`
	InitialInterval Duration `json:"initial_interval,omitempty"`
	MaxInterval     Duration `json:"max_interval,omitempty"`
	Coefficient     float64  `json:"backoff_coefficient,omitempty"`
}

// RunnerSettings names a runner and its version. Exactly the block of its kind
// is set, none for reference.
type RunnerSettings struct {
	Kind      RunnerKind        `json:"kind"`
	Version   string            `json:"version"`
	Command   *CommandRunner    `json:"command,omitempty"`
	HTTP      *HTTPRunner       `json:"http,omitempty"`
	TaskQueue *ExternalActivity `json:"taskqueue,omitempty"`
	Target    *TargetRunner     `json:"target,omitempty"`
}

// CommandRunner is a program. Digest is that of the program file; pinning fills
// it in where it is absent, and the worker refuses a program that differs.
type CommandRunner struct {
	Program     string   `json:"program"`
	Args        []string `json:"args,omitempty"`
	Environment []string `json:"environment,omitempty"` // names passed through
	Digest      *Digest  `json:"digest,omitempty"`
	MaxOutput   int64    `json:"max_output_bytes,omitempty"` // stdout and artifacts together
}

// HTTPRunner is a service that does the stage.
type HTTPRunner struct {
	URL string `json:"url"`
	// PollInterval is used when the service answers 202 with a Location.
	PollInterval Duration `json:"poll_interval,omitempty"`
}

// ExternalActivity is an activity that some other worker serves.
type ExternalActivity struct {
	TaskQueue string `json:"task_queue"`
	Activity  string `json:"activity"`
}

// TargetRunner is a target of channels, by what it is: which one it is, the channel
// says.
type TargetRunner struct {
	Name string `json:"name"` // "directory"
}
