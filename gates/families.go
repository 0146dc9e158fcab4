package gates

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/initkoa/orgo/gates/routing"
)

// The rule types.
const (
	typeDependency  = "stage_dependency"
	typeIntegrity   = "integrity"
	typeContract    = "contract"
	typeProvenance  = "provenance"
	typeValidation  = "validation"
	typeDeterminism = "determinism"
	typeCompatible  = "compatibility"
	typeApprovals   = "approvals"
	typeHealth      = "rollout_health"
	typeFreeze      = "freeze_window"
	typeExpression  = "cel"
	typeWarnings    = "warnings"
	typeOverride    = "override"
	typeRouting     = "case_routing"
)

// check is a rule that is ready to look at the evidence of its gate. What it
// returns need not name the rule. No finding means that the rule holds.
type check func(c Context, evidence any) []Finding

// family is a type of rules.
type family struct {
	name string
	// read checks the config of a rule and makes the rule of it.
	read func(config json.RawMessage) (ruleMade, error)
}

// ruleMade is a rule after its config was read: what it asks of which gate, which
// gates it lets be overridden, or how Cases are routed.
type ruleMade struct {
	gate     Gate
	find     check
	override *overrideConfig
	routing  *routing.Config
	deadline OnDeadline // of a rule of rollout health
	compares bool       // of such a rule: some metric of it with a control
	solo     bool       // of a rule of approvals
}

// families has every rule type. Stage dependency, integrity and contract always
// hold: a rule may ask for more, and may name them with an empty config.
func families() []family {
	return []family{
		{typeDependency, forGate(GateDependency, readNothing[dependencies])},
		{typeIntegrity, forGate(GateIntegrity, readIntegrity)},
		{typeContract, forGate(GateContract, readContract)},
		{typeProvenance, forGate(GateProvenance, readProvenance)},
		{typeValidation, forGate(GateValidation, readValidation)},
		{typeDeterminism, forGate(GateReproducibility, readDeterminism)},
		{typeCompatible, forGate(GateCompatibility, readCompatibility)},
		{typeApprovals, readApprovals},
		{typeHealth, readHealth},
		{typeFreeze, forGate(GateFreeze, readFreeze)},
		{typeExpression, readExpression},
		{typeWarnings, readWarnings},
		{typeOverride, readOverride},
		{typeRouting, readRouting},
	}
}

// forGate ties a family whose evidence is an E to its gate.
func forGate[E any](gate Gate, read func(json.RawMessage) (func(Context, E) []Finding, error)) func(json.RawMessage) (ruleMade, error) {
	return func(config json.RawMessage) (ruleMade, error) {
		find, err := read(config)
		if err != nil {
			return ruleMade{}, err
		}
		return ruleMade{gate: gate, find: func(c Context, evidence any) []Finding {
			of, is := evidence.(E)
			if !is {
				return []Finding{{Verdict: Error, Code: GateError, Message: fmt.Sprintf("evidence is a %T", evidence)}}
			}
			return find(c, of)
		}}, nil
	}
}

// RuleTypes returns the rule types that a bundle may use.
func RuleTypes() []string {
	var names []string
	for _, family := range families() {
		names = append(names, family.name)
	}
	slices.Sort(names)
	return names
}

func readNothing[E any](config json.RawMessage) (func(Context, E) []Finding, error) {
	return func(Context, E) []Finding { return nil }, strict(config, &struct{}{})
}
