package gates

import (
	"maps"
	"slices"
	"time"
)

// Step is what a judgement has a release do next.
type Step string

// The steps. Only Advance goes on.
const (
	Advance  Step = "ADVANCE"
	Hold     Step = "HOLD"
	RollBack Step = "ROLL_BACK"
	Page     Step = "PAGE" // hold, and call an operator
)

// OnDeadline is what a policy has done when the time of an analysis is over and
// nothing was found.
type OnDeadline string

// What can be done at a deadline.
const (
	DeadlineRollBack OnDeadline = "rollback"
	DeadlinePage     OnDeadline = "page"
)

// atDeadline has the step of each.
var atDeadline = map[OnDeadline]Step{DeadlineRollBack: RollBack, DeadlinePage: Page}

func onDeadlines() []OnDeadline { return slices.Sorted(maps.Keys(atDeadline)) }

// OnDeadline returns what the binding rules of rollout health that apply have done
// at a deadline. One that rolls back outweighs those that page; without any it is
// rolled back.
func (r Ruleset) OnDeadline(c Context) OnDeadline {
	found := OnDeadline("")
	for _, rule := range r.rules[GateHealth] {
		if rule.deadline == "" || rule.Enforcement != Must || !rule.applies(c) {
			continue
		}
		if found == "" || rule.deadline == DeadlineRollBack {
			found = rule.deadline
		}
	}
	if found == "" {
		return DeadlineRollBack
	}
	return found
}

// onDeadline stands in judgementTable for the policy's step.
const onDeadline Step = ""

// judgementTable has the steps of each verdict, before the deadline and from it on.
var judgementTable = map[Verdict]struct{ before, late Step }{
	Pass:         {Advance, Advance},
	Pending:      {Hold, onDeadline}, // what has not had its time by then is abandoned
	Insufficient: {Hold, onDeadline},
	Stale:        {Hold, onDeadline},
	NoData:       {Hold, onDeadline},
	Error:        {Hold, onDeadline},
	Fail:         {RollBack, RollBack},
}

// Judgement is what is known of the health of one cohort of a release, from one
// decision of the health gate to the next. The zero Judgement is about nothing and
// never advances.
type Judgement struct {
	Subject    Subject    `json:"subject"`
	Deadline   time.Time  `json:"deadline,omitzero"` // when it must have passed
	OnDeadline OnDeadline `json:"on_deadline"`
	// Ended is the step that ended it: a failure is never taken back, and a canary
	// that was rolled back is not advanced.
	Ended Step `json:"ended,omitempty"`
}

// Next returns the judgement after a decision, and what to do. A decision that is
// not of the health gate, or is about something else, is an Error.
func (j Judgement) Next(d Decision) (Judgement, Step) {
	if j.Ended == RollBack {
		return j, RollBack
	}
	row, known := judgementTable[d.Verdict]
	if !known || d.Gate != GateHealth || d.Subject != j.Subject || j.Deadline.IsZero() {
		row = judgementTable[Error]
	}
	step := row.before
	// Without a deadline it is over: a judgement that waited for ever would hold one
	// that nobody looks at.
	if !d.EvaluatedAt.Before(j.Deadline) {
		step = row.late
	}
	if step == onDeadline {
		if step = atDeadline[j.OnDeadline]; step == "" {
			step = RollBack
		}
	}
	if step == RollBack {
		j.Ended = RollBack
	}
	return j, step
}
