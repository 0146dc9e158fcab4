package cases

import "slices"

// need is what a transition asks for besides the new state.
type need int

const (
	nothing    need = iota
	reason          // why
	resolution      // how it was resolved
	approval        // another person than the one who asked for the review
)

// step is one legal transition.
type step[S ~string] struct {
	from, to S
	needs    need
}

// caseSteps are the legal transitions of a Case. A terminal one has none: it is
// reopened, or stays.
var caseSteps = []step[Status]{
	{Open, InProgress, nothing},
	{Open, Blocked, reason},
	{Open, Completed, resolution},
	{Open, Cancelled, reason},
	{InProgress, Blocked, reason},
	{InProgress, WaitingReview, resolution},
	{InProgress, Completed, resolution},
	{InProgress, Cancelled, reason},
	{InProgress, Failed, reason},
	{Blocked, InProgress, nothing},
	{Blocked, Cancelled, reason},
	{Blocked, Failed, reason},
	{WaitingReview, InProgress, reason}, // the review was refused
	{WaitingReview, Completed, approval},
	{WaitingReview, Cancelled, reason},
	{WaitingReview, Failed, reason},
}

// taskSteps are the legal transitions of a Task. Nobody asks for ESCALATED: that is
// what a deadline does.
var taskSteps = []step[TaskStatus]{
	{TaskPending, TaskInProgress, nothing},
	{TaskPending, TaskOnHold, reason},
	{TaskPending, TaskCompleted, resolution},
	{TaskPending, TaskCancelled, reason},
	{TaskInProgress, TaskOnHold, reason},
	{TaskInProgress, TaskCompleted, resolution},
	{TaskInProgress, TaskFailed, reason},
	{TaskInProgress, TaskCancelled, reason},
	{TaskOnHold, TaskInProgress, nothing},
	{TaskOnHold, TaskFailed, reason},
	{TaskOnHold, TaskCancelled, reason},
	{TaskEscalated, TaskInProgress, nothing},
	{TaskEscalated, TaskOnHold, reason},
	{TaskEscalated, TaskCompleted, resolution},
	{TaskEscalated, TaskFailed, reason},
	{TaskEscalated, TaskCancelled, reason},
}

// From returns the states that a Case may go to from s.
func (s Status) From() []Status { return targets(caseSteps, s) }

// From returns the states that somebody may take a Task to from s.
func (s TaskStatus) From() []TaskStatus { return targets(taskSteps, s) }

func targets[S ~string](steps []step[S], from S) []S {
	var to []S
	for _, s := range steps {
		if s.from == from {
			to = append(to, s.to)
		}
	}
	return to
}

// find returns the transition between two states.
func find[S ~string](steps []step[S], from, to S) (step[S], bool) {
	at := slices.IndexFunc(steps, func(s step[S]) bool { return s.from == from && s.to == to })
	if at < 0 {
		return step[S]{}, false
	}
	return steps[at], true
}
