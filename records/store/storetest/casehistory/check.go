package casehistory

import (
	"errors"
	"fmt"

	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// Rule is one that holds for every history.
type Rule string

// The rules.
const (
	RuleLog      Rule = "the log has every entry once, with versions from 1 without gaps"
	RuleLegal    Rule = "every entry of the log is legal after those before it"
	RuleAuthor   Rule = "the log has nothing but what an actor was told is stored"
	RuleLost     Rule = "what an actor was told is stored is in the log, as it was said"
	RuleExpects  Rule = "nothing is stored for an actor who had not seen the newest version, and said so"
	RuleRefusal  Rule = "what is refused breaks a rule of its code, and is not stored"
	RuleChanges  Rule = "who has missed a version is shown all that changed since"
	RuleOrder    Rule = "nobody is answered from before what was answered already, or after what was not yet asked"
	RuleView     Rule = "every view is what the log replays to"
	RuleTerminal Rule = "a Case leaves a terminal state by being reopened"
	RuleTasks    Rule = "a Case that has ended has no open Task, and lists have the Tasks and Cases that there are"
)

// Violation is a rule that was broken, and how.
type Violation struct {
	Rule   Rule
	Detail string
}

// checker holds a history against the model.
type checker struct {
	History
	states []*model         // after so many entries of the log
	places map[string]int64 // of the entries of the log, by id
	order  order
	found  []Violation
}

// Check returns every way in which a history breaks a rule.
func Check(h History) []Violation {
	c := &checker{History: h, places: map[string]int64{}}
	c.replay()
	c.order = newOrder(c)
	authors := map[string]int{}
	for _, a := range h.attempts {
		switch code, refused := refusalOf(a.err); {
		case refused:
			c.refusal(a, code)
		case a.err != nil:
			c.broken(RuleRefusal, "an actor was answered with no refusal: %v", a.err)
		default:
			c.success(a, authors)
		}
	}
	for _, s := range h.log {
		if authors[s.ID] != 1 {
			c.broken(RuleAuthor, "%d actors were told that they had stored %s %s, at %d", authors[s.ID], s.Type, s.ID, s.Sequence)
		}
	}
	c.views()
	c.lists()
	return c.found
}

func (c *checker) broken(r Rule, format string, args ...any) {
	c.found = append(c.found, Violation{r, fmt.Sprintf(format, args...)})
}

// refusalOf returns the code of a refusal. That an id is taken is one of the store's.
func refusalOf(err error) (cases.Code, bool) {
	var refusal *cases.Refusal
	if errors.As(err, &refusal) {
		return refusal.Code, true
	}
	return codeTaken, errors.As(err, new(*store.EntryConflict))
}

// codeTaken stands for *store.EntryConflict.
const codeTaken cases.Code = "ID_TAKEN"

// replay replays the log.
func (c *checker) replay() {
	state := &model{}
	c.states = append(c.states, state)
	for i, s := range c.log {
		place := int64(i + 1)
		if first, twice := c.places[s.ID]; twice {
			c.broken(RuleLog, "%s %s is there at %d and at %d", s.Type, s.ID, first, place)
		} else {
			c.places[s.ID] = place
		}
		if s.Sequence != place {
			c.broken(RuleLog, "entry %d of the log has version %d", place, s.Sequence)
		}
		if broken := state.objects(s.Entry); len(broken) > 0 {
			c.broken(RuleLegal, "%s at %d, of a Case that is %s, breaks %v: %s", s.Type, place, state.status, broken, s.Body)
		}
		state = state.after(s.Entry)
		c.states = append(c.states, state)
	}
}

// success checks what an actor was told is stored.
func (c *checker) success(a attempt, authors map[string]int) {
	if len(a.stored) != len(a.entries) {
		c.broken(RuleLost, "of %d entries the answer has %d", len(a.entries), len(a.stored))
		return
	}
	for i, e := range a.entries {
		told := a.stored[i]
		place, there := c.places[e.ID]
		switch {
		case !there:
			c.broken(RuleLost, "%s %s is not in the log, and was told to be at %d", e.Type, e.ID, told.Sequence)
			continue
		case place != told.Sequence:
			c.broken(RuleLost, "%s %s is at %d, and was told to be at %d", e.Type, e.ID, place, told.Sequence)
		case c.log[place-1].Digest != e.Digest || told.Digest != e.Digest:
			c.broken(RuleLost, "%s %s is in the log as %s, and not as %s", e.Type, e.ID, c.log[place-1].Body, e.Body)
		}
		c.order.notAfter(a.span, place, "that "+e.ID+" is stored")
		if !told.New {
			continue
		}
		c.order.notBefore(a.span, place-1, "what "+e.ID+" was stored on")
		authors[e.ID]++
		// What it asked for, and not what came to be in the log.
		for _, o := range c.states[place-1].objects(e) {
			rule := RuleLegal
			if o.code == cases.CodeStale {
				rule = RuleExpects
			}
			c.broken(rule, "%s was stored at %d, and is to be refused with %s: %s", e.Type, place, o.code, e.Body)
		}
	}
}

// refusal checks that what was refused is not there, and was right to be refused at some
// version that was current meanwhile.
func (c *checker) refusal(a attempt, code cases.Code) {
	from, to := c.order.current(a.span)
	for version := from; version <= to; version++ {
		if c.refuses(a, code, version) {
			c.changes(a)
			return
		}
	}
	c.broken(RuleRefusal, "%v: no rule that says so is broken from version %d to %d: %s", a.err, from, to, bodies(a.entries))
}

func (c *checker) changes(a attempt) {
	if len(a.changes) == 0 {
		return
	}
	var refusal *cases.Refusal
	errors.As(a.err, &refusal)
	last := refusal.Expected + int64(len(a.changes))
	// Versions count what came before it in the same append, and was refused with it.
	stored := refusal.Current - int64(len(a.entries)-1)
	shown := last >= stored && last <= int64(len(c.log))
	for i := range a.changes {
		shown = shown && a.changes[i].ID == c.log[refusal.Expected+int64(i)].ID
	}
	if !shown {
		c.broken(RuleChanges, "from %d to %d, %d entries were shown, which are not those of the log", refusal.Expected, refusal.Current, len(a.changes))
	}
}
