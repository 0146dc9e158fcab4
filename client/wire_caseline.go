package client

import (
	"time"

	"github.com/initkoa/orgo/records/cases"
)

// CaseLine is a Case on a line of a file of JSON Lines: what an export writes and an
// import reads. What only an export knows (the state, the times) an import takes note
// of as far as each member says.
type CaseLine struct {
	// CaseID is the id in Orgo: an import leaves a Case of this organization with it as it
	// is.
	CaseID string `json:"case_id,omitempty"`
	// SourceReference is the id elsewhere: with the one or the other each line names what
	// it is, so that importing it again changes nothing.
	SourceReference string `json:"source_reference,omitempty"`

	Source      cases.Source   `json:"source,omitempty"` // an import: sync if absent
	Type        string         `json:"type"`
	Category    cases.Category `json:"category,omitempty"`
	Summary     string         `json:"summary"`
	Description string         `json:"description,omitempty"`
	Tags        []string       `json:"tags,omitempty"`
	Refs        []cases.Ref    `json:"refs,omitempty"`
	Codes       []string       `json:"reason_codes,omitempty"`
	Handling

	// Status is where it is. An import leaves out what has ended; anything else becomes
	// OPEN, for what happened before is not its to say.
	Status     cases.Status `json:"status,omitempty"`
	Resolution string       `json:"resolution,omitempty"`
	CreatedAt  *time.Time   `json:"created_at,omitempty"`
	UpdatedAt  *time.Time   `json:"updated_at,omitempty"`
	ClosedAt   *time.Time   `json:"closed_at,omitempty"`
	Cause      *cases.Cause `json:"cause,omitempty"` // not imported

	Tasks []TaskLine `json:"tasks,omitempty"`
}

// TaskLine is a Task of a CaseLine. An import leaves out one that has ended.
type TaskLine struct {
	cases.Plan
	Status     cases.TaskStatus `json:"status,omitempty"`
	Resolution string           `json:"resolution,omitempty"`
	DueAt      *time.Time       `json:"due_at,omitempty"` // not imported: due_within is
}

// What an import made of a line.
const (
	ImportCreated  = "created"  // a Case was opened
	ImportExists   = "exists"   // it was there, and stays as it is
	ImportEnded    = "ended"    // it has ended, and is left out
	ImportRefused  = "refused"  // it is no Case
	ImportWithheld = "withheld" // it is good, and another line is not
)

// ImportResult says what became of the lines of an import.
type ImportResult struct {
	Lines    int `json:"lines"`
	Created  int `json:"created"`
	Exists   int `json:"exists"`
	Ended    int `json:"ended"`
	Refused  int `json:"refused"`
	Withheld int `json:"withheld,omitempty"`
	// Refusals are the first lines that were refused, each with its place.
	Refusals []ImportRefusal `json:"refusals"`
}

// ImportRefusal is a line that was refused.
type ImportRefusal struct {
	Line    int    `json:"line"`             // from 1
	Column  int    `json:"column,omitempty"` // from 1, where it is known
	Pointer string `json:"pointer,omitempty"`
	Code    string `json:"reason_code"`
	Message string `json:"message"`
}
