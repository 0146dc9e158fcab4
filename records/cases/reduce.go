package cases

import (
	"encoding/json"
	"slices"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/person"
)

// Reduce folds one entry into a Case and returns the new state; before is not
// changed. sequence is the entry's place among those of the Case, from 1. What is not
// legal is a *Refusal, and changes nothing.
func Reduce(before Case, e records.Entry, sequence int64) (Case, error) {
	reduce, known := reducers[e.Type]
	switch {
	case !known:
		return before, (&Case{CaseID: e.Subject.ID}).refuse(CodeInvalid, "%q is no type of entry of a Case", e.Type)
	case (before.CaseID == "") != (e.Type == TypeOpened):
		return before, (&Case{CaseID: e.Subject.ID}).refuse(CodeInvalid, "%s must be its first entry, and only its first", TypeOpened)
	case before.CaseID != "" && (e.Subject != Subject(before.CaseID) || e.Organization != before.Organization):
		return before, before.refuse(CodeInvalid, "the entry is of %s %s in organization %s", e.Subject.Kind, e.Subject.ID, e.Organization)
	}
	after := before
	after.Owners, after.Refs, after.Codes = slices.Clone(before.Owners), slices.Clone(before.Refs), slices.Clone(before.Codes)
	after.Tasks = slices.Clone(before.Tasks)
	if refusal := reduce(&after, e, sequence); refusal != nil {
		return before, refusal
	}
	after.ask(e, sequence)
	after.pause(e.At)
	after.Version, after.UpdatedAt = sequence, e.At
	return after, nil
}

// reducer does what an entry says.
type reducer func(c *Case, e records.Entry, sequence int64) *Refusal

var reducers = map[string]reducer{
	TypeOpened:     as(reduceOpened),
	TypeRecurred:   as(reduceRecurred),
	TypeMoved:      as(reduceMoved),
	TypeReopened:   as(reduceReopened),
	TypeAssigned:   as(reduceAssigned),
	TypeLinked:     as(reduceLinked),
	TypeCommented:  as(reduceCommented),
	TypeCleared:    as(reduceCleared),
	TypeEscalated:  as(reduceEscalated),
	TypeTaskOpened: as(reduceTaskOpened),
	TypeTaskMoved:  as(reduceTaskMoved),
	TypeTaskOwned:  as(reduceTaskAssigned),
	TypeTaskNoted:  as(reduceTaskCommented),
	TypeTaskLate:   as(reduceEscalated),
}

// as makes a reducer of one that takes a body.
func as[B any](reduce func(c *Case, body B, e records.Entry, sequence int64) *Refusal) reducer {
	return func(c *Case, e records.Entry, sequence int64) *Refusal {
		var body B
		if err := json.Unmarshal(e.Body, &body); err != nil {
			return c.refuse(CodeInvalid, "the body of %s: %v", e.Type, err)
		}
		return reduce(c, body, e, sequence)
	}
}

func reduceOpened(c *Case, body Opened, e records.Entry, sequence int64) *Refusal {
	c.CaseID = e.Subject.ID
	if body.Cause == (Cause{}) || c.CaseID != ID(e.Organization, body.Cause, body.Ordinal) {
		return c.refuse(CodeInvalid, "its id is not that of Case %d of its cause %s", body.Ordinal, body.Cause)
	}
	if problem := body.problem(); problem != "" {
		return c.refuse(CodeInvalid, "%s", problem)
	}
	*c = Case{
		Organization: e.Organization, CaseID: c.CaseID,
		Source: body.Source, Type: body.Type, Category: body.Category, Status: Open,
		Summary: body.Summary, Description: body.Description, Tags: body.Tags, Refs: body.Refs,
		Cause: body.Cause, Ordinal: body.Ordinal, Origin: body.Origin, Codes: merged(nil, body.Codes), Occurrences: 1,
		Route: body.Route, Owners: body.Route.Owners,
		CreatedAt: e.At, CreatedBy: e.Actor,
	}
	c.startClocks(e)
	for _, plan := range body.Route.Tasks {
		c.addTask(TaskID(c.CaseID, plan.Key), SourceAPI, plan, e, sequence)
	}
	return nil
}

func (c *Case) startClocks(e records.Entry) {
	c.Response, c.Resolve = begin(e.At, c.Route.RespondWithin), begin(e.At, c.Route.ResolveWithin)
}

func reduceRecurred(c *Case, body Recurred, _ records.Entry, _ int64) *Refusal {
	if c.Status.Terminal() {
		return c.refuse(CodeTerminal, "it is %s: what recurs opens another, or reopens it first", c.Status)
	}
	c.Occurrences++
	c.Cleared = nil
	c.Codes = merged(c.Codes, body.Codes)
	for _, ref := range body.Refs {
		// One that is full counts all the same: the entry has the references.
		if refusal := c.link(ref); refusal != nil && refusal.Code != CodeFull {
			return refusal
		}
	}
	return nil
}

func reduceMoved(c *Case, body Moved, e records.Entry, sequence int64) *Refusal {
	if refusal := c.seen(body.Expects, c.Version); refusal != nil {
		return refusal
	}
	if c.Status.Terminal() {
		return c.refuse(CodeTerminal, "it is %s: reopen it, or open another", c.Status)
	}
	legal, is := find(caseSteps, c.Status, body.To)
	if !is {
		return c.refuse(CodeTransition, "it is %s, and can become %v", c.Status, c.Status.From())
	}
	if refusal := c.needs(legal.needs, body, e); refusal != nil {
		return refusal
	}
	if body.To == Completed && c.Route.Review && legal.needs != approval {
		return c.refuse(CodeReview, "it is completed by the approval of another person: take it to %s first", WaitingReview)
	}
	if body.To == Completed {
		if undone := c.Undone(); undone > 0 {
			return c.refuse(CodeTasksOpen, "%d of its tasks have not ended", undone)
		}
	}
	c.Status = body.To
	c.Response.meet(e.At, c.PausedAt)
	if legal.needs == resolution {
		c.Resolution, c.ResolvedBy = body.Resolution, e.Actor
	}
	if c.Status.Terminal() {
		c.end(e, sequence)
	}
	return nil
}

// needs refuses a transition that lacks what it needs.
func (c *Case) needs(what need, body Moved, e records.Entry) *Refusal {
	switch {
	case what == reason && e.Reason == "":
		return c.refuse(CodeReason, "say why it becomes %s", body.To)
	case what == resolution && body.Resolution == "":
		return c.refuse(CodeResolution, "say how it was resolved")
	case what == approval && e.Actor == records.Erased:
		return nil // it was admitted when it was known who that is
	case what == approval && person.Alike(e.Actor, records.SystemActor):
		return c.refuse(CodeApprover, "a person approves, and not Orgo")
	case what == approval && person.AnyAlike(e.Actor, c.ResolvedBy):
		return c.refuse(CodeApprover, "%s resolved it, or has a name that reads like theirs: another person approves", e.Actor)
	case what == approval && person.Mixed(e.Actor):
		return c.refuse(CodeApprover, "%s has letters of several scripts, and can be taken for another name", e.Actor)
	}
	return nil
}

// end closes a Case, and cancels what is left to do.
func (c *Case) end(e records.Entry, sequence int64) {
	if c.Status == Completed {
		c.Resolve.meet(e.At, c.PausedAt)
	}
	c.ClosedAt, c.PausedAt = &e.At, nil
	for i := range c.Tasks {
		if t := &c.Tasks[i]; t.Decides == "" && !t.Status.Terminal() {
			t.Status, t.Resolution = ended(e)
			t.touch(e, sequence)
		}
	}
}

// Undone counts the Tasks that keep the Case from being completed: those that have not
// ended, but for those that its completion ends.
func (c *Case) Undone() int {
	undone := 0
	for _, t := range c.Tasks {
		if t.Decides == "" && !t.Status.Terminal() {
			undone++
		}
	}
	return undone
}

func reduceReopened(c *Case, body Reopened, e records.Entry, _ int64) *Refusal {
	if refusal := c.seen(body.Expects, c.Version); refusal != nil {
		return refusal
	}
	switch within := c.Route.ReopenWithin.Std(); {
	case !c.Status.Terminal():
		return c.refuse(CodeTransition, "it is %s: there is nothing to reopen", c.Status)
	case e.Reason == "":
		return c.refuse(CodeReason, "say why it is reopened")
	case within == 0:
		return c.refuse(CodeReopen, "its route %s lets no Case be reopened: open another", c.Route.Rule)
	case e.At.After(c.ClosedAt.Add(within)):
		return c.refuse(CodeReopen, "it ended at %s, and may be reopened for %s: open another", c.ClosedAt.Format(timeLayout), within)
	}
	c.Status, c.ClosedAt = Open, nil
	c.Resolution, c.ResolvedBy, c.Cleared = "", "", nil
	c.Escalation = 0
	c.Reopened++
	c.startClocks(e)
	return nil
}

func reduceAssigned(c *Case, body Assigned, _ records.Entry, _ int64) *Refusal {
	if refusal := c.seen(body.Expects, c.Version); refusal != nil {
		return refusal
	}
	if c.Status.Terminal() {
		return c.refuse(CodeTerminal, "it is %s", c.Status)
	}
	if problem := ownersProblem(body.Owners); problem != "" {
		return c.refuse(CodeOwner, "%s", problem)
	}
	c.Owners = body.Owners
	return nil
}

func reduceLinked(c *Case, body Linked, _ records.Entry, _ int64) *Refusal {
	return c.link(body.Ref)
}

// link adds a reference, once.
func (c *Case) link(ref Ref) *Refusal {
	if !ref.valid() {
		return c.refuse(CodeInvalid, "a reference has a ref_type and a ref")
	}
	if slices.ContainsFunc(c.Refs, func(r Ref) bool { return r.Type == ref.Type && r.Ref == ref.Ref }) {
		return nil
	}
	if len(c.Refs) >= MaxRefs {
		return c.refuse(CodeFull, "it has %d references, the most there can be", MaxRefs)
	}
	c.Refs = append(c.Refs, ref)
	return nil
}

func reduceCommented(c *Case, body Commented, _ records.Entry, _ int64) *Refusal {
	if body.Text == "" {
		return c.refuse(CodeInvalid, "a comment says something")
	}
	return nil
}

func reduceCleared(c *Case, _ ClearedBy, e records.Entry, _ int64) *Refusal {
	if c.Status.Terminal() {
		return c.refuse(CodeTerminal, "it is %s", c.Status)
	}
	c.Cleared = &Cleared{At: e.At, Reason: e.Reason}
	return nil
}

func reduceEscalated(c *Case, body Escalated, e records.Entry, sequence int64) *Refusal {
	due := body.Deadline
	if !slices.Contains(deadlineKinds, due.Kind) {
		return c.refuse(CodeInvalid, "%q is none of the deadlines %v", due.Kind, deadlineKinds)
	}
	at := slices.IndexFunc(c.running(due.Kind), func(d Deadline) bool { return d.TaskID == due.TaskID })
	if at < 0 {
		return c.refuse(CodeNotDue, "nothing of %s is due: it was met, is paused, or has gone through all levels", due.Kind)
	}
	if is := c.running(due.Kind)[at]; is.Level != due.Level || e.At.Before(is.At) {
		return c.refuse(CodeNotDue, "level %d of %s is next, at %s", is.Level, is.Kind, is.At.Format(timeLayout))
	}
	c.Escalation = max(c.Escalation, due.Level)
	c.join(c.Route.Escalation[due.Level-1].Owners)
	if due.TaskID == "" {
		c.clock(due.Kind).Level = due.Level
		return nil
	}
	t := c.Task(due.TaskID)
	t.clock(due.Kind).Level = due.Level
	t.Status, t.Escalation = TaskEscalated, max(t.Escalation, due.Level)
	t.touch(e, sequence)
	return nil
}

// join adds owners that are not owners yet.
func (c *Case) join(owners []Owner) {
	for _, o := range owners {
		if !slices.ContainsFunc(c.Owners, func(has Owner) bool { return has.Kind == o.Kind && has.ID == o.ID }) {
			c.Owners = append(c.Owners, o)
		}
	}
}

// merged returns codes with others, sorted, each once.
func merged(codes, others []string) []string {
	all := slices.Concat(codes, others)
	slices.Sort(all)
	return slices.Compact(all)
}
