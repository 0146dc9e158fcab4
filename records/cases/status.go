package cases

// Status is where a Case is in its lifecycle (CONTRACTS §1).
type Status string

// The states of a Case.
const (
	Open          Status = "OPEN"
	InProgress    Status = "IN_PROGRESS"
	Blocked       Status = "BLOCKED"
	WaitingReview Status = "WAITING_REVIEW"
	Completed     Status = "COMPLETED"
	Cancelled     Status = "CANCELLED"
	Failed        Status = "FAILED"
)

// Statuses returns the states of a Case in the order of its life.
func Statuses() []Status {
	return []Status{Open, InProgress, Blocked, WaitingReview, Completed, Cancelled, Failed}
}

// Terminal reports whether nothing but a reopening changes a Case in this state.
func (s Status) Terminal() bool { return s == Completed || s == Cancelled || s == Failed }

// TaskStatus is where a Task is in its lifecycle (CONTRACTS §1).
type TaskStatus string

// The states of a Task.
const (
	TaskPending    TaskStatus = "PENDING"
	TaskInProgress TaskStatus = "IN_PROGRESS"
	TaskOnHold     TaskStatus = "ON_HOLD"
	TaskEscalated  TaskStatus = "ESCALATED"
	TaskCompleted  TaskStatus = "COMPLETED"
	TaskFailed     TaskStatus = "FAILED"
	TaskCancelled  TaskStatus = "CANCELLED"
)

// TaskStatuses returns the states of a Task in the order of its life.
func TaskStatuses() []TaskStatus {
	return []TaskStatus{TaskPending, TaskInProgress, TaskOnHold, TaskEscalated, TaskCompleted, TaskFailed, TaskCancelled}
}

// Terminal reports whether nothing changes a Task in this state.
func (s TaskStatus) Terminal() bool {
	return s == TaskCompleted || s == TaskFailed || s == TaskCancelled
}

// Priority is how soon work is to be done.
type Priority string

// The priorities of Cases and Tasks.
const (
	Low      Priority = "LOW"
	Medium   Priority = "MEDIUM"
	High     Priority = "HIGH"
	Critical Priority = "CRITICAL"
)

// Priorities returns the priorities, the lowest first.
func Priorities() []Priority { return []Priority{Low, Medium, High, Critical} }

// Visibility is who may see a Case.
type Visibility string

// The visibilities of a Case.
const (
	Internal Visibility = "INTERNAL"
	Private  Visibility = "PRIVATE"
	Public   Visibility = "PUBLIC"
)

// Visibilities returns the visibilities of a Case.
func Visibilities() []Visibility { return []Visibility{Internal, Private, Public} }

// Category is what kind of work it is (that of a Task in CONTRACTS §1).
type Category string

// The categories of Cases and Tasks.
const (
	Request      Category = "request"
	Incident     Category = "incident"
	Update       Category = "update"
	Report       Category = "report"
	Distribution Category = "distribution"
)

// Categories returns the categories.
func Categories() []Category { return []Category{Request, Incident, Update, Report, Distribution} }

// Source is where a Case or Task comes from (that of a Task in CONTRACTS §1).
type Source string

// The sources. What Orgo opens by itself is of source "api".
const (
	SourceEmail  Source = "email"
	SourceAPI    Source = "api"
	SourceManual Source = "manual"
	SourceSync   Source = "sync"
)

// Sources returns the sources.
func Sources() []Source { return []Source{SourceEmail, SourceAPI, SourceManual, SourceSync} }

// OwnerKind is what an owner is.
type OwnerKind string

// The kinds of owners.
const (
	User    OwnerKind = "user"
	Team    OwnerKind = "team"
	Service OwnerKind = "service"
)

// OwnerKinds returns the kinds of owners.
func OwnerKinds() []OwnerKind { return []OwnerKind{User, Team, Service} }
