package cases

import (
	"slices"
	"time"

	"github.com/initkoa/orgo/records"
)

// deadlineKinds orders deadlines that are due at the same time.
var deadlineKinds = []DeadlineKind{DueResponse, DueReactivity, DueTask, DueResolve}

// Next returns the level of escalation that is reached first, and false if none is
// to come: the Case has ended or is paused, or everything was met or has gone through
// all levels. It depends on nothing but the Case.
func (c *Case) Next() (Deadline, bool) {
	var next Deadline
	for _, kind := range deadlineKinds {
		for _, d := range c.running(kind) {
			if next.Kind == "" || d.At.Before(next.At) {
				next = d
			}
		}
	}
	return next, next.Kind != ""
}

// running returns the next level of every clock of a kind that runs, in the order of
// Tasks.
func (c *Case) running(kind DeadlineKind) []Deadline {
	if c.Status.Terminal() {
		return nil
	}
	if kind == DueResponse || kind == DueResolve {
		if c.PausedAt != nil {
			return nil
		}
		return c.level(nil, kind, "", *c.clock(kind))
	}
	var all []Deadline
	for i := range c.Tasks {
		t := &c.Tasks[i]
		if !t.Status.Terminal() && t.PausedAt == nil {
			all = c.level(all, kind, t.TaskID, *t.clock(kind))
		}
	}
	return all
}

// level appends the next level of a clock to all.
func (c *Case) level(all []Deadline, kind DeadlineKind, taskID string, clock Clock) []Deadline {
	if clock.Due == nil || clock.Met != nil || clock.Level >= len(c.Route.Escalation) {
		return all
	}
	return append(all, Deadline{
		Kind: kind, TaskID: taskID, Level: clock.Level + 1, Due: *clock.Due,
		At: clock.Due.Add(c.Route.Escalation[clock.Level].After.Std()),
	})
}

func (c *Case) clock(kind DeadlineKind) *Clock {
	if kind == DueResponse {
		return &c.Response
	}
	return &c.Resolve
}

func (t *Task) clock(kind DeadlineKind) *Clock {
	if kind == DueReactivity {
		return &t.Reactivity
	}
	return &t.Due
}

// DueAt returns the earliest deadline of the Case that was not met, whether it runs or
// not, or nil.
func (c *Case) DueAt() *time.Time {
	if c.Status.Terminal() {
		return nil
	}
	first := c.Response.open()
	if due := c.Resolve.open(); first == nil || due != nil && due.Before(*first) {
		first = due
	}
	return first
}

// DueAt returns until when the Task is to be done, unless it has ended.
func (t *Task) DueAt() *time.Time {
	if t.Status.Terminal() {
		return nil
	}
	return t.Due.open()
}

func (k *Clock) open() *time.Time {
	if k.Met != nil {
		return nil
	}
	return k.Due
}

// begin starts a clock. A span of 0 is none.
func begin(at time.Time, within records.Duration) Clock {
	if within == 0 {
		return Clock{}
	}
	due := at.Add(within.Std())
	return Clock{Within: within, Due: &due}
}

// meet notes when a clock was met. Only the first time counts. One that is paused
// since a time was put off until then: it is not met late for that.
func (k *Clock) meet(at time.Time, paused *time.Time) {
	if k.Due == nil || k.Met != nil {
		return
	}
	if paused != nil {
		k.shift(max(0, at.Sub(*paused)))
	}
	k.Met = &at
}

// shift puts a clock that runs off by how long it was paused.
func (k *Clock) shift(paused time.Duration) {
	if k.Due != nil && k.Met == nil {
		due := k.Due.Add(paused)
		k.Due = &due
	}
}

// pause stops and starts clocks as the states say that came about at a time.
func (c *Case) pause(at time.Time) {
	if c.Status.Terminal() {
		return
	}
	paused := slices.Contains(c.Route.Pauses, c.Status)
	if ran, spent := turn(&c.PausedAt, paused, at); ran {
		c.Response.shift(spent)
		c.Resolve.shift(spent)
	}
	for i := range c.Tasks {
		t := &c.Tasks[i]
		// Whoever is waited for has no pause by that.
		held := paused && t.Decides != DecideReview || slices.Contains(c.Route.TaskPauses, t.Status)
		if t.Status.Terminal() {
			continue
		}
		if ran, spent := turn(&t.PausedAt, held, at); ran {
			t.Due.shift(spent)
			t.Reactivity.shift(spent)
		}
	}
}

// turn sets since when something is paused. It reports whether it runs again, and
// after which pause.
func turn(since **time.Time, paused bool, at time.Time) (ran bool, spent time.Duration) {
	switch {
	case paused && *since == nil:
		*since = &at
	case !paused && *since != nil:
		spent = max(0, at.Sub(**since))
		*since = nil
		return true, spent
	}
	return false, 0
}
