package routing

import (
	"fmt"
	"strings"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// Route returns how a Case with such facts is handled, and why. The first rule that
// matches decides, and where none does the default. It has no error: rules that were
// checked (Config.Problem) give a route that a Case can be opened with.
func Route(facts Facts, rules Rules) (cases.Route, Explanation) {
	if rules.Default == nil {
		rules = BuiltIn()
	}
	facts = facts.settled(rules)
	why := Explanation{Source: rules.Source, Policy: rules.Policy, Facts: facts, Tried: make([]Tried, 0, len(rules.Rules)+1)}
	route, decided := cases.Route{}, false
	for _, rule := range rules.Rules {
		tried := rule.try(facts)
		if tried.Matched && !decided {
			route, decided, tried.Decided = rules.route(rule.ID, rule.Then, facts.Severity), true, true
		}
		why.Tried = append(why.Tried, tried)
	}
	if !decided {
		route = rules.route(defaultRule, *rules.Default, facts.Severity)
	}
	why.Tried = append(why.Tried, Tried{Rule: defaultRule, Matched: true, Decided: !decided})
	why.Rule = route.Rule
	return route, why
}

// Explanation says why a Case is handled as it is.
type Explanation struct {
	// Rule is the id of the one that decided, as the route names it.
	Rule   string          `json:"rule"`
	Source string          `json:"source"`
	Policy *records.Digest `json:"policy,omitempty"`
	// Facts are what was looked at, with what was derived from them.
	Facts Facts `json:"facts"`
	// Tried are all rules in their order; the default is the last.
	Tried []Tried `json:"tried"`
}

// Tried says what became of one rule.
type Tried struct {
	Rule    string `json:"rule"`
	Matched bool   `json:"matched"`
	Decided bool   `json:"decided,omitempty"` // it is the first that matched
	// Failed is the first condition that did not hold, Asked what it lists, and Found
	// what the facts have of that.
	Failed string   `json:"failed,omitempty"`
	Asked  []string `json:"asked,omitempty"`
	Found  []string `json:"found,omitempty"`
}

func (r Rule) try(f Facts) Tried {
	for _, c := range r.When.conditions(f) {
		if !c.holds() {
			return Tried{Rule: r.ID, Failed: c.name, Asked: c.listed, Found: c.facts}
		}
	}
	return Tried{Rule: r.ID, Matched: true}
}

// String explains to a person, one rule a line: the same explanation is always the
// same text.
func (e Explanation) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s decides", e.Rule)
	if e.Policy != nil {
		fmt.Fprintf(&text, ", of policy %s", e.Policy)
	}
	text.WriteString("\n")
	e.Facts.explain(&text)
	for i, tried := range e.Tried {
		fmt.Fprintf(&text, "%3d. %s: %s\n", i+1, tried.Rule, tried)
	}
	return text.String()
}

// String says in words what became of a rule.
func (t Tried) String() string {
	switch {
	case t.Decided:
		return "matches, and decides"
	case t.Matched:
		return "matches, but one before it decides"
	case len(t.Found) == 0:
		return fmt.Sprintf("does not match: %s asks for one of %s, and there is none", t.Failed, strings.Join(t.Asked, ", "))
	default:
		return fmt.Sprintf("does not match: %s asks for one of %s, not %s", t.Failed, strings.Join(t.Asked, ", "), strings.Join(t.Found, ", "))
	}
}

func (f Facts) explain(text *strings.Builder) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(text, "     %-13s %s\n", name, value)
		}
	}
	line("organization", f.Organization)
	line("cause", f.Cause)
	for _, r := range f.Reasons {
		line("reason", strings.Join(append(one(r.Code), append(one(r.Class), one(r.ClearedBy)...)...), ", "))
	}
	line("stage", string(f.Stage))
	channel := f.Channel
	if f.Production {
		channel += " (production)"
	}
	if f.Active {
		channel += " (active)"
	}
	line("channel", channel)
	line("severity", f.Severity)
}
