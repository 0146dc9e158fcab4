package cases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/initkoa/orgo/records"
)

// Decision is what a Case waits for a person to decide on it. While it does there is a
// Task, which ends when it is decided, and not otherwise.
type Decision string

// The decisions.
const (
	DecideReview Decision = "review" // WAITING_REVIEW: it is approved, or sent back
	DecideClose  Decision = "close"  // what opened it is gone: it is closed, or not
)

// Asked is who is asked for a decision, and until when they are to have made it.
type Asked struct {
	Owner     *Owner           `json:"owner,omitempty"` // absent: the first of the Case
	DueWithin records.Duration `json:"due_within"`
}

// MaxDecisions bounds the Tasks of decisions of one Case: what is asked for again and
// again after that is found as a Case alone.
const MaxDecisions = 50

// decisionKeys begins the keys of the Tasks of decisions.
const decisionKeys = "decision/"

// decision says when a Case waits for one.
type decision struct {
	kind         Decision
	title        string
	asked        func(r Route) *Asked
	opens, stays func(c *Case) bool
	// decided is what it came to, once it does not wait any more.
	decided func(c *Case, e records.Entry) (TaskStatus, string)
}

var decisions = []decision{
	{
		DecideReview, "Review how it was resolved: approve it, or send it back", func(r Route) *Asked { return r.ReviewBy },
		inReview, inReview, reviewed,
	},
	{
		DecideClose, "What opened it is gone: close it, or say what is left to do", func(r Route) *Asked { return r.CloseBy },
		func(c *Case) bool { return toClose(c) && !c.ClosesItself() }, toClose, closed,
	},
}

func inReview(c *Case) bool { return c.Status == WaitingReview }

// toClose leaves a Case out that somebody has resolved: that it may be closed is decided.
func toClose(c *Case) bool {
	return c.Cleared != nil && !c.Status.Terminal() && c.Status != WaitingReview
}

// ClosesItself reports whether what clears the Case completes it, too: its route says so,
// nothing is left to do, and nobody has to review it or has said that it is blocked.
func (c *Case) ClosesItself() bool {
	return c.Route.CloseCleared && !c.Route.Review && (c.Status == Open || c.Status == InProgress) && c.Undone() == 0
}

func reviewed(c *Case, e records.Entry) (TaskStatus, string) {
	switch c.Status {
	case Completed:
		return TaskCompleted, "approved"
	case InProgress:
		return TaskCompleted, "sent back: " + e.Reason
	default:
		return ended(e)
	}
}

func closed(c *Case, e records.Entry) (TaskStatus, string) {
	switch {
	case c.Status == Completed || c.Status == WaitingReview:
		return TaskCompleted, c.Resolution
	case c.Cleared == nil && !c.Status.Terminal():
		return TaskCancelled, "it was met again"
	default:
		return ended(e)
	}
}

// ended is what becomes of a Task whose Case ends without it.
func ended(e records.Entry) (TaskStatus, string) {
	return TaskCancelled, "the Case ended: " + e.Reason
}

// ask opens the Tasks of what the Case waits for after an entry, and ends those of what
// it does not wait for any more.
func (c *Case) ask(e records.Entry, sequence int64) {
	for _, d := range decisions {
		asked := d.asked(c.Route)
		if asked == nil {
			continue
		}
		t := c.deciding(d.kind)
		switch {
		case t != nil && !d.stays(c):
			t.Status, t.Resolution = d.decided(c, e)
			t.Reactivity.meet(e.At, t.PausedAt)
			if t.Status == TaskCompleted {
				t.Due.meet(e.At, t.PausedAt)
			}
			t.touch(e, sequence)
		case t == nil && d.opens(c) && c.decisions() < MaxDecisions:
			key := fmt.Sprintf("%s%s/%d", decisionKeys, d.kind, sequence)
			c.addTask(TaskID(c.CaseID, key), SourceAPI, Plan{
				Key: key, Type: string(d.kind), Title: d.title, Owner: asked.Owner, DueWithin: asked.DueWithin,
			}, e, sequence)
			c.Tasks[len(c.Tasks)-1].Decides = d.kind
		}
	}
}

// deciding returns the open Task of a decision, or nil.
func (c *Case) deciding(d Decision) *Task {
	at := slices.IndexFunc(c.Tasks, func(t Task) bool { return t.Decides == d && !t.Status.Terminal() })
	if at < 0 {
		return nil
	}
	return &c.Tasks[at]
}

func (c *Case) decisions() int {
	asked := 0
	for _, t := range c.Tasks {
		if t.Decides != "" {
			asked++
		}
	}
	return asked
}

func (a *Asked) problem() string {
	switch {
	case a == nil:
		return ""
	case a.DueWithin <= 0:
		return "a decision is due within some time"
	case a.Owner != nil:
		return ownersProblem([]Owner{*a.Owner})
	}
	return ""
}

// reserved reports whether a key is one of those that Orgo gives to decisions.
func reserved(key string) bool { return strings.HasPrefix(key, decisionKeys) }
