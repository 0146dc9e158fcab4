// Package casework has what is done about Cases by themselves: their deadlines are
// looked after.
package casework

import (
	"context"
	"errors"
	"time"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// Store is what is needed of the record store.
type Store interface {
	Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error)
	Case(ctx context.Context, organization, caseID string) (cases.Case, error)
}

// Activities are the activities of the workflow of Cases.
type Activities struct {
	store Store
	clock activities.Clock
}

// New returns the activities.
func New(s Store, clock activities.Clock) *Activities { return &Activities{store: s, clock: clock} }

// LookInput names a Case.
type LookInput struct {
	Organization string `json:"organization"`
	CaseID       string `json:"case_id"`
}

// Looked is what a Case is like now, and what is due next. It is small: it goes into
// a workflow's history with every look.
type Looked struct {
	// Ended says that nothing will be due: the Case has ended, or there is none.
	Ended      bool            `json:"ended"`
	Next       *cases.Deadline `json:"next,omitempty"`
	Now        time.Time       `json:"now"`
	Escalated  int             `json:"escalated,omitempty"` // by this look
	Status     cases.Status    `json:"status,omitempty"`
	Summary    string          `json:"summary,omitempty"`
	Codes      []string        `json:"reason_codes,omitempty"`
	Owners     []cases.Owner   `json:"owners,omitempty"`
	Priority   cases.Priority  `json:"priority,omitempty"`
	Severity   string          `json:"severity,omitempty"`
	Level      int             `json:"escalation_level,omitempty"`
	Paused     bool            `json:"paused,omitempty"`
	Tasks      []LookedTask    `json:"tasks,omitempty"`
	MoreTasks  int             `json:"more_tasks,omitempty"`
	ResolveDue *time.Time      `json:"resolve_due,omitempty"`
}

// LookedTask is a Task that has not ended.
type LookedTask struct {
	Title  string           `json:"title"`
	Status cases.TaskStatus `json:"status"`
	Owner  string           `json:"owner"`
	Due    *time.Time       `json:"due,omitempty"`
}

// shownTasks is how many Tasks are told of.
const shownTasks = 20

// Look escalates everything of a Case that is due by the clock of the worker, and
// returns what is next. The workflow only waits: one that somebody else starts, or a
// second run, makes nothing happen early or twice.
func (a *Activities) Look(ctx context.Context, in LookInput) (Looked, error) {
	looked, err := a.look(ctx, in)
	if err != nil {
		return Looked{}, activities.Report(ctx, err)
	}
	return looked, nil
}

func (a *Activities) look(ctx context.Context, in LookInput) (Looked, error) {
	for escalated, before := 0, int64(-1); ; escalated++ {
		now := a.clock.Now()
		c, err := a.store.Case(ctx, in.Organization, in.CaseID)
		if errors.Is(err, store.ErrNotFound) {
			return Looked{Ended: true, Now: now}, nil
		}
		if err != nil {
			return Looked{}, err
		}
		next, is := c.Next()
		if !is || next.At.After(now) {
			return seen(c, now, escalated, next, is), nil
		}
		entry, err := c.Escalate(next, now)
		if err != nil {
			return Looked{}, err
		}
		// Whoever changed the Case since it was read decides: then look again.
		if _, err := a.store.Append(ctx, entry); err != nil && (c.Version == before || !errors.As(err, new(*cases.Refusal))) {
			return Looked{}, err
		}
		before = c.Version
	}
}

func seen(c cases.Case, now time.Time, escalated int, next cases.Deadline, is bool) Looked {
	l := Looked{
		Ended: c.Status.Terminal(), Now: now, Escalated: escalated, Status: c.Status, Summary: c.Summary, Codes: c.Codes,
		Owners: c.Owners, Priority: c.Route.Priority, Severity: c.Route.Severity, Level: c.Escalation, Paused: c.PausedAt != nil,
		ResolveDue: c.Resolve.Due,
	}
	if is {
		l.Next = &next
	}
	for _, t := range c.Tasks {
		switch {
		case t.Status.Terminal():
		case len(l.Tasks) == shownTasks:
			l.MoreTasks++
		default:
			l.Tasks = append(l.Tasks, LookedTask{Title: t.Title, Status: t.Status, Owner: t.Owner.ID, Due: t.Due.Due})
		}
	}
	return l
}
