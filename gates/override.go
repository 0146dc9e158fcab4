package gates

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/person"
)

// Override is what somebody answers for when a gate is overridden.
type Override struct {
	Actor     string    `json:"actor"`
	Reason    string    `json:"reason"`
	CaseID    string    `json:"case_id"` // where it is followed up
	ExpiresAt time.Time `json:"expires_at"`
	// Of is the digest of what the overridden decision looked at. An override holds
	// for exactly that.
	Of records.Digest `json:"of"`
	// BreakGlass says that it is one, and ConfirmedBy who confirmed it (BreakGlass).
	BreakGlass  bool   `json:"break_glass,omitempty"`
	ConfirmedBy string `json:"confirmed_by,omitempty"`
}

const ruleOverride = "orgo/override"

// overrideConfig is the config of a rule of type "override": which gates may be
// overridden, for how long, and what is still no reason to.
type overrideConfig struct {
	Gates       []Gate   `json:"gates"`
	MaxDuration duration `json:"max_duration"`
	// Separate says that nobody may override what they asked for themselves.
	Separate bool `json:"separate,omitempty"`
}

type overrideRule struct {
	Rule
	config overrideConfig
}

func readOverride(raw json.RawMessage) (ruleMade, error) {
	var config overrideConfig
	if err := strict(raw, &config); err != nil {
		return ruleMade{}, err
	}
	if len(config.Gates) == 0 {
		return ruleMade{}, wrong("/gates", "must name at least one gate")
	}
	for i, gate := range config.Gates {
		if !slices.Contains(overridable(), gate) {
			return ruleMade{}, wrong(fmt.Sprintf("/gates/%d", i), "%q can never be overridden; these can: %v", gate, overridable())
		}
	}
	if config.MaxDuration <= 0 {
		return ruleMade{}, wrong("/max_duration", "must be a duration above zero, such as 4h")
	}
	return ruleMade{override: &config}, nil
}

// overrideInputs is what the decision about an override looks at.
type overrideInputs struct {
	Refused   Decision `json:"refused"`
	Requester string   `json:"requester"` // who asked for what was refused
	Override  Override `json:"override"`
}

// Overrule decides whether a refusal may be overridden. The refusal stays: this
// is a second decision beside it, of the same gate about the same subject, and
// permits only if a binding rule of type "override" names the gate, and somebody
// answers for it with a reason, a case and an expiry. requester is who asked for
// what was refused.
func Overrule(c Context, refused Decision, requester string, o Override) Decision {
	refused.Inputs = nil // its digest says what they were
	in := overrideInputs{refused, requester, o}
	d := decide(refused.Gate, c, in, overrideFindings(c, in), nil)
	d.Override = &o
	return d
}

func overrideFindings(c Context, in overrideInputs) []Finding {
	var findings []Finding
	o, gate := in.Override, in.Refused.Gate
	refused := func(code Code, target, format string, args ...any) {
		findings = append(findings, refuse(ruleOverride, Fail, code, fmt.Sprintf(format, args...)).about(target))
	}
	rule, named := c.Rules.overrideOf(c, gate)
	switch {
	case !slices.Contains(overridable(), gate):
		refused(OverrideForbidden, "gate", "the %s gate can never be overridden", gate)
	case !named:
		refused(OverrideForbidden, "gate", "no rule of the policy lets the %s gate be overridden", gate)
	case o.ExpiresAt.After(c.At.Add(time.Duration(rule.config.MaxDuration))):
		refused(OverrideIncomplete, "expires_at", "must expire within %s", time.Duration(rule.config.MaxDuration))
	}
	if named && rule.config.Separate && person.Alike(o.Actor, in.Requester) {
		refused(OverrideForbidden, "actor", "%s asked for what was refused and cannot override it", o.Actor)
	}
	if in.Refused.Permits() || in.Refused.Override != nil || in.Refused.Subject != c.Subject ||
		in.Refused.PolicyDigest != c.Rules.policy.Digest || !o.Of.Valid() || o.Of != in.Refused.InputsDigest {
		refused(OverrideIncomplete, "of", "is not about the refusal of this subject under this policy")
	}
	for _, field := range []struct{ name, value string }{{"actor", o.Actor}, {"reason", o.Reason}, {"case_id", o.CaseID}} {
		if field.value == "" {
			refused(OverrideIncomplete, field.name, "an override must have %s", field.name)
		}
	}
	if !c.At.Before(o.ExpiresAt) {
		refused(OverrideIncomplete, "expires_at", "has expired, or never began")
	}
	if o.BreakGlass || o.ConfirmedBy != "" {
		refused(OverrideIncomplete, "break_glass", "is asked for otherwise, by two persons")
	}
	if len(findings) == 0 {
		findings = append(findings, Finding{RuleID: rule.ID, Verdict: Pass, Evidence: &in.Refused.InputsDigest})
	}
	return findings
}

// overrideOf returns the first binding rule in force that lets a gate be
// overridden.
func (r Ruleset) overrideOf(c Context, gate Gate) (overrideRule, bool) {
	for _, rule := range r.overrides {
		if rule.Enforcement == Must && rule.applies(c) && slices.Contains(rule.config.Gates, gate) {
			return rule, true
		}
	}
	return overrideRule{}, false
}
