package store

import (
	"time"

	"github.com/initkoa/orgo/records/cases"
)

// CaseOrder is how Cases and Tasks are listed.
type CaseOrder string

// The orders of lists.
const (
	NewestFirst CaseOrder = ""    // by when they were opened
	DueFirst    CaseOrder = "due" // what is due earliest; what has no deadline comes last
)

// CaseQuery selects Cases of an organization. The zero CaseQuery selects the newest.
type CaseQuery struct {
	Statuses   []cases.Status   // only these; empty: all
	Open       bool             // only those that have not ended
	Priorities []cases.Priority // only these; empty: all
	Severities []string         // only these; empty: all
	Types      []string         // only these; empty: all
	Label      string           // only those whose label begins so
	Owners     []cases.Owner    // only those that one of these owns (Display counts for nothing)
	Cause      *cases.Cause     // only those of it
	DueBefore  time.Time        // only those with a deadline that is not met, before it; zero: all
	Order      CaseOrder
	Cursor     string // the page after the one that returned it; empty: the first
	Limit      int    // page size; 0 is DefaultPage, more than MaxPage is MaxPage
}

// TaskQuery selects Tasks of an organization. The zero TaskQuery selects the newest.
type TaskQuery struct {
	Statuses   []cases.TaskStatus // only these; empty: all
	Open       bool               // only those that have not ended
	Priorities []cases.Priority   // only these; empty: all
	Label      string             // only those whose label begins so
	Owners     []cases.Owner      // only those of one of these
	CaseID     string             // only those of this Case
	DueBefore  time.Time          // only those that are due before it; zero: all
	Order      CaseOrder
	Cursor     string
	Limit      int
}

// ListedTask is a Task in a list, with its Case.
type ListedTask struct {
	CaseID      string `json:"case_id"`
	CaseSummary string `json:"case_summary"`
	cases.Task
}
