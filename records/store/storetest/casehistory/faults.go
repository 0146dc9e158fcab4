package casehistory

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// Fault is a fault that is planted on a store that has none, and the rule that it breaks:
// a judge that does not find it is none.
type Fault struct {
	Name  string
	Rule  Rule
	Plant func(Store) Store
}

// Faults returns one fault for each rule.
func Faults() []Fault {
	return []Fault{
		{"a store that overlooks which version a writer has seen", RuleExpects, func(s Store) Store { return overlooking{s} }},
		{"a store that says ok and stores nothing", RuleLost, func(s Store) Store { return &forgetful{Store: s} }},
		{"a store that refuses what it has stored", RuleRefusal, func(s Store) Store { return &denying{Store: s} }},
		{"a store that stores things once more", RuleAuthor, func(s Store) Store { return repeating{s} }},
		{"a log that has an entry twice", RuleLog, func(s Store) Store { return stuttering{s} }},
		{"a log without its reopenings", RuleLegal, func(s Store) Store { return censoring{s} }},
		{"a log that shows but the first of many changes", RuleChanges, func(s Store) Store { return terse{s} }},
		{"a view that goes out of a terminal state", RuleTerminal, func(s Store) Store { return reviving{s} }},
		{"a view of a Case that has ended, with an open Task", RuleTasks, func(s Store) Store { return unending{s} }},
		{"a view without who resolved it", RuleView, func(s Store) Store { return blurring{s} }},
		{"a view that is not renewed", RuleOrder, func(s Store) Store { return &lagging{Store: s, old: map[string]cases.Case{}} }},
	}
}

// overlooking takes from each entry what its writer expects.
type overlooking struct{ Store }

func (s overlooking) Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error) {
	entries = slices.Clone(entries)
	for i, e := range entries {
		var body map[string]json.RawMessage
		if err := json.Unmarshal(e.Body, &body); err != nil {
			return nil, err
		}
		delete(body, "expects")
		without, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		entries[i].Body, entries[i].Digest = without, records.DigestOf(without)
	}
	return s.Store.Append(ctx, entries...)
}

// every is true once in so many calls.
type every struct{ calls atomic.Int64 }

func (e *every) turn(of int64) bool { return e.calls.Add(1)%of == 0 }

// forgetful stores nothing now and then.
type forgetful struct {
	Store
	count every
}

func (s *forgetful) Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error) {
	if !s.count.turn(9) {
		return s.Store.Append(ctx, entries...)
	}
	c, err := s.Case(ctx, entries[0].Organization, entries[0].Subject.ID)
	if err != nil {
		return nil, err
	}
	told := make([]store.Stored, len(entries))
	for i, e := range entries {
		told[i] = store.Stored{Entry: e, Sequence: c.Version + int64(i) + 1, New: true}
	}
	return told, nil
}

// denying refuses now and then what it has stored.
type denying struct {
	Store
	count every
}

func (s *denying) Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error) {
	stored, err := s.Store.Append(ctx, entries...)
	if err == nil && s.count.turn(5) {
		return nil, &cases.Refusal{Code: cases.CodeTransition, CaseID: entries[0].Subject.ID, Message: "it is not so"}
	}
	return stored, err
}

// repeating stores a comment under another id, too.
type repeating struct{ Store }

func (s repeating) Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error) {
	stored, err := s.Store.Append(ctx, entries...)
	if err != nil || entries[0].Type != cases.TypeCommented {
		return stored, err
	}
	again := entries[0]
	again.ID += "-again"
	_, err = s.Store.Append(ctx, again)
	return stored, err
}

// stuttering shows the last entry of a log twice.
type stuttering struct{ Store }

func (s stuttering) Entries(ctx context.Context, organization string, subject records.Subject, q store.EntryQuery) ([]store.Stored, error) {
	log, err := s.Store.Entries(ctx, organization, subject, q)
	if len(log) > 0 {
		log = append(log, log[len(log)-1])
	}
	return log, err
}

// censoring leaves reopenings out.
type censoring struct{ Store }

func (s censoring) Entries(ctx context.Context, organization string, subject records.Subject, q store.EntryQuery) ([]store.Stored, error) {
	log, err := s.Store.Entries(ctx, organization, subject, q)
	return slices.DeleteFunc(log, func(e store.Stored) bool { return e.Type == cases.TypeReopened }), err
}

// terse shows one change.
type terse struct{ Store }

func (s terse) Entries(ctx context.Context, organization string, subject records.Subject, q store.EntryQuery) ([]store.Stored, error) {
	if q.After > 0 {
		q.Limit = 1
	}
	return s.Store.Entries(ctx, organization, subject, q)
}

// reviving shows every other Case that has ended as in progress.
type reviving struct{ Store }

func (s reviving) Case(ctx context.Context, organization, caseID string) (cases.Case, error) {
	c, err := s.Store.Case(ctx, organization, caseID)
	if c.Status.Terminal() && c.Version%2 == 0 {
		c.Status = cases.InProgress
	}
	return c, err
}

// unending leaves a Task open when its Case ends.
type unending struct{ Store }

func (s unending) Case(ctx context.Context, organization, caseID string) (cases.Case, error) {
	c, err := s.Store.Case(ctx, organization, caseID)
	if c.Status.Terminal() && len(c.Tasks) > 0 {
		c.Tasks[0].Status = cases.TaskPending
	}
	return c, err
}

// blurring does not say who resolved a Case.
type blurring struct{ Store }

func (s blurring) Case(ctx context.Context, organization, caseID string) (cases.Case, error) {
	c, err := s.Store.Case(ctx, organization, caseID)
	c.ResolvedBy = ""
	return c, err
}

// lagging shows what it has shown before, now and then.
type lagging struct {
	Store
	count every

	mu  sync.Mutex
	old map[string]cases.Case
}

func (s *lagging) Case(ctx context.Context, organization, caseID string) (cases.Case, error) {
	c, err := s.Store.Case(ctx, organization, caseID)
	if errors.Is(err, store.ErrNotFound) {
		return c, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, has := s.old[caseID]; has && s.count.turn(5) {
		return old, err
	}
	s.old[caseID] = c
	return c, err
}
