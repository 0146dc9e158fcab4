package casework

import (
	"context"
	"errors"
	"fmt"

	"github.com/initkoa/orgo/gates/triage"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// Book is where Cases are read and written.
type Book interface {
	Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error)
	CaseOfCause(ctx context.Context, organization string, cause cases.Cause) (cases.Case, error)
	Entry(ctx context.Context, organization, entryID string) (store.Stored, error)
}

// keeper carries out one meaning of one entry. Every entry that it makes has an id that
// is derived from that one, so that the same, however often it is handed over, changes
// something once.
type keeper struct {
	book Book
	of   records.Entry
	// route decides how a Case is handled that is opened.
	route func(ctx context.Context, o triage.Opening, met int) (cases.Route, error)
}

// tries bounds how often something is decided again because somebody else changed the
// Case meanwhile.
const tries = 8

// decide has the newest Case of a cause changed by what is decided on it, again if
// somebody else changed it meanwhile. Without one it is decided on the zero Case.
func (k keeper) decide(ctx context.Context, cause cases.Cause, on func(newest cases.Case) ([]records.Entry, error)) error {
	var refused error
	for range tries {
		newest, err := k.book.CaseOfCause(ctx, k.of.Organization, cause)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		entries, err := on(newest)
		if err != nil || len(entries) == 0 {
			return err
		}
		_, refused = k.book.Append(ctx, entries...)
		if refused == nil || !errors.As(refused, new(*cases.Refusal)) && !errors.As(refused, new(*store.EntryConflict)) {
			return refused
		}
	}
	return fmt.Errorf("the case of %s: %w", cause, refused)
}

// act is what the keeper does, told apart from the rest of what an entry means.
func (k keeper) act(reason, part string) cases.Act {
	return cases.Act{Actor: records.SystemActor, Reason: reason, At: k.of.At, Key: k.of.ID + part, Codes: k.of.Codes}
}

func (k keeper) entry(c cases.Case, typ string, act cases.Act, body any) (records.Entry, error) {
	return cases.Entry(k.of.Organization, c.CaseID, typ, act, body)
}

// done reports whether an entry is stored: it was carried out before.
func (k keeper) done(ctx context.Context, e records.Entry) (bool, error) {
	_, err := k.book.Entry(ctx, e.Organization, e.ID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// doers carry out each kind of meaning.
var doers = map[triage.Kind]func(keeper, context.Context, triage.Meaning) error{
	triage.Open:     keeper.open,
	triage.Cleared:  keeper.clear,
	triage.Done:     keeper.complete,
	triage.Obsolete: keeper.cancel,
}

// open has an occurrence in a Case: the open one of its cause counts it, one that ended
// lately is reopened if its route lets it be, and else there is a new one.
func (k keeper) open(ctx context.Context, m triage.Meaning) error {
	o := *m.Opening
	return k.decide(ctx, m.Cause, func(newest cases.Case) ([]records.Entry, error) {
		switch {
		case newest.CaseID == "":
			return k.first(ctx, m, 1, newest)
		case newest.Origin == k.of.ID:
			return nil, nil
		case o.Continues && newest.Status.Terminal():
			return nil, nil // somebody has closed it already
		case o.Continues:
			return k.link(newest, o)
		}
		recurred, err := k.entry(newest, cases.TypeRecurred, k.act("", ""), o.Recurred(k.of.ID))
		if err != nil {
			return nil, err
		}
		if before, err := k.done(ctx, recurred); before || err != nil {
			return nil, err
		}
		if !newest.Status.Terminal() {
			return k.renew(newest, o, recurred)
		}
		if within := newest.Route.ReopenWithin.Std(); within > 0 && !k.of.At.After(newest.ClosedAt.Add(within)) {
			reopened, err := k.entry(newest, cases.TypeReopened, k.act("it happened again", ""), cases.Reopened{Expects: newest.Version})
			if err != nil {
				return nil, err
			}
			return k.renew(newest, o, reopened, recurred)
		}
		return k.first(ctx, m, newest.Ordinal+1, newest)
	})
}

// first opens the Case of a number, with a reference to the one before.
func (k keeper) first(ctx context.Context, m triage.Meaning, ordinal int, before cases.Case) ([]records.Entry, error) {
	o := *m.Opening
	if before.CaseID != "" {
		o.Refs = append(append([]cases.Ref{}, o.Refs...), cases.Ref{Type: cases.SubjectCase, Ref: before.CaseID, Note: "the one before"})
	}
	route, err := k.route(ctx, o, before.Occurrences+1)
	if err != nil {
		return nil, err
	}
	opened := o.Opened(m.Cause, ordinal, route, k.of.At)
	opened.Origin = k.of.ID
	entry, err := cases.Opening(k.of.Organization, k.act(m.Reason, ""), opened)
	return []records.Entry{entry}, err
}

// renew adds the Tasks that are to be done again.
func (k keeper) renew(c cases.Case, o triage.Opening, entries ...records.Entry) ([]records.Entry, error) {
	c.Route = o.Routed(c.Route, k.of.At)
	for _, plan := range triage.Renewals(&c, o) {
		entry, err := k.entry(c, cases.TypeTaskOpened, k.act("", "/"+plan.Key),
			cases.TaskOpened{TaskID: cases.TaskID(c.CaseID, plan.Key), Source: cases.SourceAPI, Plan: plan})
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

func (k keeper) link(c cases.Case, o triage.Opening) ([]records.Entry, error) {
	var entries []records.Entry
	for i, ref := range o.Refs {
		entry, err := k.entry(c, cases.TypeLinked, k.act("", fmt.Sprintf("/%d", i)), cases.Linked{Ref: ref})
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// clear notes that what opened a Case is gone. If its route says so, it is completed by
// that, unless there is still something to do or somebody has to review it.
func (k keeper) clear(ctx context.Context, m triage.Meaning) error {
	return k.decide(ctx, m.Cause, func(c cases.Case) ([]records.Entry, error) {
		if c.CaseID == "" || c.Status.Terminal() {
			return nil, nil
		}
		cleared, err := k.entry(c, cases.TypeCleared, k.act(m.Reason, ""), cases.ClearedBy{Entry: k.of.ID})
		entries := []records.Entry{cleared}
		if err != nil || !c.ClosesItself() {
			return entries, err
		}
		closed, err := k.entry(c, cases.TypeMoved, k.act(m.Reason, ""), cases.Moved{To: cases.Completed, Resolution: m.Reason})
		return append(entries, closed), err
	})
}

// complete completes a Task that was done by what happened.
func (k keeper) complete(ctx context.Context, m triage.Meaning) error {
	return k.decide(ctx, m.Cause, func(c cases.Case) ([]records.Entry, error) {
		t := triage.Pending(&c, m.Task)
		if c.Status.Terminal() || t == nil {
			return nil, nil
		}
		var entries []records.Entry
		for _, to := range triage.Path(t.Status) {
			moved, body := k.act(m.Reason, "/"+m.Task), cases.TaskMoved{TaskID: t.TaskID, To: to}
			if to == cases.TaskCompleted {
				body.Resolution = m.Reason
			} else {
				moved.Key += "/" + string(to)
			}
			entry, err := k.entry(c, cases.TypeTaskMoved, moved, body)
			if err != nil {
				return nil, err
			}
			entries = append(entries, entry)
		}
		if before, err := k.done(ctx, entries[len(entries)-1]); before || err != nil {
			return nil, err
		}
		return entries, nil
	})
}

// cancel ends a Case that nobody needs any more.
func (k keeper) cancel(ctx context.Context, m triage.Meaning) error {
	return k.decide(ctx, m.Cause, func(c cases.Case) ([]records.Entry, error) {
		if c.CaseID == "" || c.Status.Terminal() {
			return nil, nil
		}
		moved, err := k.entry(c, cases.TypeMoved, k.act(m.Reason, ""), cases.Moved{To: cases.Cancelled})
		return []records.Entry{moved}, err
	})
}
