package client

import (
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// CaseAction is something that is done to a Case: the body of the call that asks for
// it.
type CaseAction interface {
	// ForCase returns the name of the call, the type and the body of the entry that it
	// becomes (see package cases), and why.
	ForCase() (name, typ string, body any, reason string)
}

// TaskAction is something that is done to a Task.
type TaskAction interface {
	// ForTask returns the same for a Task.
	ForTask(taskID string) (name, typ string, body any, reason string)
}

// Seen is the version that the writer has seen. If it is not the newest any more, the
// call is refused with VERSION_STALE, and told what changed since.
type Seen struct {
	Version int64 `json:"version,omitempty" required:"false" minimum:"0" doc:"The version that you have seen; any if absent"`
}

// What can be done to a Case.
type (
	// MoveCase takes it to another state.
	MoveCase struct {
		To         cases.Status `json:"to" enum:"OPEN,IN_PROGRESS,BLOCKED,WAITING_REVIEW,COMPLETED,CANCELLED,FAILED"`
		Resolution string       `json:"resolution,omitempty" maxLength:"2000" doc:"How it was resolved"`
		// Force completes it also while a build that it is about runs, which is recorded.
		Force bool `json:"force,omitempty" doc:"Complete it also while a build that it is about runs"`
		Seen
		Remark
	}
	// AssignCase changes who owns it.
	AssignCase struct {
		Owners []cases.Owner `json:"owners" maxItems:"50"`
		Seen
		Remark
	}
	// ReopenCase takes one that has ended back to OPEN, where its route lets it.
	ReopenCase struct {
		Seen
		Remark
	}
	// LinkCase adds a reference.
	LinkCase struct {
		cases.Ref
		Remark
	}
	// CommentCase says something, also of one that has ended.
	CommentCase struct {
		Text string `json:"text" minLength:"1" maxLength:"20000"`
	}
)

// ForCase makes it a CaseAction.
func (a MoveCase) ForCase() (name, typ string, body any, reason string) {
	return "transition", cases.TypeMoved, cases.Moved{To: a.To, Expects: a.Version, Resolution: a.Resolution}, a.Reason
}

// ForCase makes it a CaseAction.
func (a AssignCase) ForCase() (name, typ string, body any, reason string) {
	return "assign", cases.TypeAssigned, cases.Assigned{Expects: a.Version, Owners: a.Owners}, a.Reason
}

// ForCase makes it a CaseAction.
func (a ReopenCase) ForCase() (name, typ string, body any, reason string) {
	return "reopen", cases.TypeReopened, cases.Reopened{Expects: a.Version}, a.Reason
}

// ForCase makes it a CaseAction.
func (a LinkCase) ForCase() (name, typ string, body any, reason string) {
	return "link", cases.TypeLinked, cases.Linked{Ref: a.Ref}, a.Reason
}

// ForCase makes it a CaseAction.
func (a CommentCase) ForCase() (name, typ string, body any, reason string) {
	return "comment", cases.TypeCommented, cases.Commented{Text: a.Text}, ""
}

// AddTask adds a Task to a Case.
type AddTask struct {
	// Key names it within the Case; absent, it gets one.
	Key         string `json:"key,omitempty" maxLength:"100" pattern:"^[!-~]+$" doc:"Names it within the Case: no two have the same"`
	Type        string `json:"type,omitempty" maxLength:"100" doc:"task if absent"`
	Title       string `json:"title" minLength:"1" maxLength:"512"`
	Description string `json:"description,omitempty" maxLength:"20000"`
	// What is absent of these is as the Case has it.
	Category cases.Category `json:"category,omitempty" enum:"request,incident,update,report,distribution"`
	Owner    *cases.Owner   `json:"owner,omitempty" doc:"The first owner of the Case if absent"`
	Priority cases.Priority `json:"priority,omitempty" enum:"LOW,MEDIUM,HIGH,CRITICAL"`
	Label    string         `json:"label,omitempty" maxLength:"200"`

	DueWithin   records.Duration `json:"due_within,omitempty" doc:"Until it is done, as 24h"`
	ReactWithin records.Duration `json:"react_within,omitempty" doc:"Until somebody begins"`
	Remark
}

// What can be done to a Task.
type (
	// MoveTask takes it to another state.
	MoveTask struct {
		To         cases.TaskStatus `json:"to" enum:"PENDING,IN_PROGRESS,ON_HOLD,COMPLETED,FAILED,CANCELLED"`
		Resolution string           `json:"resolution,omitempty" maxLength:"2000" doc:"What was done"`
		Seen
		Remark
	}
	// AssignTask changes who is to do it.
	AssignTask struct {
		Owner cases.Owner `json:"owner"`
		Seen
		Remark
	}
	// CommentTask says something about it.
	CommentTask struct {
		Text string `json:"text" minLength:"1" maxLength:"20000"`
	}
)

// ForTask makes it a TaskAction.
func (a MoveTask) ForTask(id string) (name, typ string, body any, reason string) {
	return "transition", cases.TypeTaskMoved, cases.TaskMoved{TaskID: id, To: a.To, Expects: a.Version, Resolution: a.Resolution}, a.Reason
}

// ForTask makes it a TaskAction.
func (a AssignTask) ForTask(id string) (name, typ string, body any, reason string) {
	return "assign", cases.TypeTaskOwned, cases.TaskAssigned{TaskID: id, Expects: a.Version, Owner: a.Owner}, a.Reason
}

// ForTask makes it a TaskAction.
func (a CommentTask) ForTask(id string) (name, typ string, body any, reason string) {
	return "comment", cases.TypeTaskNoted, cases.TaskCommented{TaskID: id, Text: a.Text}, ""
}
