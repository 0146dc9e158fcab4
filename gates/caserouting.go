package gates

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/initkoa/orgo/gates/routing"
)

// routingRule is a rule of type "case_routing". It asks nothing of any gate.
type routingRule struct {
	Rule
	config routing.Config
}

func readRouting(raw json.RawMessage) (ruleMade, error) {
	var config routing.Config
	if err := strict(raw, &config); err != nil {
		return ruleMade{}, err
	}
	if pointer, problem := config.Problem(knownToRouting()); problem != "" {
		return ruleMade{}, wrong(pointer, "%s", problem)
	}
	return ruleMade{routing: &config}, nil
}

// routingProblems returns what is wrong with where the rules of type "case_routing"
// stand in a bundle. Routing permits and refuses nothing, so it is not more or less
// binding, and it is of whole Cases; and at any time there is one at most.
func routingProblems(bundle Bundle) []error {
	type place struct {
		policy BundlePolicy
		id     string
	}
	var problems []error
	var before []place
	for i, p := range bundle.Policies {
		for j, r := range p.Rules {
			if r.Type != typeRouting {
				continue
			}
			at := fmt.Sprintf("/policies/%d", i)
			if p.Enforcement != Must {
				problems = append(problems, wrong(at+"/enforcement", "routing holds or does not: put rule %q into a policy that is MUST", r.RuleID))
			}
			if p.AppliesTo != nil {
				problems = append(problems, wrong(at+"/applies_to", "rule %q routes Cases, which are of no stage: use when.stages in its config", r.RuleID))
			}
			for _, other := range before {
				if overlap(p, other.policy) {
					problems = append(problems, wrong(fmt.Sprintf("%s/rules/%d", at, j), "%q routes Cases at the same time: at any time one rule does", other.id))
				}
			}
			before = append(before, place{p, p.PolicyID + "/" + r.RuleID})
		}
	}
	return problems
}

// overlap reports whether two policies hold at the same time, ever.
func overlap(a, b BundlePolicy) bool {
	endsBefore := func(a, b BundlePolicy) bool {
		return a.EffectiveTo != nil && b.EffectiveFrom != nil && !b.EffectiveFrom.Before(*a.EffectiveTo)
	}
	return !endsBefore(a, b) && !endsBefore(b, a)
}

// CaseRouting returns the rules by which a Case is routed that is opened at a time:
// those of the policy that are in force, or else those that are built in. What the
// zero Ruleset routes by is built in, too: no Case is without a route.
func (r Ruleset) CaseRouting(at time.Time) routing.Rules {
	for _, rule := range r.routings {
		if rule.inForce(at) {
			digest := r.policy.Digest
			return routing.Rules{Source: rule.ID, Policy: &digest, Config: rule.config}
		}
	}
	return routing.BuiltIn()
}

// CaseReasons returns what routing knows of reason codes: what the table says. A code
// that is not in it stays, and says nothing more.
func CaseReasons(codes []string) []routing.Reason {
	reasons := make([]routing.Reason, len(codes))
	for i, code := range codes {
		reasons[i] = routing.Reason{Code: code}
		if row, known := Lookup(Code(code)); known {
			reasons[i] = caseReason(row)
		}
	}
	return reasons
}

func caseReason(row Reason) routing.Reason {
	return routing.Reason{Code: string(row.Code), Class: string(row.Class), ClearedBy: string(row.ClearedBy), Severity: string(row.Severity)}
}

func knownToRouting() routing.Known {
	known := routing.Known{Reasons: make([]routing.Reason, len(reasonTable))}
	for i, row := range reasonTable {
		known.Reasons[i] = caseReason(row)
	}
	return known
}
