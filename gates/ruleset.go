package gates

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Ruleset is a policy whose rules are ready to look at evidence. The zero
// Ruleset permits nothing. It may be used by several goroutines at once.
type Ruleset struct {
	policy    Policy
	rules     map[Gate][]compiledRule
	overrides []overrideRule
	routings  []routingRule
	compiled  bool
}

type compiledRule struct {
	Rule
	find     check
	deadline OnDeadline
	solo     bool
	compares bool
}

// Compile makes the rules of a policy ready. What ParsePolicy has accepted
// compiles, unless by another version of Orgo: an error is a *PolicyError.
func (p Policy) Compile() (Ruleset, error) {
	set := Ruleset{policy: p, rules: map[Gate][]compiledRule{}, compiled: true}
	for i, rule := range p.Rules {
		made, err := rule.compile()
		if err != nil {
			return Ruleset{}, err.within(fmt.Sprintf("/rules/%d", i))
		}
		switch {
		case made.override != nil:
			set.overrides = append(set.overrides, overrideRule{rule, *made.override})
		case made.routing != nil:
			set.routings = append(set.routings, routingRule{rule, *made.routing})
		default:
			set.rules[made.gate] = append(set.rules[made.gate], compiledRule{rule, made.find, made.deadline, made.solo, made.compares})
		}
	}
	for _, gate := range Gates() {
		// Findings are sorted by rule: those of sorted rules nearly are.
		slices.SortStableFunc(set.rules[gate], func(a, b compiledRule) int { return cmp.Compare(a.ID, b.ID) })
	}
	return set, nil
}

// Policy returns what the set was compiled from.
func (r Ruleset) Policy() Policy { return r.policy }

// Has reports whether the policy has a rule for a gate.
func (r Ruleset) Has(gate Gate) bool { return len(r.rules[gate]) > 0 }

// compile reads the config of a rule. The pointer of an error is relative to the
// rule.
func (r Rule) compile() (ruleMade, *PolicyError) {
	all := families()
	at := slices.IndexFunc(all, func(f family) bool { return f.name == r.Type })
	if at < 0 {
		return ruleMade{}, wrong("/type", "%q is no rule type that Orgo knows", r.Type)
	}
	config := r.Config
	if config == nil && r.Validation != nil {
		// As evaluator 1 had it in the histories of its builds.
		config, _ = json.Marshal(r.Validation)
	}
	made, err := all[at].read(config)
	return made, inConfig(err)
}

func inConfig(err error) *PolicyError {
	var at *PolicyError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &at):
		return at.within("/config")
	default:
		return wrong("/config", "%v", err)
	}
}

// findings returns what the rules of a gate that apply find, each under the
// rule's name. A rule that finds nothing to object to is found to pass.
func (r Ruleset) findings(gate Gate, c Context, evidence any) []Finding {
	c.known = knownFacts{}
	findings := make([]Finding, 0, len(r.rules[gate]))
	for _, rule := range r.rules[gate] {
		if rule.Type != typeWarnings && rule.applies(c) {
			findings = rule.label(findings, rule.find(c, evidence))
		}
	}
	r.clearedByTime(gate, c, evidence, findings)
	warnings := int64(0)
	for _, f := range findings {
		if f.Enforcement == Should && f.Verdict != Pass {
			warnings++
		}
	}
	for _, rule := range r.rules[gate] {
		if rule.Type == typeWarnings && rule.applies(c) {
			findings = rule.label(findings, rule.find(c, warnings))
		}
	}
	return findings
}

// clearedByTime puts off when time alone will have cleared findings to the first
// instant at which no binding rule finds anything new that time clears: one
// freeze may begin where another ends. If none is found within maxInARow steps,
// or a freeze has no end that is near, there is no such instant.
func (r Ruleset) clearedByTime(gate Gate, c Context, evidence any, findings []Finding) {
	latest := latestOf(findings)
	then := findings
	for range maxInARow {
		next := latestOf(then)
		if next == nil || slices.ContainsFunc(then, endless) {
			break
		}
		latest, c.At = next, *next
		then = nil
		for _, rule := range r.rules[gate] {
			if rule.Type == typeFreeze && rule.applies(c) {
				then = rule.label(then, rule.find(c, evidence))
			}
		}
	}
	if slices.ContainsFunc(then, endless) || then != nil && latestOf(then) != nil {
		latest = nil
	}
	for i := range findings {
		if findings[i].Earliest != nil && decisive(findings[i]) {
			findings[i].Earliest = latest
		}
	}
}

// endless reports whether a binding freeze has no end that is near.
func endless(f Finding) bool { return f.Code == ChannelFrozen && f.Earliest == nil && decisive(f) }

func latestOf(findings []Finding) *time.Time {
	var latest *time.Time
	for _, f := range findings {
		if f.Earliest != nil && decisive(f) && (latest == nil || latest.Before(*f.Earliest)) {
			latest = f.Earliest
		}
	}
	return latest
}

// label makes what a rule found the rule's, and appends it to findings.
func (r compiledRule) label(findings, found []Finding) []Finding {
	first := len(findings)
	findings = append(findings, found...)
	if len(found) == 0 {
		findings = append(findings, Finding{Verdict: Pass})
	}
	for i := first; i < len(findings); i++ {
		findings[i].RuleID = r.ID
		if r.Enforcement != Must {
			findings[i].Advisory, findings[i].Enforcement = true, r.Enforcement
		}
	}
	return findings
}

// warningsConfig is the config of a rule of type "warnings": how many warnings,
// which are what rules of SHOULD policies object to, a gate may have at most.
type warningsConfig struct {
	Gate Gate   `json:"gate"`
	Max  *int64 `json:"max"`
}

func readWarnings(raw json.RawMessage) (ruleMade, error) {
	var config warningsConfig
	if err := strict(raw, &config); err != nil {
		return ruleMade{}, err
	}
	if _, known := specOf(config.Gate); !known {
		return ruleMade{}, wrong("/gate", "%q is no gate; there are %v", config.Gate, Gates())
	}
	if config.Max == nil || *config.Max < 0 {
		return ruleMade{}, wrong("/max", "must be 0 or more")
	}
	return ruleMade{gate: config.Gate, find: func(_ Context, evidence any) []Finding {
		if warnings, counted := evidence.(int64); counted && warnings <= *config.Max {
			return nil
		}
		return []Finding{Finding{Verdict: Fail, Code: WarningLimit,
			Message: fmt.Sprintf("%v warnings, at most %d admitted", evidence, *config.Max)}.about("warnings")}
	}}, nil
}
