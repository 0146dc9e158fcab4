package cases

import "time"

// Types of the entries of a Case. The actor, the reason and the time of what happens
// are those of the entry.
const (
	TypeOpened     = "orgo.case.opened"    // Opened
	TypeRecurred   = "orgo.case.recurred"  // Recurred
	TypeMoved      = "orgo.case.moved"     // Moved
	TypeReopened   = "orgo.case.reopened"  // Reopened
	TypeAssigned   = "orgo.case.assigned"  // Assigned
	TypeLinked     = "orgo.case.linked"    // Linked
	TypeCommented  = "orgo.case.commented" // Commented
	TypeCleared    = "orgo.case.cleared"   // ClearedBy
	TypeEscalated  = "orgo.case.escalated" // Escalated
	TypeTaskOpened = "orgo.task.opened"    // TaskOpened
	TypeTaskMoved  = "orgo.task.moved"     // TaskMoved
	TypeTaskOwned  = "orgo.task.assigned"  // TaskAssigned
	TypeTaskNoted  = "orgo.task.commented" // TaskCommented
	TypeTaskLate   = "orgo.task.escalated" // Escalated
)

// Opened begins a Case: its first entry.
type Opened struct {
	Source      Source   `json:"source"`
	Type        string   `json:"type"`
	Category    Category `json:"category"`
	Summary     string   `json:"summary"`
	Description string   `json:"description,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Refs        []Ref    `json:"refs,omitempty"`
	Cause       Cause    `json:"cause"`
	// Ordinal counts the Cases of the cause, from 1: with it, it makes the id.
	Ordinal int `json:"ordinal"`
	// Origin is the id of the entry that tells of the cause.
	Origin string   `json:"origin,omitempty"`
	Codes  []string `json:"reason_codes,omitempty"`
	Route  Route    `json:"route"`
}

// Recurred says that the cause was met again.
type Recurred struct {
	// Entry is the id of the entry that tells of it.
	Entry string   `json:"entry,omitempty"`
	Codes []string `json:"reason_codes,omitempty"`
	Refs  []Ref    `json:"refs,omitempty"`
}

// Moved takes a Case to another state.
type Moved struct {
	To Status `json:"to"`
	// Expects is the version that the writer has seen; 0 is any.
	Expects    int64  `json:"expects,omitempty"`
	Resolution string `json:"resolution,omitempty"`
}

// Reopened takes a terminal Case back to OPEN.
type Reopened struct {
	Expects int64 `json:"expects,omitempty"`
}

// Assigned changes who owns a Case.
type Assigned struct {
	Expects int64   `json:"expects,omitempty"`
	Owners  []Owner `json:"owners"`
}

// Linked adds a reference.
type Linked struct {
	Ref Ref `json:"ref"`
}

// Commented says something. It may be about a Case that has ended, too.
type Commented struct {
	Text string `json:"text"`
}

// ClearedBy says that what opened the Case is gone.
type ClearedBy struct {
	Entry string `json:"entry,omitempty"`
}

// Escalated says that a deadline has passed, and how far it goes up.
type Escalated struct {
	Deadline Deadline `json:"deadline"`
}

// TaskOpened adds a Task.
type TaskOpened struct {
	TaskID string `json:"task_id"`
	Source Source `json:"source"`
	Plan   Plan   `json:"plan"`
}

// TaskMoved takes a Task to another state.
type TaskMoved struct {
	TaskID     string     `json:"task_id"`
	To         TaskStatus `json:"to"`
	Expects    int64      `json:"expects,omitempty"`
	Resolution string     `json:"resolution,omitempty"`
}

// TaskAssigned changes who is to do a Task.
type TaskAssigned struct {
	TaskID  string `json:"task_id"`
	Expects int64  `json:"expects,omitempty"`
	Owner   Owner  `json:"owner"`
}

// TaskCommented says something about a Task.
type TaskCommented struct {
	TaskID string `json:"task_id"`
	Text   string `json:"text"`
}

// DeadlineKind says what is due.
type DeadlineKind string

// The deadlines.
const (
	DueResponse   DeadlineKind = "response"   // a Case leaves OPEN
	DueResolve    DeadlineKind = "resolve"    // a Case ends
	DueReactivity DeadlineKind = "reactivity" // a Task is begun
	DueTask       DeadlineKind = "task"       // a Task ends
)

// Deadline is one level of escalation of one clock.
type Deadline struct {
	Kind   DeadlineKind `json:"kind"`
	TaskID string       `json:"task_id,omitempty"`
	Level  int          `json:"level"` // from 1
	// At is when the level is reached, Due when the clock was over.
	At  time.Time `json:"at"`
	Due time.Time `json:"due_at"`
}
