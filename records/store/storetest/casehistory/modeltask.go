package casehistory

import (
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// task is a Task of a model.
type task struct {
	id, key         string
	decides         cases.Decision
	version         int64
	status          cases.TaskStatus
	owner           cases.Owner
	resolution      string
	level           int
	due, reactivity clock
	still           *time.Time
	closed          *time.Time
}

// touch notes what happened to the Task last.
func (t *task) touch(version int64, at time.Time) {
	t.version = version
	if endedTask(t.status) {
		t.closed, t.still = &at, nil
	}
}

// task returns the Task of an id, or nil.
func (m *model) task(id string) *task {
	for i := range m.tasks {
		if m.tasks[i].id == id {
			return &m.tasks[i]
		}
	}
	return nil
}

func (m *model) openTasks() (open int) {
	for _, t := range m.tasks {
		if t.decides == "" && !endedTask(t.status) {
			open++
		}
	}
	return open
}

// add opens a Task: without an owner it has the first of its Case.
func (m *model) add(plan cases.Plan, at time.Time) {
	owner := m.owners[0]
	if plan.Owner != nil {
		owner = *plan.Owner
	}
	m.tasks = append(m.tasks, task{
		id: cases.TaskID(m.id, plan.Key), key: plan.Key, version: m.version, status: "PENDING", owner: owner,
		due: started(at, plan.DueWithin), reactivity: started(at, plan.ReactWithin),
	})
}

func judgeTaskOpened(m *model, b cases.TaskOpened, _ records.Entry) (o objections) {
	o.when(ended(m.status), cases.CodeTerminal)
	id := cases.TaskID(m.id, b.Plan.Key)
	o.when(b.TaskID != id, cases.CodeInvalid)
	o.when(m.task(id) != nil, cases.CodeTaskExists)
	return o
}

func doTaskOpened(m *model, b cases.TaskOpened, e records.Entry) { m.add(b.Plan, e.At) }

// judgeTask is what holds for everything that somebody does with a Task.
func (m *model) judgeTask(id string, expects int64) (t *task, o objections) {
	if t = m.task(id); t == nil {
		return nil, objections{{code: cases.CodeTaskUnknown}}
	}
	o.unless(expects, t.version)
	o.when(endedTask(t.status), cases.CodeTaskTerminal)
	return t, o
}

func judgeTaskMoved(m *model, b cases.TaskMoved, e records.Entry) objections {
	t, o := m.judgeTask(b.TaskID, b.Expects)
	if t == nil || endedTask(t.status) {
		return o
	}
	asks, legal := taskMoves[t.status][b.To]
	o.when(!legal || t.decides != "" && endedTask(b.To), cases.CodeTransition)
	o.when(asks == reason && e.Reason == "", cases.CodeReason)
	o.when(asks == resolution && b.Resolution == "", cases.CodeResolution)
	return o
}

func doTaskMoved(m *model, b cases.TaskMoved, e records.Entry) {
	t := m.task(b.TaskID)
	if t == nil {
		return // of an entry that should not be there
	}
	t.status = b.To
	t.reactivity.stop(e.At, t.still)
	if b.To == "COMPLETED" {
		t.due.stop(e.At, t.still)
	}
	if t.resolution = b.Resolution; t.resolution == "" {
		t.resolution = e.Reason
	}
	t.touch(m.version, e.At)
}

func judgeTaskOwned(m *model, b cases.TaskAssigned, _ records.Entry) objections {
	t, o := m.judgeTask(b.TaskID, b.Expects)
	o.when(t != nil && b.Owner.ID == "", cases.CodeOwner)
	return o
}

func doTaskOwned(m *model, b cases.TaskAssigned, e records.Entry) {
	if t := m.task(b.TaskID); t != nil {
		t.owner = b.Owner
		t.touch(m.version, e.At)
	}
}

func judgeTaskNoted(m *model, b cases.TaskCommented, _ records.Entry) (o objections) {
	o.when(m.task(b.TaskID) == nil, cases.CodeTaskUnknown)
	o.when(b.Text == "", cases.CodeInvalid)
	return o
}

// clockOf returns a deadline that could escalate now, or nil.
func (m *model) clockOf(due cases.Deadline) *clock {
	if ended(m.status) {
		return nil
	}
	if due.Kind == "response" || due.Kind == "resolve" {
		k := map[cases.DeadlineKind]*clock{"response": &m.response, "resolve": &m.resolve}[due.Kind]
		if m.still != nil || due.TaskID != "" || !k.runs() {
			return nil
		}
		return k
	}
	t := m.task(due.TaskID)
	if t == nil || endedTask(t.status) || t.still != nil {
		return nil
	}
	k := map[cases.DeadlineKind]*clock{"reactivity": &t.reactivity, "task": &t.due}[due.Kind]
	if k == nil || !k.runs() {
		return nil
	}
	return k
}

func judgeEscalated(m *model, b cases.Escalated, e records.Entry) (o objections) {
	k := m.clockOf(b.Deadline)
	if k == nil || k.level >= len(m.route.Escalation) {
		o.when(true, cases.CodeNotDue)
		return o
	}
	reached := k.due().Add(m.route.Escalation[k.level].After.Std())
	o.when(b.Deadline.Level != k.level+1 || e.At.Before(reached), cases.CodeNotDue)
	return o
}

func doEscalated(m *model, b cases.Escalated, e records.Entry) {
	k := m.clockOf(b.Deadline)
	if k == nil || b.Deadline.Level < 1 || b.Deadline.Level > len(m.route.Escalation) {
		return // of an entry that should not be there
	}
	k.level = b.Deadline.Level
	m.level = max(m.level, k.level)
	for _, o := range m.route.Escalation[k.level-1].Owners {
		if !m.ownedBy(o) {
			m.owners = append(m.owners, o)
		}
	}
	if t := m.task(b.Deadline.TaskID); t != nil {
		t.status, t.level = "ESCALATED", max(t.level, k.level)
		t.touch(m.version, e.At)
	}
}

func (m *model) ownedBy(o cases.Owner) bool {
	for _, has := range m.owners {
		if has.Kind == o.Kind && has.ID == o.ID {
			return true
		}
	}
	return false
}
