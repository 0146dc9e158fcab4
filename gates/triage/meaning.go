package triage

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// Kind says what a meaning is.
type Kind string

// What an entry can mean for a cause.
const (
	Open     Kind = "open"     // it needs a Case, or has met its open one again: Opening
	Cleared  Kind = "cleared"  // it is gone: its open Case may be closed
	Done     Kind = "done"     // a Task of its open Case was done: Task
	Obsolete Kind = "obsolete" // nobody needs its open Case any more: it is cancelled
)

// Meaning is one thing that an entry means.
type Meaning struct {
	Kind  Kind        `json:"kind"`
	Cause cases.Cause `json:"cause"`
	// Reason says why, in words: the reason of the entry that carries it out, and of a
	// Task that is done its resolution.
	Reason string `json:"reason,omitempty"`
	// Task is the key of the Task that is done (Pending finds it).
	Task    string   `json:"task,omitempty"`
	Opening *Opening `json:"opening,omitempty"`
}

// Opening is what a Case is opened with.
type Opening struct {
	Type     string         `json:"type"`
	Category cases.Category `json:"category"`
	Summary  string         `json:"summary"`
	Codes    []string       `json:"reason_codes,omitempty"`
	Refs     []cases.Ref    `json:"refs,omitempty"`
	// Facts are what it is routed by. Occurrences and Affected are for whoever routes it
	// to fill in: they are not in one entry.
	Facts routing.Facts `json:"facts"`
	// Continues says that the entry is the end of what opened the Case, and no new
	// occurrence: an open Case is linked to Refs, and does not count it.
	Continues bool `json:"continues,omitempty"`
	// Due has deadlines of Tasks that are known.
	Due []Due `json:"due,omitempty"`
	// Renew are keys of Tasks that have to be done again if the cause has an open Case in
	// which they are done (Renewals).
	Renew []string `json:"renew,omitempty"`
}

// Due says until when the Task of a key is to be done.
type Due struct {
	Key string    `json:"key"`
	At  time.Time `json:"at"`
}

// Opened returns the body of the entry that opens Case ordinal of a cause, at a time,
// by a route.
func (o Opening) Opened(cause cases.Cause, ordinal int, route cases.Route, at time.Time) cases.Opened {
	return cases.Opened{
		Source: cases.SourceAPI, Type: o.Type, Category: o.Category, Summary: o.Summary, Refs: o.Refs,
		Cause: cause, Ordinal: ordinal, Codes: o.Codes, Route: o.Routed(route, at),
	}
}

// Recurred returns the body of the entry that counts the cause again. entry is the id
// of the one that tells of it.
func (o Opening) Recurred(entry string) cases.Recurred {
	return cases.Recurred{Entry: entry, Codes: o.Codes, Refs: o.Refs}
}

// Routed returns a route with the deadlines that are known. One that has passed is due
// at once; the smallest span that there is stands for that, as 0 is no deadline.
func (o Opening) Routed(route cases.Route, at time.Time) cases.Route {
	route.Tasks = slices.Clone(route.Tasks)
	for _, due := range o.Due {
		for i := range route.Tasks {
			if route.Tasks[i].Key == due.Key {
				route.Tasks[i].DueWithin = records.Duration(max(due.At.Sub(at), 1))
			}
		}
	}
	return route
}

// Pending returns the Task of a key that is to be done: of those of the key, and of
// its renewals, the first that has not ended; nil if there is none.
func Pending(c *cases.Case, key string) *cases.Task {
	for i := range c.Tasks {
		if t := &c.Tasks[i]; isOf(t.Key, key) && !t.Status.Terminal() {
			return t
		}
	}
	return nil
}

// Renewals returns the Tasks that an open Case needs anew when its cause is met again:
// those of the keys that its route plans and that have all ended. Each gets a key that
// the Case does not have yet: "freeze", "freeze-2", "freeze-3".
func Renewals(c *cases.Case, o Opening) []cases.Plan {
	var plans []cases.Plan
	for _, plan := range c.Route.Tasks {
		if !slices.Contains(o.Renew, plan.Key) || Pending(c, plan.Key) != nil {
			continue
		}
		done := 0
		for _, t := range c.Tasks {
			if isOf(t.Key, plan.Key) {
				done++
			}
		}
		if done > 0 {
			plan.Key += "-" + strconv.Itoa(done+1)
		}
		plans = append(plans, plan)
	}
	return plans
}

// isOf reports whether a Task's key is a key, or that of a renewal of it.
func isOf(has, key string) bool {
	if has == key {
		return true
	}
	number, renewal := strings.CutPrefix(has, key+"-")
	n, err := strconv.Atoi(number)
	return renewal && err == nil && n > 1
}

// Path returns the states that a Task goes through to be completed by what happened:
// nobody completes what is on hold, so that is taken up first. What has ended has none.
func Path(from cases.TaskStatus) []cases.TaskStatus {
	switch {
	case from.Terminal():
		return nil
	case slices.Contains(from.From(), cases.TaskCompleted):
		return []cases.TaskStatus{cases.TaskCompleted}
	default:
		return []cases.TaskStatus{cases.TaskInProgress, cases.TaskCompleted}
	}
}
