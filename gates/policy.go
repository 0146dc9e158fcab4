package gates

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/initkoa/orgo/records"
)

// Enforcement says how binding a policy is.
type Enforcement string

// MUST blocks. SHOULD is recorded as a warning, which a rule of type "warnings"
// may count. MAY is recorded.
const (
	Must   Enforcement = "MUST"
	Should Enforcement = "SHOULD"
	May    Enforcement = "MAY"
)

// Bundle is a mandate bundle: the file in which operators write policy. Its
// schema is schemas/documents/mandate-bundle.schema.json; the fields here are
// those that decide.
type Bundle struct {
	BundleID string         `json:"bundle_id"`
	Policies []BundlePolicy `json:"policies"`
}

// BundlePolicy is one policy of a bundle.
type BundlePolicy struct {
	PolicyID      string        `json:"policy_id"`
	Version       string        `json:"version"`
	Enforcement   Enforcement   `json:"enforcement"`
	EffectiveFrom *time.Time    `json:"effective_from,omitempty"`
	EffectiveTo   *time.Time    `json:"effective_to,omitempty"`
	Rules         []BundleRule  `json:"rules"`
	AppliesTo     *BundleTarget `json:"applies_to,omitempty"`
	// Parameters are part of the form of a bundle, and no rule type knows any.
	Parameters map[string]json.RawMessage `json:"parameters,omitempty"`
}

// BundleTarget narrows where a policy applies.
type BundleTarget struct {
	Stages     []records.Stage `json:"stages,omitempty"`
	Artifacts  []string        `json:"artifacts,omitempty"`
	Components []string        `json:"components,omitempty"`
}

// BundleRule is one rule: its type selects a family, its config is the
// family's input.
type BundleRule struct {
	RuleID string          `json:"rule_id"`
	Type   string          `json:"type"`
	Config json.RawMessage `json:"config,omitempty"`
}

// Policy is a bundle that has been checked. It is a value that travels in
// workflow payloads, so it is small; Compile makes of it what gates ask.
type Policy struct {
	Digest   records.Digest `json:"digest"` // of the bundle
	BundleID string         `json:"bundle_id"`
	Rules    []Rule         `json:"rules"`
}

// Rule is one checked rule.
type Rule struct {
	ID            string          `json:"id"` // "<policy_id>/<rule_id>"
	Type          string          `json:"type"`
	Enforcement   Enforcement     `json:"enforcement"`
	EffectiveFrom *time.Time      `json:"effective_from,omitempty"`
	EffectiveTo   *time.Time      `json:"effective_to,omitempty"`
	Stages        []records.Stage `json:"stages,omitempty"` // none: all
	Config        json.RawMessage `json:"config,omitempty"`
	// Validation is the config of a rule of type "validation", decoded.
	Validation *ValidationConfig `json:"validation,omitempty"`
}

// applies reports whether a rule has a say in a decision: from its first instant
// on, until before its last, on the stages that it names.
func (r Rule) applies(c Context) bool {
	return r.inForce(c.At) && (len(r.Stages) == 0 || slices.Contains(r.Stages, c.Subject.Stage))
}

func (r Rule) inForce(at time.Time) bool {
	if r.EffectiveFrom != nil && at.Before(*r.EffectiveFrom) {
		return false
	}
	return r.EffectiveTo == nil || at.Before(*r.EffectiveTo)
}

// PolicyError says where a bundle is wrong. Pointer is a JSON Pointer.
type PolicyError struct {
	Pointer string
	Problem string
}

func (e *PolicyError) Error() string {
	return fmt.Sprintf("policy bundle at %s: %s", e.Pointer, e.Problem)
}

// within returns the error with its pointer below at.
func (e *PolicyError) within(at string) *PolicyError {
	return &PolicyError{Pointer: at + e.Pointer, Problem: e.Problem}
}

// wrong says what is wrong with the config of a rule, at a pointer into it.
func wrong(pointer, format string, args ...any) *PolicyError {
	return &PolicyError{Pointer: pointer, Problem: fmt.Sprintf(format, args...)}
}

// ParsePolicy checks a bundle that its schema admits and returns the policy.
// digest is that of the bundle's canonical form. What it does not know it
// refuses, and so it does what could never refuse anything: a rule that is not
// understood, or that says nothing, must not count as satisfied. Every error is a
// *PolicyError; all of them are joined.
func ParsePolicy(digest records.Digest, canonical []byte) (Policy, error) {
	var bundle Bundle
	if err := json.Unmarshal(canonical, &bundle); err != nil {
		return Policy{}, &PolicyError{Pointer: "/", Problem: err.Error()}
	}
	policy := Policy{Digest: digest, BundleID: bundle.BundleID, Rules: []Rule{}}
	problems := policyHashes(canonical)
	seen := map[string]bool{}
	for i, p := range bundle.Policies {
		at := fmt.Sprintf("/policies/%d", i)
		problems = append(problems, p.problems(at)...)
		for j, r := range p.Rules {
			at := fmt.Sprintf("%s/rules/%d", at, j)
			rule := Rule{ID: p.PolicyID + "/" + r.RuleID, Type: r.Type, Enforcement: p.Enforcement,
				EffectiveFrom: p.EffectiveFrom, EffectiveTo: p.EffectiveTo, Config: r.Config}
			if p.AppliesTo != nil {
				rule.Stages = p.AppliesTo.Stages
			}
			if seen[rule.ID] {
				problems = append(problems, &PolicyError{at + "/rule_id", fmt.Sprintf("%q appears twice", rule.ID)})
			}
			seen[rule.ID] = true
			if _, err := rule.compile(); err != nil {
				problems = append(problems, err.within(at))
				continue
			}
			if r.Type == typeValidation {
				rule.Validation = new(ValidationConfig)
				if err := strict(r.Config, rule.Validation); err != nil {
					problems = append(problems, wrong("/config", "%v", err).within(at))
				}
			}
			policy.Rules = append(policy.Rules, rule)
		}
	}
	problems = append(problems, routingProblems(bundle)...)
	if !slices.ContainsFunc(bundle.Policies, func(p BundlePolicy) bool { return p.Enforcement == Must }) {
		problems = append(problems, &PolicyError{"/policies", "none has enforcement MUST: the bundle could never refuse"})
	}
	return policy, errors.Join(problems...)
}

// problems returns what is wrong with a policy itself.
func (p BundlePolicy) problems(at string) []error {
	var found []error
	if p.Enforcement != Must && p.Enforcement != Should && p.Enforcement != May {
		found = append(found, &PolicyError{at + "/enforcement", fmt.Sprintf("%q is not MUST, SHOULD or MAY", p.Enforcement)})
	}
	if p.EffectiveFrom != nil && p.EffectiveTo != nil && !p.EffectiveFrom.Before(*p.EffectiveTo) {
		found = append(found, &PolicyError{at + "/effective_to", "is not after effective_from: the policy would never hold"})
	}
	if len(p.Parameters) > 0 {
		found = append(found, &PolicyError{at + "/parameters", "no rule would read them: what a rule asks stands in its config"})
	}
	if p.AppliesTo == nil {
		return found
	}
	if len(p.AppliesTo.Artifacts)+len(p.AppliesTo.Components) > 0 || len(p.AppliesTo.Stages) == 0 {
		found = append(found, &PolicyError{at + "/applies_to", "only stages are supported, and at least one: a rule's type and config say the rest"})
	}
	for i, stage := range p.AppliesTo.Stages {
		if !slices.Contains(records.Spine(), stage) {
			found = append(found, &PolicyError{fmt.Sprintf("%s/applies_to/stages/%d", at, i), fmt.Sprintf("%q is no stage", stage)})
		}
	}
	return found
}

// policyHashes checks what a bundle says of its own content: content_hash is the
// digest of the bundle's canonical form without content_hash and signatures,
// policy_hash that of a policy without policy_hash.
func policyHashes(canonical []byte) []error {
	var bundle map[string]json.RawMessage
	var policies []map[string]json.RawMessage
	if json.Unmarshal(canonical, &bundle) != nil || json.Unmarshal(bundle["policies"], &policies) != nil {
		return []error{&PolicyError{"/", "is no object with policies"}}
	}
	var problems []error
	check := func(pointer, field string, document map[string]json.RawMessage) {
		stated, there := document[field]
		if !there {
			return
		}
		delete(document, field)
		var hash records.Digest
		actual, err := records.CanonicalDigest(document)
		if err != nil || json.Unmarshal(stated, &hash) != nil || hash != actual {
			problems = append(problems, &PolicyError{pointer + "/" + field, fmt.Sprintf("is not the digest of what it covers, %s", actual)})
		}
	}
	delete(bundle, "signatures")
	check("", "content_hash", bundle)
	for i, policy := range policies {
		check(fmt.Sprintf("/policies/%d", i), "policy_hash", policy)
	}
	return problems
}

// strict decodes a config or evidence, and refuses what it does not know. Its
// error is a *PolicyError with the pointer of what is wrong.
func strict(config json.RawMessage, into any) error {
	if len(config) == 0 {
		config = json.RawMessage("{}")
	}
	err := jsonv2.Unmarshal(config, into, jsonv2.RejectUnknownMembers(true))
	var semantic *jsonv2.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &semantic):
		problem := "does not have the form that is asked for"
		switch {
		case errors.Is(err, jsonv2.ErrUnknownName):
			problem = "is not known here"
		case semantic.Err != nil:
			problem = semantic.Err.Error()
		case semantic.JSONKind != 0:
			problem = fmt.Sprintf("must not be a JSON %s", semantic.JSONKind)
		}
		return wrong(string(semantic.JSONPointer), "%s", problem)
	default:
		return wrong("", "%v", err)
	}
}

// duration is a time.Duration, written as in "24h".
type duration time.Duration

// UnmarshalText reads the form of time.ParseDuration.
func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = duration(parsed)
	return err
}

// MarshalText writes it.
func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }
