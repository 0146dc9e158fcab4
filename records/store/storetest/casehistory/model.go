package casehistory

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// model is a Case as docs/cases.md has it. The zero model is one that was not opened.
type model struct {
	id      string
	route   cases.Route
	version int64
	status  cases.Status
	owners  []cases.Owner
	refs    []cases.Ref
	tasks   []task

	resolution, resolvedBy string
	cleared                bool
	occurrences, reopened  int
	level                  int
	response, resolve      clock
	still                  *time.Time // since when no deadline runs
	closed                 *time.Time
	updated                time.Time
}

// objection is a rule that an entry breaks: the code with which it is refused, and the
// version that a stale one has missed.
type objection struct {
	code    cases.Code
	current int64
}

// objections gathers those of an entry.
type objections []objection

func (o *objections) when(broken bool, code cases.Code) {
	if broken {
		*o = append(*o, objection{code: code})
	}
}

func (o *objections) unless(expects, current int64) {
	if expects != 0 && expects != current {
		*o = append(*o, objection{cases.CodeStale, current})
	}
}

// act is what a type of entry means: why it may be refused, and what it does.
type act struct {
	judge func(m *model, e records.Entry) objections
	do    func(m *model, e records.Entry)
}

// on makes an act of a body. A body that cannot be read is the zero one.
func on[B any](judge func(m *model, b B, e records.Entry) objections, do func(m *model, b B, e records.Entry)) act {
	read := func(e records.Entry) (b B) {
		_ = json.Unmarshal(e.Body, &b)
		return b
	}
	return act{
		judge: func(m *model, e records.Entry) objections { return judge(m, read(e), e) },
		do:    func(m *model, e records.Entry) { do(m, read(e), e) },
	}
}

// acts has the meaning of each type of entry.
var acts = map[string]act{
	"orgo.case.opened":    on(judgeOpened, doOpened),
	"orgo.case.moved":     on(judgeMoved, doMoved),
	"orgo.case.reopened":  on(judgeReopened, doReopened),
	"orgo.case.assigned":  on(judgeAssigned, doAssigned),
	"orgo.case.recurred":  on(judgeRecurred, doRecurred),
	"orgo.case.cleared":   on(judgeCleared, doCleared),
	"orgo.case.linked":    on(judgeLinked, doLinked),
	"orgo.case.commented": on(judgeCommented, func(*model, cases.Commented, records.Entry) {}),
	"orgo.case.escalated": on(judgeEscalated, doEscalated),
	"orgo.task.escalated": on(judgeEscalated, doEscalated),
	"orgo.task.opened":    on(judgeTaskOpened, doTaskOpened),
	"orgo.task.moved":     on(judgeTaskMoved, doTaskMoved),
	"orgo.task.assigned":  on(judgeTaskOwned, doTaskOwned),
	"orgo.task.commented": on(judgeTaskNoted, func(*model, cases.TaskCommented, records.Entry) {}),
}

// objects returns every rule that an entry breaks; none if it is legal.
func (m *model) objects(e records.Entry) objections {
	is, known := acts[e.Type]
	if !known || (m.version == 0) != (e.Type == "orgo.case.opened") {
		return objections{{code: cases.CodeInvalid}}
	}
	return is.judge(m, e)
}

// after returns the Case after an entry, which is its newest then. m is not changed.
func (m *model) after(e records.Entry) *model {
	next := *m
	next.owners, next.refs, next.tasks = slices.Clone(m.owners), slices.Clone(m.refs), slices.Clone(m.tasks)
	next.version, next.updated = m.version+1, e.At
	if is, known := acts[e.Type]; known {
		is.do(&next, e)
	}
	next.wait(m, e)
	next.stand(e.At)
	return &next
}

// stand lets deadlines stand still, and run again, as the states say.
func (m *model) stand(at time.Time) {
	if ended(m.status) {
		return
	}
	all := slices.Contains(m.route.Pauses, m.status)
	turn(&m.still, all, at, &m.response, &m.resolve)
	for i := range m.tasks {
		if t := &m.tasks[i]; !endedTask(t.status) {
			turn(&t.still, all && t.decides != "review" || slices.Contains(m.route.TaskPauses, t.status), at, &t.due, &t.reactivity)
		}
	}
}

func turn(since **time.Time, still bool, at time.Time, clocks ...*clock) {
	switch {
	case still && *since == nil:
		*since = &at
	case !still && *since != nil:
		for _, k := range clocks {
			k.wait(at, *since)
		}
		*since = nil
	}
}

func judgeOpened(*model, cases.Opened, records.Entry) objections { return nil }

func doOpened(m *model, b cases.Opened, e records.Entry) {
	m.id, m.route, m.status, m.owners, m.refs, m.occurrences = e.Subject.ID, b.Route, "OPEN", b.Route.Owners, b.Refs, 1
	m.begin(e.At)
	for _, plan := range b.Route.Tasks {
		m.add(plan, e.At)
	}
}

func (m *model) begin(at time.Time) {
	m.response, m.resolve = started(at, m.route.RespondWithin), started(at, m.route.ResolveWithin)
}

func judgeMoved(m *model, b cases.Moved, e records.Entry) (o objections) {
	o.unless(b.Expects, m.version)
	if ended(m.status) {
		o.when(true, cases.CodeTerminal)
		return o
	}
	asks, legal := caseMoves[m.status][b.To]
	o.when(!legal, cases.CodeTransition)
	o.when(asks == reason && e.Reason == "", cases.CodeReason)
	o.when(asks == resolution && b.Resolution == "", cases.CodeResolution)
	o.when(asks == approval && (e.Actor == m.resolvedBy || e.Actor == records.SystemActor), cases.CodeApprover)
	if b.To == "COMPLETED" {
		o.when(m.route.Review && asks != approval, cases.CodeReview)
		o.when(m.openTasks() > 0, cases.CodeTasksOpen)
	}
	return o
}

func doMoved(m *model, b cases.Moved, e records.Entry) {
	if caseMoves[m.status][b.To] == resolution {
		m.resolution, m.resolvedBy = b.Resolution, e.Actor
	}
	m.status = b.To
	m.response.stop(e.At, m.still)
	if b.To == "COMPLETED" {
		m.resolve.stop(e.At, m.still)
	}
	if !ended(b.To) {
		return
	}
	m.closed, m.still = &e.At, nil
	for i := range m.tasks {
		if t := &m.tasks[i]; t.decides == "" && !endedTask(t.status) {
			t.status = "CANCELLED"
			t.touch(m.version, e.At)
		}
	}
}

func judgeReopened(m *model, b cases.Reopened, e records.Entry) (o objections) {
	o.unless(b.Expects, m.version)
	if !ended(m.status) {
		o.when(true, cases.CodeTransition)
		return o
	}
	within := m.route.ReopenWithin.Std()
	o.when(e.Reason == "", cases.CodeReason)
	o.when(within == 0 || e.At.Sub(*m.closed) > within, cases.CodeReopen)
	return o
}

func doReopened(m *model, _ cases.Reopened, e records.Entry) {
	m.status, m.closed = "OPEN", nil
	m.resolution, m.resolvedBy, m.cleared = "", "", false
	m.level = 0
	m.reopened++
	m.begin(e.At)
}

func judgeAssigned(m *model, b cases.Assigned, _ records.Entry) (o objections) {
	o.unless(b.Expects, m.version)
	o.when(ended(m.status), cases.CodeTerminal)
	o.when(len(b.Owners) == 0, cases.CodeOwner)
	return o
}

func doAssigned(m *model, b cases.Assigned, _ records.Entry) { m.owners = b.Owners }

func judgeRecurred(m *model, _ cases.Recurred, _ records.Entry) (o objections) {
	o.when(ended(m.status), cases.CodeTerminal)
	return o
}

func doRecurred(m *model, _ cases.Recurred, _ records.Entry) {
	m.occurrences++
	m.cleared = false
}

func judgeCleared(m *model, _ cases.ClearedBy, _ records.Entry) (o objections) {
	o.when(ended(m.status), cases.CodeTerminal)
	return o
}

func doCleared(m *model, _ cases.ClearedBy, _ records.Entry) { m.cleared = true }

func judgeLinked(_ *model, b cases.Linked, _ records.Entry) (o objections) {
	o.when(b.Ref.Type == "" || b.Ref.Ref == "", cases.CodeInvalid)
	return o
}

func doLinked(m *model, b cases.Linked, _ records.Entry) {
	for _, has := range m.refs {
		if has.Type == b.Ref.Type && has.Ref == b.Ref.Ref {
			return
		}
	}
	m.refs = append(m.refs, b.Ref)
}

func judgeCommented(_ *model, b cases.Commented, _ records.Entry) (o objections) {
	o.when(b.Text == "", cases.CodeInvalid)
	return o
}
