package gates

// Binding reports whether a rule of the gate's own kind applies to c and blocks what
// it objects to. A gate without one has nothing of the policy to go by: who releases
// must refuse then (without approvals with APPROVALS_MISSING), as the policy may not
// have meant releases at all. Rules of types "cel" and "warnings" do not count: they
// only add to what others ask.
func (r Ruleset) Binding(gate Gate, c Context) bool { return len(r.binding(gate, c)) > 0 }

// Solo reports whether, by all binding rules of approvals that apply, nobody besides
// the requester has to agree. Without such a rule it is not.
func (r Ruleset) Solo(c Context) bool {
	rules := r.binding(GateApprovals, c)
	for _, rule := range rules {
		if !rule.solo {
			return false
		}
	}
	return len(rules) > 0
}

func (r Ruleset) binding(gate Gate, c Context) []compiledRule {
	var binding []compiledRule
	for _, rule := range r.rules[gate] {
		if rule.Enforcement == Must && rule.Type != typeExpression && rule.Type != typeWarnings && rule.applies(c) {
			binding = append(binding, rule)
		}
	}
	return binding
}
