package routing

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// Rules are rules of routing and where they come from. The zero Rules are those that
// are built in.
type Rules struct {
	// Source begins the id of each rule: "<policy_id>/<rule_id>", or "built-in".
	Source string `json:"source"`
	// Policy is the digest of the bundle that they are in.
	Policy *records.Digest `json:"policy,omitempty"`
	Config
}

// Config is the config of a policy rule of type "case_routing".
type Config struct {
	// Production names the environments that production is in: without any, it is
	// "production".
	Production []string `json:"production,omitempty"`
	Rules      []Rule   `json:"rules"`
	Default    *Then    `json:"default"`
}

// Rule says how a Case is handled whose facts it matches.
type Rule struct {
	ID   string `json:"id"`
	When When   `json:"when"`
	Then Then   `json:"then"`
}

// When is what a rule matches: all of its conditions. A condition lists values, one
// of which must be among the facts; one that is absent says nothing.
type When struct {
	Codes         []string        `json:"codes,omitempty"`
	Classes       []string        `json:"classes,omitempty"`
	ClearedBy     []string        `json:"cleared_by,omitempty"`
	Stages        []records.Stage `json:"stages,omitempty"`
	Severities    []string        `json:"severities,omitempty"`
	Causes        []string        `json:"causes,omitempty"`
	Organizations []string        `json:"organizations,omitempty"`
	// Channels are "environment/channel", either part of which may be "*".
	Channels []string `json:"channels,omitempty"`
}

// Then is how a Case is handled: a cases.Route without where it comes from.
type Then struct {
	Label         string             `json:"label"`
	Owners        []cases.Owner      `json:"owners"`
	Priority      cases.Priority     `json:"priority"`
	Severity      string             `json:"severity,omitempty"` // absent: that of the incident
	Visibility    cases.Visibility   `json:"visibility"`
	RespondWithin records.Duration   `json:"respond_within,omitempty"`
	ResolveWithin records.Duration   `json:"resolve_within,omitempty"`
	Escalation    []cases.Level      `json:"escalation,omitempty"`
	Pauses        []cases.Status     `json:"pauses,omitempty"`
	TaskPauses    []cases.TaskStatus `json:"task_pauses,omitempty"`
	Review        bool               `json:"review,omitempty"`
	ReviewBy      *cases.Asked       `json:"review_by,omitempty"`
	CloseBy       *cases.Asked       `json:"close_by,omitempty"`
	CloseCleared  bool               `json:"close_cleared,omitempty"`
	ReopenWithin  records.Duration   `json:"reopen_within,omitempty"`
	Tasks         []cases.Plan       `json:"tasks,omitempty"`
}

// defaultRule is the id of the default, which no rule may have.
const defaultRule = "default"

func (r Rules) production() []string {
	if len(r.Production) == 0 {
		return []string{"production"}
	}
	return r.Production
}

// route makes a route of what a rule says. The caller owns it.
func (r Rules) route(id string, then Then, severity string) cases.Route {
	if then.Severity != "" {
		severity = then.Severity
	}
	return cases.Route{
		Rule: r.Source + "/" + id, Policy: r.Policy,
		Label: then.Label, Owners: slices.Clone(then.Owners), Priority: then.Priority, Severity: severity, Visibility: then.Visibility,
		RespondWithin: then.RespondWithin, ResolveWithin: then.ResolveWithin,
		Escalation: slices.Clone(then.Escalation), Pauses: slices.Clone(then.Pauses), TaskPauses: slices.Clone(then.TaskPauses),
		Review: then.Review, ReviewBy: then.asked(then.ReviewBy), CloseBy: then.asked(then.CloseBy),
		CloseCleared: then.CloseCleared, ReopenWithin: then.ReopenWithin, Tasks: slices.Clone(then.Tasks),
	}
}

// decideWithin is until when a decision is due of which nothing says so.
const decideWithin = records.Duration(24 * time.Hour)

// asked returns who is asked for a decision: there is somebody always, and a deadline.
func (t Then) asked(by *cases.Asked) *cases.Asked {
	asked := cases.Asked{DueWithin: cmp.Or(t.RespondWithin, decideWithin)}
	if by != nil {
		asked.DueWithin = by.DueWithin
		if by.Owner != nil {
			owner := *by.Owner
			asked.Owner = &owner
		}
	}
	return &asked
}

// condition is one part of a When: what it lists, and what of the facts must be among
// that.
type condition struct {
	name   string
	listed []string
	facts  []string
	// matches compares one that is listed with one of the facts.
	matches func(listed, fact string) bool
}

// conditions returns what a When asks for, in the order in which it is looked at.
func (w When) conditions(f Facts) []condition {
	code := func(r Reason) string { return r.Code }
	class := func(r Reason) string { return r.Class }
	clearedBy := func(r Reason) string { return r.ClearedBy }
	return []condition{
		{"codes", w.Codes, f.each(code), equal},
		{"classes", w.Classes, f.each(class), equal},
		{"cleared_by", w.ClearedBy, f.each(clearedBy), equal},
		{"stages", texts(w.Stages), one(string(f.Stage)), equal},
		{"severities", w.Severities, one(f.Severity), equal},
		{"causes", w.Causes, one(f.Cause), equal},
		{"organizations", w.Organizations, one(f.Organization), equal},
		{"channels", w.Channels, one(f.Channel), covers},
	}
}

// holds reports whether one of the facts is listed. A condition that is absent holds.
func (c condition) holds() bool {
	return c.listed == nil || slices.ContainsFunc(c.listed, func(listed string) bool {
		return slices.ContainsFunc(c.facts, func(fact string) bool { return c.matches(listed, fact) })
	})
}

func equal(listed, fact string) bool { return listed == fact }

// covers reports whether a channel, or a pattern of channels, is one of a pattern.
func covers(pattern, channel string) bool {
	environment, name, _ := strings.Cut(pattern, "/")
	of, is, _ := strings.Cut(channel, "/")
	return (environment == "*" || environment == of) && (name == "*" || name == is)
}

// one returns what there is of a fact.
func one(fact string) []string {
	if fact == "" {
		return nil
	}
	return []string{fact}
}

func texts[S ~string](values []S) []string {
	if values == nil {
		return nil
	}
	all := make([]string, len(values))
	for i, value := range values {
		all[i] = string(value)
	}
	return all
}
