package gates

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/initkoa/orgo/records"
)

// Enforcement says how binding a policy is.
type Enforcement string

// MUST blocks. SHOULD and MAY are recorded and do not decide.
const (
	Must   Enforcement = "MUST"
	Should Enforcement = "SHOULD"
	May    Enforcement = "MAY"
)

// Bundle is a mandate bundle: the file in which operators write policy. Its
// schema is schemas/mandate-bundle.schema.json; the fields here are those that
// decide.
type Bundle struct {
	BundleID string         `json:"bundle_id"`
	Policies []BundlePolicy `json:"policies"`
}

// BundlePolicy is one policy of a bundle.
type BundlePolicy struct {
	PolicyID      string           `json:"policy_id"`
	Version       string           `json:"version"`
	Enforcement   Enforcement      `json:"enforcement"`
	EffectiveFrom *time.Time       `json:"effective_from,omitempty"`
	EffectiveTo   *time.Time       `json:"effective_to,omitempty"`
	Rules         []BundleRule     `json:"rules"`
	AppliesTo     *json.RawMessage `json:"applies_to,omitempty"`
}

// BundleRule is one rule: its type selects a family, its config is the
// family's input.
type BundleRule struct {
	RuleID string          `json:"rule_id"`
	Type   string          `json:"type"`
	Config json.RawMessage `json:"config,omitempty"`
}

// Policy is a bundle that has been checked: what gates read. It is a value that
// travels in workflow payloads, so it is small.
type Policy struct {
	Digest   records.Digest `json:"digest"` // of the bundle
	BundleID string         `json:"bundle_id"`
	Rules    []Rule         `json:"rules"`
}

// Rule is one checked rule. Exactly the config of its family is set.
type Rule struct {
	ID            string            `json:"id"` // "<policy_id>/<rule_id>"
	Type          string            `json:"type"`
	Enforcement   Enforcement       `json:"enforcement"`
	EffectiveFrom *time.Time        `json:"effective_from,omitempty"`
	EffectiveTo   *time.Time        `json:"effective_to,omitempty"`
	Validation    *ValidationConfig `json:"validation,omitempty"`
}

// ValidationConfig is the config of a rule of type "validation".
type ValidationConfig struct {
	// Admit lists the report statuses that may go on: passed, partial.
	Admit         []ReportStatus   `json:"admit"`
	MaxByCode     map[string]int64 `json:"max_by_code,omitempty"`
	MaxBySeverity map[string]int64 `json:"max_by_severity,omitempty"`
}

func (v ValidationConfig) admits(status ReportStatus) bool {
	for _, admitted := range v.Admit {
		if admitted == status {
			return true
		}
	}
	return false
}

// PolicyError says where a bundle is wrong. Pointer is a JSON Pointer.
type PolicyError struct {
	Pointer string
	Problem string
}

func (e *PolicyError) Error() string {
	return fmt.Sprintf("policy bundle at %s: %s", e.Pointer, e.Problem)
}

// ParsePolicy checks a bundle that its schema admits and returns the policy.
// digest is that of the bundle's canonical form. What it does not know it
// refuses: a rule that is not understood must not count as satisfied.
func ParsePolicy(digest records.Digest, canonical []byte) (Policy, error) {
	var bundle Bundle
	if err := json.Unmarshal(canonical, &bundle); err != nil {
		return Policy{}, &PolicyError{Pointer: "/", Problem: err.Error()}
	}
	policy := Policy{Digest: digest, BundleID: bundle.BundleID, Rules: []Rule{}}
	seen := map[string]bool{}
	for i, p := range bundle.Policies {
		at := fmt.Sprintf("/policies/%d", i)
		if p.AppliesTo != nil {
			return Policy{}, &PolicyError{at + "/applies_to", "is not supported; a rule's type says where it applies"}
		}
		if p.Enforcement != Must && p.Enforcement != Should && p.Enforcement != May {
			return Policy{}, &PolicyError{at + "/enforcement", fmt.Sprintf("%q is not MUST, SHOULD or MAY", p.Enforcement)}
		}
		for j, r := range p.Rules {
			at := fmt.Sprintf("%s/rules/%d", at, j)
			id := p.PolicyID + "/" + r.RuleID
			if seen[id] {
				return Policy{}, &PolicyError{at + "/rule_id", fmt.Sprintf("%q appears twice", id)}
			}
			seen[id] = true
			family, known := families[r.Type]
			if !known {
				return Policy{}, &PolicyError{at + "/type", fmt.Sprintf("%q is no rule type that Orgo knows", r.Type)}
			}
			rule := Rule{ID: id, Type: r.Type, Enforcement: p.Enforcement, EffectiveFrom: p.EffectiveFrom, EffectiveTo: p.EffectiveTo}
			if err := family(r.Config, &rule); err != nil {
				return Policy{}, &PolicyError{at + "/config", err.Error()}
			}
			policy.Rules = append(policy.Rules, rule)
		}
	}
	return policy, nil
}

// families says how the config of each rule type is read. Integrity, contract
// and stage dependency always hold; a rule may name them, to be cited, and
// changes nothing.
var families = map[string]func(json.RawMessage, *Rule) error{
	"validation":       parseValidation,
	"integrity":        parseNothing,
	"contract":         parseNothing,
	"stage_dependency": parseNothing,
	"determinism":      parseNothing,
}

func parseValidation(config json.RawMessage, rule *Rule) error {
	var parsed ValidationConfig
	if err := strict(config, &parsed); err != nil {
		return err
	}
	if len(parsed.Admit) == 0 {
		return errors.New("admit must list at least one status")
	}
	for _, status := range parsed.Admit {
		if status != ReportPassed && status != ReportPartial {
			return fmt.Errorf("admit: %q is not passed or partial", status)
		}
	}
	for _, limits := range []map[string]int64{parsed.MaxByCode, parsed.MaxBySeverity} {
		for _, name := range sortedKeys(limits) {
			if limits[name] < 0 {
				return fmt.Errorf("limit of %s is negative", name)
			}
		}
	}
	rule.Validation = &parsed
	return nil
}

func parseNothing(config json.RawMessage, _ *Rule) error {
	return strict(config, &struct{}{})
}

func strict(config json.RawMessage, into any) error {
	if len(config) == 0 {
		config = json.RawMessage("{}")
	}
	decoder := json.NewDecoder(bytes.NewReader(config))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

type validationRule struct {
	id       string
	advisory bool
	config   ValidationConfig
}

// validationRules returns the validation rules in force at the time of the
// decision, in the order of the bundle.
func (p Policy) validationRules(c Context) []validationRule {
	var rules []validationRule
	for _, rule := range p.Rules {
		if rule.Validation == nil || !rule.inForce(c.At) {
			continue
		}
		rules = append(rules, validationRule{rule.ID, rule.Enforcement != Must, *rule.Validation})
	}
	return rules
}

// inForce reports whether a rule holds at a time: from its first instant on,
// until before its last.
func (r Rule) inForce(at time.Time) bool {
	if r.EffectiveFrom != nil && at.Before(*r.EffectiveFrom) {
		return false
	}
	return r.EffectiveTo == nil || at.Before(*r.EffectiveTo)
}
