package client

import (
	"encoding/json"
	"time"

	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// CreateCase opens a Case of one's own.
type CreateCase struct {
	Type        string         `json:"type" minLength:"1" maxLength:"100" doc:"What it is, in a word of your own: question, complaint, change"`
	Summary     string         `json:"summary" minLength:"1" maxLength:"512"`
	Category    cases.Category `json:"category,omitempty" enum:"request,incident,update,report,distribution" doc:"request if absent"`
	Source      cases.Source   `json:"source,omitempty" enum:"email,api,manual,sync" doc:"How it came in; manual if absent"`
	Description string         `json:"description,omitempty" maxLength:"20000"`
	Tags        []string       `json:"tags,omitempty" maxItems:"50"`
	Refs        []cases.Ref    `json:"refs,omitempty" maxItems:"500" doc:"What it is about: {ref_type: build, ref: ID}"`
	Codes       []string       `json:"reason_codes,omitempty" maxItems:"100"`
	Handling
	RouteFacts
	Remark
}

// Handling is what whoever opens a Case decides of how it is handled. What is absent is
// as its route has it.
type Handling struct {
	Label         string           `json:"label,omitempty" maxLength:"200" doc:"As 1000.12.34.Ops.Maintenance"`
	Owners        []cases.Owner    `json:"owners,omitempty" maxItems:"50"`
	Priority      cases.Priority   `json:"priority,omitempty" enum:"LOW,MEDIUM,HIGH,CRITICAL"`
	Severity      string           `json:"severity,omitempty" enum:"SEV1,SEV2,SEV3,SEV4"`
	Visibility    cases.Visibility `json:"visibility,omitempty" enum:"INTERNAL,PRIVATE,PUBLIC"`
	RespondWithin records.Duration `json:"respond_within,omitempty" doc:"Until somebody begins, as 4h"`
	ResolveWithin records.Duration `json:"resolve_within,omitempty" doc:"Until it has ended, as 72h"`
}

// RouteFacts are what a Case is routed by, besides its reason codes.
type RouteFacts struct {
	Stage   records.Stage `json:"stage,omitempty" doc:"The stage of a build that it is about"`
	Channel string        `json:"channel,omitempty" maxLength:"129" doc:"environment/channel"`
	// Policy is a mandate bundle, as in StartBuild, that routes the Case; absent means the
	// newest one that is registered and routes Cases, or else what is built in.
	Policy json.RawMessage `json:"policy,omitempty" doc:"A mandate bundle, as an object or as text in YAML, or the digest of a registered one"`
}

// RouteCase asks which route a Case would take: of such reason codes and facts, or that
// of a Case as it would be now.
type RouteCase struct {
	CaseID   string   `json:"case_id,omitempty" required:"false" format:"uuid" doc:"A Case whose facts are taken; nothing else is given then but a policy"`
	Cause    string   `json:"cause,omitempty" maxLength:"100" doc:"The kind of what it is about; request if absent"`
	Codes    []string `json:"reason_codes,omitempty" maxItems:"100"`
	Severity string   `json:"severity,omitempty" enum:"SEV1,SEV2,SEV3,SEV4"`
	Incident bool     `json:"incident,omitempty" doc:"Something went wrong: it has a severity"`
	Active   bool     `json:"active,omitempty" doc:"Something is active on the channel"`
	// Occurrences is how often the cause was met, Affected how much met the same lately.
	Occurrences int `json:"occurrences,omitempty" minimum:"0"`
	Affected    int `json:"affected,omitempty" minimum:"0"`
	RouteFacts
}

// CaseRoute is the route that a Case takes, and why.
type CaseRoute struct {
	Route       cases.Route         `json:"route"`
	Explanation routing.Explanation `json:"explanation"`
	// Recorded is the route that the Case was opened with, which stays.
	Recorded *cases.Route `json:"recorded,omitempty"`
}

// CaseQuery selects Cases. Zero fields select all.
type CaseQuery struct {
	Statuses   []cases.Status
	Open       bool // only those that have not ended
	Priorities []cases.Priority
	Severities []string
	Types      []string
	Label      string        // only those whose label begins so
	Owners     []cases.Owner // only those that one of these owns
	Mine       bool          // only those that the caller owns, or a team that is named like a role of theirs
	Cause      *cases.Cause
	DueBefore  time.Time
	DueFirst   bool // what is due earliest comes first, instead of the newest
	Limit      int
	Cursor     string
}

// CaseList is one page of Cases.
type CaseList struct {
	Cases []cases.Case `json:"cases"`
	// Next is the cursor of the next page; empty on the last.
	Next string `json:"next,omitempty"`
}

// TaskQuery selects Tasks. Zero fields select all.
type TaskQuery struct {
	Statuses   []cases.TaskStatus
	Open       bool
	Priorities []cases.Priority
	Label      string
	Owners     []cases.Owner
	Mine       bool
	CaseID     string
	DueBefore  time.Time
	DueFirst   bool
	Limit      int
	Cursor     string
}

// Task is a Task and the Case that it is in.
type Task struct {
	CaseID      string `json:"case_id"`
	CaseSummary string `json:"case_summary"`
	// CaseVersion is the version of the Case; that of the Task is Version.
	CaseVersion int64 `json:"case_version,omitempty"`
	cases.Task
}

// TaskList is one page of Tasks.
type TaskList struct {
	Tasks []Task `json:"tasks"`
	Next  string `json:"next,omitempty"`
}

// MoveCases takes many Cases to another state: those that are named, or those that a
// filter selects. Each is a transition of its own: what is refused keeps no other back.
type MoveCases struct {
	IDs    []string    `json:"ids,omitempty" maxItems:"500" doc:"The Cases; or else filter"`
	Filter *CaseFilter `json:"filter,omitempty" doc:"Which Cases; those that have ended are left out"`
	// DryRun says what would happen to each, and changes nothing.
	DryRun     bool         `json:"dry_run,omitempty"`
	To         cases.Status `json:"to" enum:"OPEN,IN_PROGRESS,BLOCKED,WAITING_REVIEW,COMPLETED,CANCELLED,FAILED"`
	Resolution string       `json:"resolution,omitempty" maxLength:"2000"`
	Force      bool         `json:"force,omitempty" doc:"Complete Cases also while a build that they are about runs"`
	Limit      int          `json:"limit,omitempty" minimum:"1" maximum:"500" doc:"How many Cases of the filter; 100 if absent"`
	Cursor     string       `json:"cursor,omitempty" maxLength:"500" doc:"next of the answer before"`
	Remark
}

// CaseFilter selects Cases, as CaseQuery does.
type CaseFilter struct {
	Statuses   []cases.Status   `json:"statuses,omitempty"`
	Priorities []cases.Priority `json:"priorities,omitempty"`
	Severities []string         `json:"severities,omitempty"`
	Types      []string         `json:"types,omitempty"`
	Label      string           `json:"label,omitempty" maxLength:"200"`
	Owners     []cases.Owner    `json:"owners,omitempty" maxItems:"50"`
	Cause      *cases.Cause     `json:"cause,omitempty"`
	DueBefore  time.Time        `json:"due_before,omitzero" required:"false"`
}

// MovedCases says what became of each Case, or would.
type MovedCases struct {
	DryRun bool        `json:"dry_run,omitempty"`
	Moved  int         `json:"moved"`
	Failed int         `json:"refused"`
	Cases  []MovedCase `json:"cases"`
	// Next is the cursor with which to go on, if the filter selects more.
	Next string `json:"next,omitempty"`
}

// MovedCase is what became of one Case. One that was refused has a code.
type MovedCase struct {
	CaseID  string       `json:"case_id"`
	From    cases.Status `json:"from,omitempty"`
	To      cases.Status `json:"to,omitempty"`
	Version int64        `json:"version,omitempty"` // afterwards
	Code    string       `json:"reason_code,omitempty"`
	Message string       `json:"message,omitempty"`
}

// BuildFromCase starts a build that follows from a Case.
type BuildFromCase struct {
	// Build is what is built; absent, what the build that the Case is about was asked for.
	Build *StartBuild `json:"build,omitempty" doc:"As in POST /v1/builds; its trigger is the Case. Absent: what the build of the Case was asked for"`
	Because
}

// CaseBuild is the build that was started, and the Case that leads to it now.
type CaseBuild struct {
	Build records.BuildView `json:"build"`
	Case  cases.Case        `json:"case"`
}
