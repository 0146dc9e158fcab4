package cases

import (
	"cmp"
	"slices"

	"github.com/initkoa/orgo/records"
)

func reduceTaskOpened(c *Case, body TaskOpened, e records.Entry, sequence int64) *Refusal {
	switch {
	case c.Status.Terminal():
		return c.refuse(CodeTerminal, "it is %s, and takes no new task: reopen it, or open another", c.Status)
	case len(c.Tasks)-c.decisions() >= MaxTasks:
		return c.refuse(CodeFull, "it has %d tasks, the most there can be", MaxTasks)
	case body.TaskID != TaskID(c.CaseID, body.Plan.Key):
		return c.refuse(CodeInvalid, "the id of the task is not that of its key %q", body.Plan.Key)
	case !slices.Contains(Sources(), body.Source):
		return c.refuse(CodeInvalid, "source %q is none of %v", body.Source, Sources())
	case c.Keyed(body.Plan.Key) != nil:
		return c.refuse(CodeTaskExists, "it has a task %q", body.Plan.Key)
	}
	if problem := body.Plan.problem(); problem != "" {
		return c.refuse(CodeInvalid, "%s", problem)
	}
	c.addTask(body.TaskID, body.Source, body.Plan, e, sequence)
	return nil
}

// addTask adds a Task as it was planned.
func (c *Case) addTask(id string, source Source, plan Plan, e records.Entry, sequence int64) {
	owner := c.Owners[0]
	if plan.Owner != nil {
		owner = *plan.Owner
	}
	c.Tasks = append(c.Tasks, Task{
		TaskID: id, Version: sequence, Key: plan.Key, Source: source, Type: plan.Type, Status: TaskPending,
		Category: cmp.Or(plan.Category, c.Category), Label: cmp.Or(plan.Label, c.Route.Label),
		Title: plan.Title, Description: plan.Description,
		Priority: cmp.Or(plan.Priority, c.Route.Priority), Owner: owner,
		Due: begin(e.At, plan.DueWithin), Reactivity: begin(e.At, plan.ReactWithin),
		CreatedAt: e.At, CreatedBy: e.Actor, UpdatedAt: e.At,
	})
}

// find returns a Task that something may happen to.
func (c *Case) find(id string, expects int64) (*Task, *Refusal) {
	t := c.Task(id)
	if t == nil {
		return nil, c.refuse(CodeTaskUnknown, "it has no task %s", id)
	}
	if refusal := c.seen(expects, t.Version); refusal != nil {
		refusal.TaskID = id
		return nil, refusal
	}
	if t.Status.Terminal() {
		return nil, c.refuseTask(t, CodeTaskTerminal, "it is %s", t.Status)
	}
	return t, nil
}

func reduceTaskMoved(c *Case, body TaskMoved, e records.Entry, sequence int64) *Refusal {
	t, refusal := c.find(body.TaskID, body.Expects)
	if refusal != nil {
		return refusal
	}
	legal, is := find(taskSteps, t.Status, body.To)
	switch {
	case !is:
		return c.refuseTask(t, CodeTransition, "it is %s, and can become %v", t.Status, t.Status.From())
	case t.Decides != "" && body.To.Terminal():
		return c.refuseTask(t, CodeTransition, "it is done by what becomes of the Case, which is %s and can become %v", c.Status, c.Status.From())
	case legal.needs == reason && e.Reason == "":
		return c.refuseTask(t, CodeReason, "say why it becomes %s", body.To)
	case legal.needs == resolution && body.Resolution == "":
		return c.refuseTask(t, CodeResolution, "say what was done")
	}
	t.Status = body.To
	t.Reactivity.meet(e.At, t.PausedAt)
	if t.Status == TaskCompleted {
		t.Due.meet(e.At, t.PausedAt)
	}
	if t.Status.Terminal() {
		t.Resolution = cmp.Or(body.Resolution, e.Reason)
	}
	t.touch(e, sequence)
	return nil
}

// touch notes when a Task was changed, and when it ended.
func (t *Task) touch(e records.Entry, sequence int64) {
	t.Version, t.UpdatedAt = sequence, e.At
	if t.Status.Terminal() {
		t.ClosedAt, t.PausedAt = &e.At, nil
	}
}

func reduceTaskAssigned(c *Case, body TaskAssigned, e records.Entry, sequence int64) *Refusal {
	t, refusal := c.find(body.TaskID, body.Expects)
	if refusal != nil {
		return refusal
	}
	if problem := ownersProblem([]Owner{body.Owner}); problem != "" {
		return c.refuseTask(t, CodeOwner, "%s", problem)
	}
	t.Owner = body.Owner
	t.touch(e, sequence)
	return nil
}

func reduceTaskCommented(c *Case, body TaskCommented, _ records.Entry, _ int64) *Refusal {
	switch {
	case c.Task(body.TaskID) == nil:
		return c.refuse(CodeTaskUnknown, "it has no task %s", body.TaskID)
	case body.Text == "":
		return c.refuse(CodeInvalid, "a comment says something")
	}
	return nil
}
