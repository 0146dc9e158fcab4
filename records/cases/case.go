package cases

import (
	"time"

	"github.com/initkoa/orgo/records"
)

// Case is the state of a Case: the fold of its entries. Version is the sequence
// number of the last one.
type Case struct {
	Organization string `json:"organization_id"`
	CaseID       string `json:"case_id"`
	Version      int64  `json:"version"`

	Source      Source   `json:"source"`
	Type        string   `json:"type"`
	Category    Category `json:"category"`
	Status      Status   `json:"status"`
	Summary     string   `json:"summary,omitempty"`
	Description string   `json:"description,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Refs        []Ref    `json:"refs,omitempty"`

	// Cause is what opened it, Ordinal which Case of the cause it is, and Codes the reason
	// codes of that. Occurrences counts how often it was met while the Case was open.
	Cause       Cause    `json:"cause"`
	Ordinal     int      `json:"ordinal"`
	Origin      string   `json:"origin,omitempty"` // the id of the entry that tells of it
	Codes       []string `json:"reason_codes,omitempty"`
	Occurrences int      `json:"occurrences"`

	Route  Route   `json:"route"`
	Owners []Owner `json:"owners"`

	Response   Clock `json:"response"`
	Resolve    Clock `json:"resolve"`
	Escalation int   `json:"escalation_level"`
	// PausedAt is since when no deadline runs.
	PausedAt *time.Time `json:"paused_at,omitempty"`

	Tasks []Task `json:"tasks,omitempty"`

	// Resolution is how it was resolved, and ResolvedBy who said so: who approves is
	// another. Cleared says that what opened it is gone, and that it may be closed.
	Resolution string   `json:"resolution,omitempty"`
	ResolvedBy string   `json:"resolved_by,omitempty"`
	Cleared    *Cleared `json:"cleared,omitempty"`
	Reopened   int      `json:"reopened,omitempty"`

	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by"`
	UpdatedAt time.Time  `json:"updated_at"`
	ClosedAt  *time.Time `json:"closed_at,omitempty"`
}

// Task is one piece of work of a Case. Version is the sequence number of the last
// entry that changed it.
type Task struct {
	TaskID  string `json:"task_id"`
	Version int64  `json:"version"`
	// Key names it within its Case: what is done by itself completes it by that.
	Key string `json:"key"`
	// Decides is the decision on the Case that ends it.
	Decides     Decision   `json:"decides,omitempty"`
	Source      Source     `json:"source"`
	Type        string     `json:"type"`
	Category    Category   `json:"category"`
	Label       string     `json:"label"`
	Title       string     `json:"title"`
	Description string     `json:"description,omitempty"`
	Status      TaskStatus `json:"status"`
	Priority    Priority   `json:"priority"`
	Owner       Owner      `json:"owner"`

	Due        Clock      `json:"due"`
	Reactivity Clock      `json:"reactivity"`
	Escalation int        `json:"escalation_level"`
	PausedAt   *time.Time `json:"paused_at,omitempty"`

	Resolution string     `json:"resolution,omitempty"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	UpdatedAt  time.Time  `json:"updated_at"`
	ClosedAt   *time.Time `json:"closed_at,omitempty"`
}

// Owner is who is to do something.
type Owner struct {
	Kind    OwnerKind `json:"kind"`
	ID      string    `json:"id"`
	Display string    `json:"display,omitempty"`
}

// Ref leads from a Case to something else.
type Ref struct {
	Type string `json:"ref_type"` // "build", "release", "channel", "case", "url", …
	Ref  string `json:"ref"`
	Note string `json:"note,omitempty"`
}

// Cause is what a Case is about. The same cause never has two open Cases.
type Cause struct {
	Kind string `json:"kind"` // "build", "release", "rollback", "drift", …; "request" of a person's own
	ID   string `json:"id"`
}

// String returns "kind/id".
func (c Cause) String() string { return c.Kind + "/" + c.ID }

// Cleared says when and by what what opened a Case was gone.
type Cleared struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// Clock is a deadline. The zero Clock is none.
type Clock struct {
	// Within is the span that there was at first.
	Within records.Duration `json:"within,omitempty"`
	// Due is when it is over, with every pause so far.
	Due *time.Time `json:"due_at,omitempty"`
	// Met is when it was met.
	Met *time.Time `json:"met_at,omitempty"`
	// Level is how many levels of escalation it has gone through.
	Level int `json:"level,omitempty"`
}

// Route is how a Case is handled: the outcome of routing, which gates decides.
type Route struct {
	// Rule is the id of the rule that matched, and Policy the digest of the bundle that
	// it is in; without one it is a rule that Orgo has built in.
	Rule   string          `json:"rule"`
	Policy *records.Digest `json:"policy,omitempty"`

	Label      string     `json:"label"`
	Owners     []Owner    `json:"owners"`
	Priority   Priority   `json:"priority"`
	Severity   string     `json:"severity,omitempty"` // SEV1 to SEV4
	Visibility Visibility `json:"visibility"`

	RespondWithin records.Duration `json:"respond_within,omitempty"`
	ResolveWithin records.Duration `json:"resolve_within,omitempty"`
	// Escalation is who joins the owners when a deadline has passed, in order.
	Escalation []Level `json:"escalation,omitempty"`
	// Pauses are the states in which no deadline of the Case and its Tasks runs, and
	// TaskPauses those in which none of the Task does.
	Pauses     []Status     `json:"pauses,omitempty"`
	TaskPauses []TaskStatus `json:"task_pauses,omitempty"`

	// Review asks for the approval of another person before the Case is completed.
	Review bool `json:"review,omitempty"`
	// ReviewBy and CloseBy are who reviews how it was resolved, and who closes it once
	// what opened it is gone. Without one there is no Task of that.
	ReviewBy *Asked `json:"review_by,omitempty"`
	CloseBy  *Asked `json:"close_by,omitempty"`
	// CloseCleared completes the Case by itself once what opened it is gone.
	CloseCleared bool `json:"close_cleared,omitempty"`
	// ReopenWithin is how long after its end a Case may be reopened; 0 is never.
	ReopenWithin records.Duration `json:"reopen_within,omitempty"`

	Tasks []Plan `json:"tasks,omitempty"`
}

// Level is one level of escalation.
type Level struct {
	// After is how long after the deadline it is reached.
	After  records.Duration `json:"after,omitempty"`
	Owners []Owner          `json:"owners,omitempty"`
}

// Plan is a Task that is to be done.
type Plan struct {
	Key         string   `json:"key"`
	Type        string   `json:"type"`
	Category    Category `json:"category,omitempty"` // absent: that of the Case
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Owner       *Owner   `json:"owner,omitempty"`    // absent: the first of the Case
	Priority    Priority `json:"priority,omitempty"` // absent: that of the Case
	Label       string   `json:"label,omitempty"`    // absent: that of the Case
	// DueWithin and ReactWithin are spans from when the Task is opened: until when it is
	// to be done, and until when somebody is to begin.
	DueWithin   records.Duration `json:"due_within,omitempty"`
	ReactWithin records.Duration `json:"react_within,omitempty"`
}

// Task returns the Task of an id, or nil.
func (c *Case) Task(id string) *Task {
	for i := range c.Tasks {
		if c.Tasks[i].TaskID == id {
			return &c.Tasks[i]
		}
	}
	return nil
}

// Keyed returns the Task of a key, or nil.
func (c *Case) Keyed(key string) *Task {
	for i := range c.Tasks {
		if c.Tasks[i].Key == key {
			return &c.Tasks[i]
		}
	}
	return nil
}
