package routing

import (
	"fmt"
	"strings"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// builtIn is the source of the rules that are there without any policy.
const builtIn = "built-in"

// The teams that the built-in rules name.
var (
	operators    = cases.Owner{Kind: cases.Team, ID: "operators"}
	publishers   = cases.Owner{Kind: cases.Team, ID: "publishers"}
	policyOwners = cases.Owner{Kind: cases.Team, ID: "policy-owners"}
	runnerOwners = cases.Owner{Kind: cases.Team, ID: "runner-owners"}
	leads        = cases.Owner{Kind: cases.Team, ID: "leads"}
	governance   = cases.Owner{Kind: cases.Team, ID: "governance"}
)

// Teams are those that the built-in rules name.
func Teams() []string {
	var ids []string
	for _, team := range []cases.Owner{operators, publishers, policyOwners, runnerOwners, leads, governance} {
		ids = append(ids, team.ID)
	}
	return ids
}

// desk is who gets what who can clear it: a row makes a rule for each severity.
type desk struct {
	id        string
	clearedBy []string
	owner     cases.Owner
	label     string // with the number of the severity to come
	role      string
}

// desks are in the order in which they are asked: where several can clear different
// reasons of a Case, the one that has to act first comes first. Operators get what
// is left.
var desks = []desk{
	{"policy-owners", []string{"policy owner"}, policyOwners, "1000.20", "Governance.Policy"},
	{"runner-owners", []string{"runner owner"}, runnerOwners, "1000.30", "Ops.Runners"},
	{"publishers", []string{"publisher", "requester"}, publishers, "1000.40", "Content.Publishing"},
	{"operators", nil, operators, "1000.12", "Ops.Maintenance"},
}

// level is what a severity means for how soon something is done.
type level struct {
	severity         string
	priority         cases.Priority
	respond, resolve time.Duration
	// review: what was that bad is not closed by one person.
	review bool
	// pauses: it waits for others without a deadline.
	pauses []cases.Status
}

var levels = []level{
	{sev1, cases.Critical, 15 * time.Minute, 4 * time.Hour, true, nil},
	{sev2, cases.High, time.Hour, 24 * time.Hour, true, nil},
	{sev3, cases.Medium, 8 * time.Hour, 72 * time.Hour, false, []cases.Status{cases.Blocked}},
	{sev4, cases.Low, 24 * time.Hour, 7 * 24 * time.Hour, false, []cases.Status{cases.Blocked}},
}

// reopenWithin is how long a Case of the built-in rules may be reopened.
const reopenWithin = 7 * 24 * time.Hour

// BuiltIn returns the rules that hold where no policy routes Cases. The caller owns
// them.
func BuiltIn() Rules {
	rules := Rules{Source: builtIn}
	for _, l := range levels {
		rules.Rules = append(rules.Rules, rollbackRule(l))
	}
	anyRollback := rollbackRule(levels[2]) // of what nobody has given a severity
	anyRollback.ID, anyRollback.When.Severities = "rollback", nil
	rules.Rules = append(rules.Rules, anyRollback,
		waitRule(cases.CauseApproval, cases.TaskApprove, governance, "1000.60.0.Governance.Approval", "Approve or reject the release"),
		waitRule(cases.CausePromotion, cases.TaskPromote, operators, "1000.61.0.Ops.Promotion", "Promote the release, or take it back"),
		glassRule())
	for _, d := range desks {
		for _, l := range levels {
			rules.Rules = append(rules.Rules, d.rule(l))
		}
	}
	then := levels[len(levels)-1].then(operators, "1000.12.0.Ops.Maintenance", investigate(levels[len(levels)-1]))
	rules.Default = &then
	return rules
}

func (d desk) rule(l level) Rule {
	return Rule{
		ID: d.id + "-" + l.id(), When: When{ClearedBy: d.clearedBy, Severities: []string{l.severity}},
		Then: l.then(d.owner, d.label+"."+l.number()+"."+d.role, investigate(l)),
	}
}

func (l level) id() string     { return strings.ToLower(l.severity) }
func (l level) number() string { return strings.TrimPrefix(l.severity, "SEV") }

func (l level) then(owner cases.Owner, label string, tasks []cases.Plan) Then {
	return Then{
		Label: label, Owners: []cases.Owner{owner}, Priority: l.priority, Visibility: cases.Internal,
		RespondWithin: span(l.respond), ResolveWithin: span(l.resolve),
		Escalation: escalation(l.respond), Pauses: l.pauses, TaskPauses: []cases.TaskStatus{cases.TaskOnHold},
		Review: l.review, ReviewBy: &cases.Asked{Owner: &leads, DueWithin: span(l.respond)}, ReopenWithin: span(reopenWithin), Tasks: tasks,
	}
}

// escalation is three levels: at the deadline, after as long as there was to respond,
// and after four times that.
func escalation(respond time.Duration) []cases.Level {
	return []cases.Level{
		{Owners: []cases.Owner{operators}},
		{After: span(respond), Owners: []cases.Owner{leads}},
		{After: span(4 * respond), Owners: []cases.Owner{governance}},
	}
}

func investigate(l level) []cases.Plan {
	return []cases.Plan{{
		Key: cases.TaskInvestigate, Type: "investigation", Title: "Find out why, and say what is done about it",
		ReactWithin: span(l.respond), DueWithin: span(l.resolve),
	}}
}

// rollbackRule is of what a person took back. Its Tasks are completed by what happens.
func rollbackRule(l level) Rule {
	plan := func(key, title string, due time.Duration) cases.Plan {
		return cases.Plan{Key: key, Type: "rollback", Title: title, DueWithin: span(due)}
	}
	then := l.then(operators, fmt.Sprintf("1000.50.%s.Ops.Rollback", l.number()), []cases.Plan{
		plan(cases.TaskFreeze, "Hold the channel", l.respond),
		plan(cases.TaskRollBack, "Take the channel back to a pack that is good", l.respond),
		plan(cases.TaskValidate, "Read back that the earlier pack is active", 2*l.respond),
		plan(cases.TaskUnfreeze, "Lift the hold when the cause is understood", l.resolve),
	})
	return Rule{ID: "rollback-" + l.id(), When: When{Causes: []string{cases.CauseRollback}, Severities: []string{l.severity}}, Then: then}
}

// waitRule is of what waits for a person's word. Orgo puts the Task's deadline where
// that comes too late, if it does.
func waitRule(cause, task string, owner cases.Owner, label, title string) Rule {
	const respond, resolve = 8 * time.Hour, 72 * time.Hour
	return Rule{ID: cause, When: When{Causes: []string{cause}}, Then: Then{
		Label: label, Owners: []cases.Owner{owner}, Priority: cases.Medium, Visibility: cases.Internal,
		RespondWithin: span(respond), ResolveWithin: span(resolve), Escalation: escalation(respond), CloseCleared: true,
		Tasks: []cases.Plan{{Key: task, Type: cause, Title: title, DueWithin: span(resolve)}},
	}}
}

// glassRule is of a break-glass. Orgo puts the Task's deadline where the review is due.
func glassRule() Rule {
	const respond, resolve = 24 * time.Hour, 72 * time.Hour
	return Rule{ID: "break-glass", When: When{Causes: []string{cases.CauseBreakGlass}}, Then: Then{
		Label: "1000.70.0.Governance.Review", Owners: []cases.Owner{governance, policyOwners}, Priority: cases.High, Visibility: cases.Internal,
		RespondWithin: span(respond), ResolveWithin: span(resolve), Escalation: escalation(respond), Review: true, ReopenWithin: span(reopenWithin),
		Tasks: []cases.Plan{{Key: cases.TaskReview, Type: "review", Title: "Review the break-glass", DueWithin: span(resolve)}},
	}}
}

func span(d time.Duration) records.Duration { return records.Duration(d) }
