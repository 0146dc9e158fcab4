package client

import (
	"encoding/json"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
)

// The types here are the bodies of requests and answers. Their struct tags
// beyond json describe them in the server's OpenAPI document.

// StartBuild asks for a build. The actor is the one the token names.
type StartBuild struct {
	Inputs []records.Input `json:"inputs" minItems:"1" maxItems:"1000" doc:"What to build from: file URLs that the worker can read, or snapshots taken before"`
	// Pipeline is a pipeline document, or the string "default"; absent means
	// the default too.
	Pipeline json.RawMessage `json:"pipeline,omitempty" doc:"A pipeline document, or the string \"default\""`
	// Policy is a mandate bundle (see PolicyText, PolicyDigest); absent means the
	// built-in one.
	Policy json.RawMessage `json:"policy,omitempty" doc:"A mandate bundle, as an object or as text in YAML, or the digest of a registered one; the built-in one if absent"`
	// Contracts is {"builtin": "name@version"}, a PinnedChoice or a ContractSet;
	// absent means the built-in set.
	Contracts   json.RawMessage `json:"contracts,omitempty" doc:"{\"builtin\": \"name@version\"}, {\"pinned\": \"sha256:…\"}, or a contract set with its schemas"`
	Trigger     BuildTrigger    `json:"trigger,omitzero" required:"false" doc:"What caused the build, and why"`
	ReproduceOf string          `json:"reproduce_of,omitempty" format:"uuid" doc:"A build whose outputs this one must repeat"`
}

// BuildTrigger is what caused a build. The type defaults to manual.
type BuildTrigger struct {
	Type      records.TriggerType `json:"type,omitempty" enum:"manual,schedule,webhook,incident,release,other"`
	Reason    string              `json:"reason,omitempty" maxLength:"2000"`
	SourceRef string              `json:"source_ref,omitempty" maxLength:"2000"`
}

// ContractSet is a set of JSON Schemas, each under its file name.
type ContractSet struct {
	ContractHead
	Schemas map[string]json.RawMessage `json:"schemas"`
}

// PinnedChoice names a contract set that was pinned before, by its digest.
type PinnedChoice struct {
	Pinned string `json:"pinned"`
}

// ContractHead says what set it is and where it comes from.
type ContractHead struct {
	Name    string `json:"name"`
	Version string `json:"version"` // x.y.z
	Source  string `json:"source,omitempty"`
	Commit  string `json:"commit,omitempty"`
}

// StopBuild asks for the end of a build: at the next safe boundary, or with Now
// by cancelling the stage that runs.
type StopBuild struct {
	Reason string `json:"reason" minLength:"1" maxLength:"2000"`
	Now    bool   `json:"now,omitempty" required:"false"`
}

// RetireKey asks that what a key signs counts no more.
type RetireKey struct {
	Reason string `json:"reason" minLength:"1" maxLength:"2000"`
}

// RetryStage asks a build that waits for an operator to run again from a stage.
type RetryStage struct {
	Stage  records.Stage `json:"stage" enum:"ingest,extract,resolve,validate,compile"`
	Reason string        `json:"reason" minLength:"1" maxLength:"2000"`
}

// OverrideGate asks a build that waits for an operator to go on although a gate
// refused it. The refusal stays in the record, and the override beside it.
type OverrideGate struct {
	Gate      string    `json:"gate" minLength:"1" maxLength:"100" doc:"The gate that refused"`
	Reason    string    `json:"reason" minLength:"1" maxLength:"2000"`
	CaseID    string    `json:"case_id" format:"uuid" doc:"The case in which the override is followed up"`
	ExpiresAt time.Time `json:"expires_at" doc:"Until when the override holds"`
}

// ReproduceBuild asks to run a build again from its pins alone.
type ReproduceBuild struct {
	Reason string `json:"reason,omitempty" maxLength:"2000"`
}

// BuildList is one page of builds, newest first.
type BuildList struct {
	Builds []records.BuildView `json:"builds"`
	// Next is the cursor of the next page; empty on the last.
	Next string `json:"next,omitempty"`
}

// ListQuery selects builds. Zero fields select all.
type ListQuery struct {
	State    records.BuildState
	Pipeline string
	Limit    int
	Cursor   string
}

// EntryList is a page of the entries of a build or a release, in order.
type EntryList struct {
	Entries []StoredEntry `json:"entries"`
	// Next is the sequence number to read on after.
	Next int64 `json:"next"`
}

// StoredEntry is an entry and its place among those of its subject, from 1.
type StoredEntry = event.Entry

// Why lists every condition that keeps a build from passing.
type Why struct {
	BuildID      string             `json:"build_id"`
	State        records.BuildState `json:"state"`
	Codes        []string           `json:"reason_codes"`
	WaitingUntil *time.Time         `json:"waiting_until,omitempty"`
	Unmet        []Unmet            `json:"unmet"`
}

// Unmet is one condition that is not met.
type Unmet struct {
	Reason
	Where  Where  `json:"where"`
	Target string `json:"target,omitempty"` // the part that it is about: an output, a limit, …
	// Rules are the rules that ask for it.
	Rules []string `json:"rules,omitempty"`
	// Earliest is when time alone will have cleared it, if time does.
	Earliest *time.Time      `json:"earliest,omitempty"`
	Message  string          `json:"message,omitempty"`
	Evidence json.RawMessage `json:"evidence,omitempty"`
	At       *time.Time      `json:"at,omitempty"`
	EntryID  string          `json:"entry_id,omitempty"`
}

// Where says which step, generation, attempt and gate a condition is about; in a
// release, which stage and cohort.
type Where struct {
	Step       records.Stage `json:"step,omitempty"`
	Generation int           `json:"generation,omitempty"`
	Attempt    int           `json:"attempt,omitempty"`
	Gate       string        `json:"gate,omitempty"`
	// Stage is that of a release, by its name: with a gate the one that it may not enter
	// ("close" after the last), otherwise the one that it is in.
	Stage  string `json:"stage,omitempty"`
	Cohort string `json:"cohort,omitempty"`
}

// Reason explains a reason code.
type Reason struct {
	Code  string `json:"code"`
	Class string `json:"class"`
	// Severity is that of an incident with the code: SEV1 to SEV4.
	Severity string `json:"severity"`
	Meaning  string `json:"meaning"`
	Remedy   string `json:"remedy"`
	// ClearedBy says who can clear a refusal with the code.
	ClearedBy string `json:"cleared_by"`
	// Final says that trying again unchanged cannot help.
	Final bool `json:"final"`
}

// ReasonList is every reason code there is.
type ReasonList struct {
	Reasons []Reason `json:"reasons"`
}
