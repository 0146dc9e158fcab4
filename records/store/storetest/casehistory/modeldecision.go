package casehistory

import (
	"fmt"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// wait opens and ends the Tasks of decisions that an entry brings about. was is the Case
// before it.
func (m *model) wait(was *model, e records.Entry) {
	reviews, reviewed := m.status == "WAITING_REVIEW", was.status == "WAITING_REVIEW"
	switch {
	case reviews && !reviewed:
		m.askFor("review", m.route.ReviewBy, e)
	case reviewed && (m.status == "COMPLETED" || m.status == "IN_PROGRESS"):
		m.decided("review", "COMPLETED", e)
	case reviewed && !reviews:
		m.decided("review", "CANCELLED", e)
	}
	proposed := m.cleared && !reviews && !ended(m.status)
	if proposed {
		if m.waiting("close") == nil && (!m.route.CloseCleared || m.route.Review || m.status == "BLOCKED" || m.openTasks() > 0) {
			m.askFor("close", m.route.CloseBy, e)
		}
		return
	}
	if reviews || m.status == "COMPLETED" {
		m.decided("close", "COMPLETED", e)
	}
	m.decided("close", "CANCELLED", e)
}

// askFor opens the Task of a decision.
func (m *model) askFor(d cases.Decision, asked *cases.Asked, e records.Entry) {
	before := 0
	for _, t := range m.tasks {
		if t.decides != "" {
			before++
		}
	}
	if asked == nil || before == 50 {
		return
	}
	m.add(cases.Plan{Key: fmt.Sprintf("decision/%s/%d", d, m.version), Owner: asked.Owner, DueWithin: asked.DueWithin}, e.At)
	m.tasks[len(m.tasks)-1].decides = d
}

// decided ends the Task of a decision, if there is one open.
func (m *model) decided(d cases.Decision, to cases.TaskStatus, e records.Entry) {
	t := m.waiting(d)
	if t == nil {
		return
	}
	t.status = to
	t.reactivity.stop(e.At, t.still)
	if to == "COMPLETED" {
		t.due.stop(e.At, t.still)
	}
	t.touch(m.version, e.At)
}

// waiting returns the open Task of a decision, or nil.
func (m *model) waiting(d cases.Decision) *task {
	for i := range m.tasks {
		if t := &m.tasks[i]; t.decides == d && !endedTask(t.status) {
			return t
		}
	}
	return nil
}
