package casework

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// Occurrence is that something happened which a Case is about.
type Occurrence struct {
	Organization string
	Entry        string // the id of the entry that tells of it
	At           time.Time
	Opened       cases.Opened // all but its ordinal and its origin
}

// Book is where Cases are read and written.
type Book interface {
	Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error)
	CaseOfCause(ctx context.Context, organization string, cause cases.Cause) (cases.Case, error)
}

// Keeper opens Cases, and keeps them up with what happens. The same occurrence, however
// often it is handed over, changes something once.
type Keeper struct {
	Book Book
}

// tries bounds how often something is decided again because somebody else changed the
// Case meanwhile.
const tries = 8

// Occurred has an occurrence in a Case: the open one of its cause counts it, one that
// ended lately is reopened if its route lets it be, and else there is a new one. It
// returns the id of the Case.
func (k Keeper) Occurred(ctx context.Context, o Occurrence) (string, error) {
	return k.decide(ctx, o.Organization, o.Opened.Cause, func(newest cases.Case) ([]records.Entry, error) {
		recurred, err := k.recurred(newest, o)
		switch {
		case newest.CaseID == "":
			return k.open(o, 1, nil)
		case newest.Origin == o.Entry:
			return nil, nil // it opened this one
		case err != nil || !newest.Status.Terminal():
			return []records.Entry{recurred}, err
		}
		// One that was counted before its Case ended is stored, and changes nothing.
		if _, err := k.Book.Append(ctx, recurred); err == nil || !errors.As(err, new(*cases.Refusal)) {
			return nil, err
		}
		if within := newest.Route.ReopenWithin.Std(); within > 0 && !o.At.After(newest.ClosedAt.Add(within)) {
			reopened, err := cases.Entry(newest.Organization, newest.CaseID, cases.TypeReopened,
				cases.Act{Actor: records.SystemActor, Reason: "it happened again", At: o.At, Key: o.Entry}, cases.Reopened{Expects: newest.Version})
			return []records.Entry{reopened, recurred}, err
		}
		return k.open(o, newest.Ordinal+1, &newest)
	})
}

func (k Keeper) recurred(c cases.Case, o Occurrence) (records.Entry, error) {
	return cases.Entry(o.Organization, c.CaseID, cases.TypeRecurred,
		cases.Act{Actor: records.SystemActor, At: o.At, Key: o.Entry, Codes: o.Opened.Codes},
		cases.Recurred{Entry: o.Entry, Codes: o.Opened.Codes, Refs: o.Opened.Refs})
}

// open opens the Case of a number, with a reference to the one before.
func (k Keeper) open(o Occurrence, ordinal int, before *cases.Case) ([]records.Entry, error) {
	opened := o.Opened
	opened.Ordinal, opened.Origin = ordinal, o.Entry
	if before != nil {
		opened.Refs = append(append([]cases.Ref{}, opened.Refs...), cases.Ref{Type: cases.SubjectCase, Ref: before.CaseID, Note: "the one before"})
	}
	entry, err := cases.Opening(o.Organization, cases.Act{Actor: records.SystemActor, At: o.At}, opened)
	return []records.Entry{entry}, err
}

// Cleared notes that what opened the Case of a cause is gone. A person closes it, or its
// route does: then what is left to do is cancelled.
func (k Keeper) Cleared(ctx context.Context, organization string, cause cases.Cause, entry, reason string, at time.Time) (string, error) {
	return k.decide(ctx, organization, cause, func(c cases.Case) ([]records.Entry, error) {
		if c.CaseID == "" || c.Status.Terminal() {
			return nil, nil
		}
		act := cases.Act{Actor: records.SystemActor, Reason: reason, At: at, Key: entry}
		cleared, err := cases.Entry(organization, c.CaseID, cases.TypeCleared, act, cases.ClearedBy{Entry: entry})
		if err != nil || !c.Route.CloseCleared || c.Route.Review {
			return []records.Entry{cleared}, err
		}
		return closing(c, act, cleared, reason)
	})
}

// closing completes a Case that is cleared, after all that is left to do is cancelled.
// One that is paused goes on first.
func closing(c cases.Case, act cases.Act, cleared records.Entry, resolution string) ([]records.Entry, error) {
	entries := []records.Entry{cleared}
	add := func(typ, key string, body any) error {
		act.Key = key
		entry, err := cases.Entry(c.Organization, c.CaseID, typ, act, body)
		entries = append(entries, entry)
		return err
	}
	key := act.Key
	for _, t := range c.Tasks {
		if t.Status.Terminal() {
			continue
		}
		if err := add(cases.TypeTaskMoved, key+"/"+t.Key, cases.TaskMoved{TaskID: t.TaskID, To: cases.TaskCancelled}); err != nil {
			return nil, err
		}
	}
	if c.Status == cases.Blocked || c.Status == cases.WaitingReview {
		if err := add(cases.TypeMoved, key+"/on", cases.Moved{To: cases.InProgress}); err != nil {
			return nil, err
		}
	}
	return entries, add(cases.TypeMoved, key+"/closed", cases.Moved{To: cases.Completed, Resolution: resolution})
}

// Done completes the Task of a key in the Case of a cause: it was done by what
// happened. A Task that has ended stays as it is.
func (k Keeper) Done(ctx context.Context, organization string, cause cases.Cause, task, entry, resolution string, at time.Time) (string, error) {
	return k.decide(ctx, organization, cause, func(c cases.Case) ([]records.Entry, error) {
		t := c.Keyed(task)
		if c.CaseID == "" || t == nil || t.Status.Terminal() {
			return nil, nil
		}
		act := cases.Act{Actor: records.SystemActor, At: at, Key: entry + "/" + task}
		var entries []records.Entry
		if t.Status == cases.TaskOnHold {
			on := act
			on.Key += "/on"
			begun, err := cases.Entry(organization, c.CaseID, cases.TypeTaskMoved, on, cases.TaskMoved{TaskID: t.TaskID, To: cases.TaskInProgress})
			if err != nil {
				return nil, err
			}
			entries = append(entries, begun)
		}
		done, err := cases.Entry(organization, c.CaseID, cases.TypeTaskMoved, act, cases.TaskMoved{TaskID: t.TaskID, To: cases.TaskCompleted, Resolution: resolution})
		return append(entries, done), err
	})
}

// decide has the newest Case of a cause changed by what is decided on it, again if
// somebody else changed it meanwhile. Without one it is decided on the zero Case.
func (k Keeper) decide(
	ctx context.Context, organization string, cause cases.Cause, on func(newest cases.Case) ([]records.Entry, error),
) (caseID string, err error) {
	var refused error
	for range tries {
		newest, err := k.Book.CaseOfCause(ctx, organization, cause)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", err
		}
		entries, err := on(newest)
		if err != nil || len(entries) == 0 {
			return newest.CaseID, err
		}
		_, refused = k.Book.Append(ctx, entries...)
		if refused == nil {
			return entries[0].Subject.ID, nil
		}
		if !errors.As(refused, new(*cases.Refusal)) && !errors.As(refused, new(*store.EntryConflict)) {
			return "", refused
		}
	}
	return "", fmt.Errorf("the case of %s: %w", cause, refused)
}
