package gates

import (
	"fmt"

	"github.com/initkoa/orgo/records"
)

// Passed is what a build knows of one stage it has been through.
type Passed struct {
	Stage      records.Stage      `json:"stage"`
	Generation int                `json:"generation"`
	Outputs    []records.Artifact `json:"outputs"`
	Decisions  []Decision         `json:"decisions"` // of the stage's exit gates
}

// Dependencies is what the stage-dependency gate looks at: the stages that came
// before, and the artifacts that the next one is about to get.
type Dependencies struct {
	Before []Passed           `json:"before"`
	Inputs []records.Artifact `json:"inputs"`
}

const ruleDependency = "orgo/stage-dependency"

// Dependency decides whether a stage may start: every stage before it on the
// spine has an authoritative output, has passed each of its exit gates over
// exactly that output, none has been voided by a retry, and the inputs are those
// outputs and nothing else. For compile this includes the validation gate.
func Dependency(c Context, deps Dependencies) Decision {
	var findings []Finding
	stage := c.Subject.Stage
	index := records.BuildIndex(stage)
	if index < 0 {
		findings = append(findings, refuse(ruleDependency, Error, GateError, fmt.Sprintf("%q is no stage of a build", stage)))
		return decide(GateDependency, c, deps, findings)
	}
	previous := 0
	for i, spec := range records.BuildSpine()[:index] {
		if i >= len(deps.Before) || deps.Before[i].Stage != spec.Stage {
			findings = append(findings, refuse(ruleDependency, Fail, DependencyMissing,
				fmt.Sprintf("%s must come before %s and has no output", spec.Stage, stage)))
			break
		}
		before := deps.Before[i]
		if before.Generation < previous || before.Generation > c.Subject.Generation {
			findings = append(findings, refuse(ruleDependency, Fail, DependencyVoided,
				fmt.Sprintf("the output of %s is of generation %d, which is void", spec.Stage, before.Generation)))
		}
		previous = before.Generation
		findings = append(findings, gatesPassed(c, before)...)
	}
	findings = append(findings, inputsMatch(stage, deps)...)
	if len(findings) == 0 {
		findings = append(findings, pass(ruleDependency, nil))
	}
	return decide(GateDependency, c, deps, findings)
}

// gatesPassed finds what keeps a stage from counting as passed. It trusts no
// decision that is about something else.
func gatesPassed(c Context, before Passed) []Finding {
	var findings []Finding
	for _, gate := range ExitGates(before.Stage) {
		if !hasPassed(c, before, gate) {
			findings = append(findings, refuse(ruleDependency, Fail, DependencyNotPassed,
				fmt.Sprintf("%s has not passed its %s gate in generation %d", before.Stage, gate, before.Generation)))
		}
	}
	return findings
}

func hasPassed(c Context, before Passed, gate Gate) bool {
	want := Subject{BuildID: c.Subject.BuildID, Stage: before.Stage, Generation: before.Generation}
	for _, d := range before.Decisions {
		if d.Gate == gate && d.Subject == want && d.PolicyDigest == c.Policy.Digest && d.Permits() {
			return true
		}
	}
	return false
}

// exitGates lists the gates that a stage must pass besides integrity and
// contract, which every stage must.
var exitGates = map[records.Stage][]Gate{records.Validate: {GateValidation}}

// ExitGates returns the gates that decide over the outputs of stage.
func ExitGates(stage records.Stage) []Gate {
	return append([]Gate{GateIntegrity, GateContract}, exitGates[stage]...)
}

// inputsMatch finds what keeps deps.Inputs from being what the spine says.
func inputsMatch(stage records.Stage, deps Dependencies) []Finding {
	spec, _ := records.BuildStage(stage)
	want, complete := records.StageInputs(spec, func(from records.Stage) []records.Artifact {
		for _, before := range deps.Before {
			if before.Stage == from {
				return before.Outputs
			}
		}
		return nil
	})
	if !complete {
		return []Finding{refuse(ruleDependency, NoData, DependencyMissing,
			fmt.Sprintf("an input of %s is no output of the stages before", stage))}
	}
	wantDigest, wantErr := records.OutputsDigest(want)
	gotDigest, gotErr := records.OutputsDigest(deps.Inputs)
	if wantErr != nil || gotErr != nil || wantDigest != gotDigest {
		return []Finding{refuse(ruleDependency, Fail, DependencyMissing,
			fmt.Sprintf("the inputs of %s are not the outputs of the stages before", stage))}
	}
	return nil
}
