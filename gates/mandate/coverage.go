package mandate

import "github.com/initkoa/orgo/gates"

// Coverage is what the cases of a bundle leave open. A rule that no case has refuse
// may as well not be there.
type Coverage struct {
	// Unreached rules have a say in no case.
	Unreached []string `json:"unreached"`
	// NeverRefuse have, and object in none. A rule of type "override" permits: it is
	// listed while no case has it do so.
	NeverRefuse []string `json:"never_refuse"`
}

// Cover returns which rules of a policy the outcomes leave open, in the order of
// the policy. A rule that routes Cases has no say in any decision, and is left out.
func Cover(policy gates.Policy, outcomes []Outcome) Coverage {
	reached, objected := map[string]bool{}, map[string]bool{}
	for _, outcome := range outcomes {
		if outcome.Decision == nil {
			continue
		}
		for _, finding := range outcome.Decision.Findings {
			reached[finding.RuleID] = true
			if finding.Verdict != gates.Pass || outcome.Decision.Override != nil {
				objected[finding.RuleID] = true
			}
		}
	}
	covered := Coverage{Unreached: []string{}, NeverRefuse: []string{}}
	for _, rule := range policy.Rules {
		switch {
		case rule.Type == "case_routing":
		case !reached[rule.ID]:
			covered.Unreached = append(covered.Unreached, rule.ID)
		case !objected[rule.ID]:
			covered.NeverRefuse = append(covered.NeverRefuse, rule.ID)
		}
	}
	return covered
}
