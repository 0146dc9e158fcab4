package gates

import (
	"encoding/json"
	"fmt"
)

// Gate names a gate.
type Gate string

// The gates. A build has those down to determinism; the others stand between a
// build and what a release makes of it.
const (
	GateDependency      Gate = "stage-dependency"
	GateIntegrity       Gate = "integrity"
	GateContract        Gate = "contract"
	GateProvenance      Gate = "provenance"
	GateValidation      Gate = "validation"
	GateDeterminism     Gate = "determinism"
	GateReproducibility Gate = "reproducibility"
	GateCompatibility   Gate = "compatibility"
	GateApprovals       Gate = "approvals"
	GateHealth          Gate = "rollout-health"
	GateFreeze          Gate = "freeze"
)

// gateSpec is one row of the table of gates.
type gateSpec struct {
	gate    Gate
	normal  func(any) any // the form of evidence that is decided on
	builtin func(Context, any) []Finding
	facts   []fact
	decode  func(json.RawMessage) (any, error)
}

// gateTable has every gate, in the order of the constants.
var gateTable = []gateSpec{
	row(GateDependency, asIs, dependencyFindings, nil),
	row(GateIntegrity, normalEvidence, integrityFindings, outputFacts),
	row(GateContract, normalEvidence, contractFindings, contractFacts),
	row(GateProvenance, asIs, provenanceFindings, provenanceFacts),
	row(GateValidation, asIs, validationFindings, validationFacts),
	row(GateDeterminism, normalReproduction, determinismFindings, nil),
	row(GateReproducibility, normalRepetitions, reproducibilityFindings, reproducibilityFacts),
	row(GateCompatibility, asIs, compatibilityFindings, compatibilityFacts),
	row(GateApprovals, normalVotes, approvalsFindings, approvalsFacts),
	row(GateHealth, normalWindow, healthFindings, healthFacts),
	row(GateFreeze, asIs, freezeFindings, freezeFacts),
}

// row makes a row of the table for a gate whose evidence is an E.
func row[E any](gate Gate, normal func(E) E, builtin func(Context, E) []Finding, facts []factOf[E]) gateSpec {
	spec := gateSpec{
		gate:    gate,
		normal:  func(evidence any) any { return normal(evidence.(E)) },
		builtin: func(c Context, evidence any) []Finding { return builtin(c, evidence.(E)) },
		decode: func(raw json.RawMessage) (any, error) {
			var evidence E
			err := strict(raw, &evidence)
			return evidence, err
		},
	}
	for _, f := range facts {
		spec.facts = append(spec.facts, f.erased())
	}
	return spec
}

// overridable has the gates that may be overridden, where the policy names them
// too. The others never are: they say that content is what it claims and is not
// revoked, that it was validated, and that it came through the spine in order.
func overridable() []Gate {
	return []Gate{GateProvenance, GateDeterminism, GateReproducibility, GateCompatibility, GateApprovals, GateHealth, GateFreeze}
}

func specOf(gate Gate) (gateSpec, bool) {
	for _, spec := range gateTable {
		if spec.gate == gate {
			return spec, true
		}
	}
	return gateSpec{}, false
}

// Gates returns the names of all gates.
func Gates() []Gate {
	names := make([]Gate, 0, len(gateTable))
	for _, spec := range gateTable {
		names = append(names, spec.gate)
	}
	return names
}

// evaluate lets a gate decide over evidence, which is of the type in the gate's
// row: the gate's own rules, then those of the policy.
func evaluate(gate Gate, c Context, evidence any) Decision {
	spec, _ := specOf(gate)
	version, known := evaluators[c.Evaluator]
	if !known || !c.Rules.compiled {
		return decide(gate, c, nil, []Finding{refuse(ruleEvidence, Error, GateError,
			fmt.Sprintf("evaluator %q is not known, or there is no policy", c.Evaluator))}, nil)
	}
	builtin := spec.builtin
	if older := version.builtin[gate]; older != nil {
		builtin = older
	}
	var policy []Finding
	if version.policy {
		evidence = spec.normal(evidence)
		policy = c.Rules.findings(gate, c, evidence)
	}
	return decide(gate, c, evidence, builtin(c, evidence), policy)
}
