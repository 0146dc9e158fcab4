package casehistory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// actor does things to Cases, each after a look at it or from memory.
type actor struct {
	name   string
	random *rand.Rand
	store  Store
	plots  []plot
	ticks  *atomic.Int64
	step   int
	known  []knowledge // of each plot
}

// knowledge is what an actor saw of a Case, and did to it.
type knowledge struct {
	view     cases.Case // as it was when the actor looked last
	attempts []attempt
	looks    []look
}

// in returns true as often as in so many of a hundred.
func (a *actor) in(percent int) bool { return a.random.IntN(100) < percent }

func pick[T any](a *actor, of []T) T { return of[a.random.IntN(len(of))] }

// timed calls do, and says between which ticks.
func (a *actor) timed(do func()) (s span) {
	s.asked = a.ticks.Add(1)
	do()
	s.answered = a.ticks.Add(1)
	return s
}

// act is one step: perhaps a look, and an append.
func (a *actor) act(ctx context.Context) {
	number := a.random.IntN(len(a.plots))
	p, known := a.plots[number], &a.known[number]
	if known.view.Version == 0 || a.in(60) {
		a.look(ctx, p, known)
	}
	try := attempt{entries: a.entries(p, known)}
	try.span = a.timed(func() { try.stored, try.err = a.store.Append(ctx, try.entries...) })
	var refusal *cases.Refusal
	if errors.As(try.err, &refusal) && refusal.Code == cases.CodeStale && refusal.Expected < refusal.Current {
		changes, err := a.store.Entries(ctx, p.organization, cases.Subject(p.id), store.EntryQuery{After: refusal.Expected})
		try.changes, try.err = changes, errors.Join(try.err, err)
	}
	known.attempts = append(known.attempts, try)
}

func (a *actor) look(ctx context.Context, p plot, known *knowledge) {
	var err error
	seen := look{}
	seen.span = a.timed(func() { seen.view, err = a.store.Case(ctx, p.organization, p.id) })
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		known.attempts = append(known.attempts, attempt{span: seen.span, err: err})
		return
	}
	known.view, known.looks = seen.view, append(known.looks, seen)
}

// entries are what the actor appends next: something new, mostly one entry, or what it
// has appended before.
func (a *actor) entries(p plot, known *knowledge) []records.Entry {
	switch {
	case known.view.Version == 0 && a.in(70):
		return []records.Entry{a.opening(p, p.opened)}
	case a.in(2):
		another := p.opened
		another.Summary = "Another story"
		return []records.Entry{a.opening(p, another)}
	case len(known.attempts) > 0 && a.in(6):
		if before := pick(a, known.attempts).entries; len(before) > 0 {
			return before
		}
	}
	entries := []records.Entry{a.deed(p, known.view, 0)}
	for a.in(15) {
		entries = append(entries, a.deed(p, known.view, len(entries)))
	}
	return entries
}

func (a *actor) opening(p plot, opened cases.Opened) records.Entry {
	return made(cases.Opening(p.organization, cases.Act{Actor: a.name, At: a.now()}, opened))
}

// now is the actor's clock: all of them go about as fast.
func (a *actor) now() time.Time { return began.Add(time.Duration(a.step) * 2 * time.Minute) }

// made is for entries that follow from constants: they can be made, or the program is
// wrong.
func made(e records.Entry, err error) records.Entry {
	if err != nil {
		panic(err)
	}
	return e
}

// deed makes the entry of something that the actor does to a Case as it has seen it; it
// is the one of a number in its append.
func (a *actor) deed(p plot, seen cases.Case, number int) records.Entry {
	by := cases.Act{Actor: a.name, At: a.now(), Key: fmt.Sprintf("%s/%d/%d", a.name, a.step, number)}
	if a.in(5) {
		by.Actor = records.SystemActor
	}
	if a.in(85) {
		by.Reason = "because " + by.Key
	}
	// Mostly what is due; what is not is refused.
	if due, is := seen.Next(); is && a.in(20) && (!due.At.After(by.At) || a.in(10)) {
		return made(seen.Escalate(due, by.At))
	}
	typ, body := a.choose(p, seen)
	return made(cases.Entry(p.organization, p.id, typ, by, body))
}
