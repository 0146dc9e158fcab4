package stack

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// caseMetrics counts what happens to Cases and Tasks. Their labels come from closed
// tables: the type of a Case is a person's own word, and is none.
type caseMetrics struct {
	opened      *prometheus.CounterVec
	recurred    *prometheus.CounterVec
	moves       *prometheus.CounterVec
	taskMoves   *prometheus.CounterVec
	escalations *prometheus.CounterVec
	refusals    *prometheus.CounterVec
}

func newCaseMetrics() *caseMetrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &caseMetrics{
		opened:      counter("orgo_cases_opened_total", "Cases opened by this process, by the kind of their cause and their severity.", "cause", "severity"),
		recurred:    counter("orgo_cases_recurred_total", "Causes that were met again while their Case was open, recorded by this process."),
		moves:       counter("orgo_case_moves_total", "Moves of Cases recorded by this process, by the state that they led to; a reopened one is OPEN.", "to"),
		taskMoves:   counter("orgo_task_moves_total", "Moves of Tasks recorded by this process, by the state that they led to.", "to"),
		escalations: counter("orgo_case_escalations_total", "Escalations recorded by this process, by what was due and the level.", "kind", "level"),
		refusals:    counter("orgo_case_refusals_total", "What this process refused to those who change Cases and Tasks, by reason code.", "code"),
	}
}

// CaseRefused makes it an api.CaseObserver.
func (m *caseMetrics) CaseRefused(code string) {
	if _, known := gates.Lookup(gates.Code(code)); !known {
		code = "unknown"
	}
	m.refusals.WithLabelValues(code).Inc()
}

func (m *caseMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.opened, m.recurred, m.moves, m.taskMoves, m.escalations, m.refusals}
}

// observe counts an entry of a Case. The store has admitted it: what it says is of the
// tables.
func (m *caseMetrics) observe(s store.Stored) {
	switch s.Type {
	case cases.TypeOpened:
		count(s, func(body cases.Opened) {
			m.opened.WithLabelValues(oneOf(body.Cause.Kind, cases.CauseKinds()), orNone(body.Route.Severity)).Inc()
		})
	case cases.TypeRecurred:
		m.recurred.WithLabelValues().Inc()
	case cases.TypeMoved:
		count(s, func(body cases.Moved) { m.moves.WithLabelValues(string(body.To)).Inc() })
	case cases.TypeReopened:
		m.moves.WithLabelValues(string(cases.Open)).Inc()
	case cases.TypeTaskMoved:
		count(s, func(body cases.TaskMoved) { m.taskMoves.WithLabelValues(string(body.To)).Inc() })
	case cases.TypeEscalated, cases.TypeTaskLate:
		count(s, func(body cases.Escalated) {
			m.escalations.WithLabelValues(string(body.Deadline.Kind), strconv.Itoa(body.Deadline.Level)).Inc()
		})
	}
}

// count reads the body of an entry and counts it.
func count[B any](s store.Stored, add func(B)) {
	var body B
	if err := json.Unmarshal(s.Body, &body); err == nil { // the store has read it the same way
		add(body)
	}
}

// oneOf keeps a label within its table.
func oneOf(value string, table []string) string {
	if slices.Contains(table, value) {
		return value
	}
	return "unknown"
}

func orNone(severity string) string {
	if severity == "" {
		return "none"
	}
	return severity
}
