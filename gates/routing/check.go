package routing

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// Bounds of a config: it travels with its policy.
const (
	maxRules  = 200
	maxListed = 100
)

var (
	ruleID      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	environment = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	pattern     = regexp.MustCompile(`^(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,63})/(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,63})$`)
)

// Known says which values there are: what a rule lists that there cannot be would
// never match.
type Known struct {
	// Reasons is the table of reason codes.
	Reasons []Reason
}

// Problem returns what is wrong with a config and where, as a JSON Pointer into it, or
// nothing. It is complete: what has no problem routes everything.
func (c Config) Problem(known Known) (pointer, problem string) {
	switch {
	case c.Default == nil:
		return "/default", "there must be one: what no rule matches is handled by it"
	case len(c.Rules) > maxRules:
		return "/rules", fmt.Sprintf("has more than %d rules", maxRules)
	}
	for i, name := range c.Production {
		if !environment.MatchString(name) || slices.Contains(c.Production[:i], name) {
			return fmt.Sprintf("/production/%d", i), fmt.Sprintf("%q is no name of an environment, or stands there twice", name)
		}
	}
	words, asked := known.words(), make([][]condition, 0, len(c.Rules))
	for i, rule := range c.Rules {
		at := fmt.Sprintf("/rules/%d", i)
		switch {
		case !ruleID.MatchString(rule.ID) || rule.ID == defaultRule:
			return at + "/id", fmt.Sprintf("%q is no id: letters, digits, dot, dash and underscore, and not %q", rule.ID, defaultRule)
		case slices.ContainsFunc(c.Rules[:i], func(before Rule) bool { return before.ID == rule.ID }):
			return at + "/id", fmt.Sprintf("%q appears twice", rule.ID)
		}
		if pointer, problem := rule.When.problem(words); problem != "" {
			return at + "/when" + pointer, problem
		}
		if problem := rule.Then.problem(); problem != "" {
			return at + "/then", problem
		}
		asked = append(asked, rule.When.conditions(Facts{}))
		meant := known.implied(asked[i])
		for before := range i {
			if shadows(asked[before], meant) {
				return at + "/when", fmt.Sprintf("never decides: whatever it matches, rule %q before it matches", c.Rules[before].ID)
			}
		}
	}
	return "/default", c.Default.problem()
}

// problem says what keeps a Case from being opened with it.
func (t Then) problem() string { return Rules{Source: "check"}.route(defaultRule, t, "").Problem() }

// words are what conditions may list.
type words struct {
	codes, classes, clearedBy []string
	stages                    []string
}

func (k Known) words() words {
	distinct := func(of func(Reason) string) []string {
		values := Facts{Reasons: k.Reasons}.each(of)
		slices.Sort(values)
		return slices.Compact(values)
	}
	return words{
		codes:     distinct(func(r Reason) string { return r.Code }),
		classes:   distinct(func(r Reason) string { return r.Class }),
		clearedBy: distinct(func(r Reason) string { return r.ClearedBy }),
		stages:    texts(records.Spine()),
	}
}

// vocabulary is what one condition lists, what it may, and how that is said.
type vocabulary struct {
	name   string
	listed []string
	valid  func(string) bool
	what   string
}

func among(values []string) func(string) bool {
	return func(value string) bool { return slices.Contains(values, value) }
}

func (w When) vocabularies(known words) []vocabulary {
	return []vocabulary{
		{"codes", w.Codes, among(known.codes), "no reason code of docs/reason-codes.md"},
		{"classes", w.Classes, among(known.classes), fmt.Sprintf("none of %v", known.classes)},
		{"cleared_by", w.ClearedBy, among(known.clearedBy), fmt.Sprintf("none of %q", known.clearedBy)},
		{"stages", texts(w.Stages), among(known.stages), fmt.Sprintf("none of %v", known.stages)},
		{"severities", w.Severities, among(Severities()), fmt.Sprintf("none of %v", Severities())},
		{"causes", w.Causes, among(cases.CauseKinds()), fmt.Sprintf("none of %v", cases.CauseKinds())},
		{"organizations", w.Organizations, func(id string) bool { return id != "" }, "no id of an organization"},
		{"channels", w.Channels, pattern.MatchString, `not environment/channel, either of which may be "*"`},
	}
}

func (w When) problem(known words) (pointer, problem string) {
	absent := true
	for _, v := range w.vocabularies(known) {
		at := "/" + v.name
		absent = absent && v.listed == nil
		switch {
		case v.listed != nil && len(v.listed) == 0:
			return at, "lists nothing, so nothing would match: leave it out"
		case len(v.listed) > maxListed:
			return at, fmt.Sprintf("lists more than %d", maxListed)
		}
		for i, listed := range v.listed {
			if !v.valid(listed) {
				return fmt.Sprintf("%s/%d", at, i), fmt.Sprintf("%q is %s", listed, v.what)
			}
			if slices.Contains(v.listed[:i], listed) {
				return fmt.Sprintf("%s/%d", at, i), fmt.Sprintf("%q appears twice", listed)
			}
		}
	}
	if absent {
		return "", "says nothing, so it matches everything: that is what default is for"
	}
	return "", ""
}

// meaning is what a condition asks for, and what that says besides: a code is of a
// class, and somebody can clear it.
type meaning struct{ asked, implied []string }

// implied returns the meaning of each condition.
func (k Known) implied(asked []condition) []meaning {
	meant := make([]meaning, len(asked))
	var codes []string
	for i, c := range asked {
		meant[i].asked = c.listed
		if c.name == "codes" {
			codes = c.listed
		}
	}
	for i, c := range asked {
		for _, r := range k.Reasons {
			if len(codes) == 0 || !slices.Contains(codes, r.Code) {
				continue
			}
			switch c.name {
			case "classes":
				meant[i].implied = append(meant[i].implied, r.Class)
			case "cleared_by":
				meant[i].implied = append(meant[i].implied, r.ClearedBy)
			}
		}
	}
	return meant
}

// shadows reports whether whatever a later rule matches is matched by an earlier one,
// too: each condition of the earlier one is absent, or follows from the later one.
func shadows(before []condition, after []meaning) bool {
	for i, c := range before {
		if c.listed != nil && !follows(c, after[i].asked) && !follows(c, after[i].implied) {
			return false
		}
	}
	return true
}

// follows reports whether a condition holds whenever one of asked is met.
func follows(c condition, asked []string) bool {
	if len(asked) == 0 {
		return false
	}
	for _, value := range asked {
		if !slices.ContainsFunc(c.listed, func(listed string) bool { return c.matches(listed, value) }) {
			return false
		}
	}
	return true
}
