package cases

import "fmt"

// Code says why something did not happen to a Case. The codes are rows of the table
// of reason codes in package gates.
type Code string

// Why something did not happen.
const (
	CodeTransition   Code = "INVALID_TRANSITION" // the state does not admit it
	CodeInvalid      Code = "REQUEST_INVALID"    // the entry is not one of a Case
	CodeTerminal     Code = "CASE_TERMINAL"      // the Case has ended: it takes nothing new
	CodeTaskTerminal Code = "TASK_TERMINAL"      // the Task has ended
	CodeTaskUnknown  Code = "TASK_UNKNOWN"       // the Case has no such Task
	CodeTaskExists   Code = "TASK_EXISTS"        // it has one of that key
	CodeTasksOpen    Code = "TASKS_OPEN"         // Tasks of it have not ended
	CodeStale        Code = "VERSION_STALE"      // the writer has not seen the newest version
	CodeReason       Code = "REASON_MISSING"
	CodeResolution   Code = "RESOLUTION_MISSING"
	CodeReview       Code = "REVIEW_MISSING"       // its route asks for a review first
	CodeApprover     Code = "APPROVER_IS_RESOLVER" // nobody approves what they resolved
	CodeOwner        Code = "OWNER_MISSING"
	CodeReopen       Code = "REOPEN_NOT_PERMITTED"
	CodeCauseOpen    Code = "CASE_CAUSE_OPEN" // its cause has another open Case
	CodeFull         Code = "CASE_FULL"
	CodeNotDue       Code = "DEADLINE_NOT_DUE"
)

// Codes returns every code.
func Codes() []Code {
	return []Code{
		CodeTransition, CodeInvalid, CodeTerminal, CodeTaskTerminal, CodeTaskUnknown, CodeTaskExists, CodeTasksOpen, CodeStale,
		CodeReason, CodeResolution, CodeReview, CodeApprover, CodeOwner, CodeReopen, CodeCauseOpen, CodeFull, CodeNotDue,
	}
}

// Refusal is why an entry was not admitted. Nothing was changed.
type Refusal struct {
	Code    Code
	CaseID  string
	TaskID  string // of a Task
	Message string
	// Current is the version there is, and Expected the one that the writer had seen, of
	// a stale one.
	Current, Expected int64
}

// Error says what was refused, and what would be admitted.
func (r *Refusal) Error() string {
	subject := "case " + r.CaseID
	if r.TaskID != "" {
		subject = "task " + r.TaskID + " of " + subject
	}
	return fmt.Sprintf("%s: %s: %s", r.Code, subject, r.Message)
}

func (c *Case) refuse(code Code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, CaseID: c.CaseID, Message: fmt.Sprintf(format, args...)}
}

func (c *Case) refuseTask(t *Task, code Code, format string, args ...any) *Refusal {
	r := c.refuse(code, format, args...)
	r.TaskID = t.TaskID
	return r
}

// seen refuses a writer that has not seen the newest version of what it writes.
func (c *Case) seen(expects, current int64) *Refusal {
	if expects == 0 || expects == current {
		return nil
	}
	r := c.refuse(CodeStale, "it is at version %d, and you have seen version %d: look at what changed since, and decide again", current, expects)
	r.Current, r.Expected = current, expects
	return r
}
