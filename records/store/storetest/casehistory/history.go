package casehistory

import (
	"context"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// Store is what actors do to Cases with a store, and what they see of them.
type Store interface {
	Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error)
	Case(ctx context.Context, organization, caseID string) (cases.Case, error)
	Entries(ctx context.Context, organization string, subject records.Subject, q store.EntryQuery) ([]store.Stored, error)
	Cases(ctx context.Context, organization string, q store.CaseQuery) ([]cases.Case, string, error)
	Tasks(ctx context.Context, organization string, q store.TaskQuery) ([]store.ListedTask, string, error)
}

// span is when an actor asked and when it was answered, in ticks that all actors share.
type span struct{ asked, answered int64 }

// attempt is an append by an actor: all of its entries are of one Case.
type attempt struct {
	span
	entries []records.Entry
	stored  []store.Stored
	err     error
	// changes is what the actor was shown when it was told that it had missed a version.
	changes []store.Stored
}

// look is a view that an actor got of a Case. It has version 0 if there was none.
type look struct {
	span
	view cases.Case
}

// History is all that happened to one Case: what actors did and saw, and what the store
// has at the end.
type History struct {
	attempts []attempt
	looks    []look

	log    []store.Stored
	final  cases.Case
	listed []cases.Case // as often as the list has it
	tasks  []store.ListedTask
}

// Entries is how many entries its log has.
func (h History) Entries() int { return len(h.log) }

// Outcomes counts what the Case went through: each type of entry and each transition
// that happened, and each code of a refusal.
func (h History) Outcomes(count map[string]int) {
	state := &model{}
	for _, s := range h.log {
		count[s.Type]++
		next := state.after(s.Entry)
		if next.status != state.status {
			count[string(state.status)+" to "+string(next.status)]++
		}
		for _, t := range next.tasks {
			if before := state.task(t.id); before != nil && before.status != t.status {
				count["task "+string(before.status)+" to "+string(t.status)]++
			}
		}
		state = next
	}
	for _, a := range h.attempts {
		if code, is := refusalOf(a.err); is {
			count[string(code)]++
		}
	}
}
