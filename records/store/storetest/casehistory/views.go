package casehistory

import (
	"cmp"
	"slices"

	"github.com/initkoa/orgo/records/cases"
)

// views checks everything that was seen of the Case, and how it is at the end.
func (c *checker) views() {
	all := make([]cases.Case, 0, len(c.looks)+1)
	for _, l := range c.looks {
		c.order.notBefore(l.span, l.view.Version, "a view")
		c.order.notAfter(l.span, l.view.Version, "a view")
		all = append(all, l.view)
	}
	if c.final.Version != int64(len(c.log)) {
		c.broken(RuleView, "the last view is of version %d, and the log has %d entries", c.final.Version, len(c.log))
	}
	all = append(all, c.final)
	slices.SortStableFunc(all, func(a, b cases.Case) int { return cmp.Compare(a.Version, b.Version) })
	for i, view := range all {
		c.view(view)
		if i > 0 && all[i-1].Version > 0 && ended(all[i-1].Status) {
			c.terminal(all[i-1], view)
		}
	}
}

func (c *checker) view(view cases.Case) {
	switch {
	case view.Version == 0:
		return // there is none yet
	case view.Version >= int64(len(c.states)):
		c.broken(RuleView, "a view is of version %d, and the log has %d entries", view.Version, len(c.log))
		return
	}
	if difference := differ(linesOf(view), c.states[view.Version].lines()); difference != "" {
		c.broken(RuleView, "of version %d:\n%s", view.Version, difference)
	}
	for _, t := range view.Tasks {
		if ended(view.Status) && !endedTask(t.Status) {
			c.broken(RuleTasks, "it is %s at %d, and its task %s is %s", view.Status, view.Version, t.Key, t.Status)
		}
	}
}

// terminal checks two views, the first of which is terminal.
func (c *checker) terminal(before, after cases.Case) {
	if before.Status == after.Status {
		return
	}
	for at := before.Version; at < min(after.Version, int64(len(c.log))); at++ {
		if c.log[at].Type == "orgo.case.reopened" {
			return
		}
	}
	c.broken(RuleTerminal, "it was %s at %d and is %s at %d, and was not reopened", before.Status, before.Version, after.Status, after.Version)
}

// lists checks what the lists have of the Case at the end.
func (c *checker) lists() {
	if len(c.listed) != min(len(c.log), 1) {
		c.broken(RuleTasks, "a Case of %d entries is listed %d times", len(c.log), len(c.listed))
	}
	for _, listed := range c.listed {
		if difference := differ(linesOf(listed), linesOf(c.final)); difference != "" {
			c.broken(RuleTasks, "the list of Cases:\n%s", difference)
		}
	}
	var listed, there []string
	for _, t := range c.tasks {
		listed = append(listed, t.CaseID+" "+lineOf(t.Task))
	}
	for _, t := range c.final.Tasks {
		there = append(there, c.final.CaseID+" "+lineOf(t))
	}
	slices.Sort(listed)
	slices.Sort(there)
	if difference := differ(listed, there); difference != "" || len(listed) != len(there) {
		c.broken(RuleTasks, "%d tasks are listed, of %d:\n%s", len(listed), len(there), difference)
	}
}
