package gates

import (
	"fmt"
	"slices"
	"time"

	"github.com/initkoa/orgo/records"
)

// Passed is what a build knows of one stage it has been through.
type Passed struct {
	Stage      records.Stage      `json:"stage"`
	Generation int                `json:"generation"`
	Outputs    []records.Artifact `json:"outputs"`
	Decisions  []Decision         `json:"decisions"` // of the stage's exit gates, and what overrides them
}

// Dependencies is what the stage-dependency gate looks at: the stages that came
// before, and the artifacts that the next one is about to get.
type Dependencies struct {
	Before []Passed           `json:"before"`
	Inputs []records.Artifact `json:"inputs"`
}

// passage is what the gate reads of a decision.
type passage struct {
	Gate         Gate           `json:"gate"`
	Subject      Subject        `json:"subject"`
	Verdict      Verdict        `json:"verdict"`
	PolicyDigest records.Digest `json:"policy_digest"`
	ExpiresAt    *time.Time     `json:"expires_at,omitempty"` // of an override
}

// passedStage is Passed, with no more of its decisions than is read.
type passedStage struct {
	Stage      records.Stage      `json:"stage"`
	Generation int                `json:"generation"`
	Outputs    []records.Artifact `json:"outputs"`
	Passages   []passage          `json:"passages"`
}

// dependencies is the form of Dependencies that is decided on and kept: what
// decisions were made from stays with them.
type dependencies struct {
	Before []passedStage      `json:"before"`
	Inputs []records.Artifact `json:"inputs"`
}

func passages(deps Dependencies) dependencies {
	form := dependencies{Before: []passedStage{}, Inputs: deps.Inputs}
	for _, before := range deps.Before {
		stage := passedStage{Stage: before.Stage, Generation: before.Generation, Outputs: before.Outputs, Passages: []passage{}}
		for _, d := range before.Decisions {
			p := passage{Gate: d.Gate, Subject: d.Subject, Verdict: d.Verdict, PolicyDigest: d.PolicyDigest}
			if d.Override != nil {
				p.ExpiresAt = &d.Override.ExpiresAt
			}
			stage.Passages = append(stage.Passages, p)
		}
		form.Before = append(form.Before, stage)
	}
	return form
}

const ruleDependency = "orgo/stage-dependency"

// Dependency decides whether a stage may start: every stage before it on the
// spine has an authoritative output, has passed each of its exit gates over
// exactly that output, none has been voided by a retry, and the inputs are those
// outputs and nothing else. For compile this includes the validation gate.
func Dependency(c Context, deps Dependencies) Decision {
	if c.Evaluator == "1" {
		return evaluate(GateDependency, c, deps)
	}
	return evaluate(GateDependency, c, passages(deps))
}

func dependencyFindings(c Context, deps dependencies) []Finding {
	stage := c.Subject.Stage
	index := records.BuildIndex(stage)
	if index < 0 {
		return []Finding{refuse(ruleDependency, Error, GateError, fmt.Sprintf("%q is no stage of a build", stage))}
	}
	var findings []Finding
	previous, last := 1, -1 // generations begin at 1
	for _, spec := range records.BuildSpine()[:index] {
		at := slices.IndexFunc(deps.Before, func(before passedStage) bool { return before.Stage == spec.Stage })
		if at <= last {
			findings = append(findings, refuse(ruleDependency, Fail, DependencyMissing,
				fmt.Sprintf("%s must come before %s and has no output, or came out of order", spec.Stage, stage)).about(string(spec.Stage)))
			continue
		}
		last = at
		before := deps.Before[at]
		if before.Generation < previous || before.Generation > c.Subject.Generation {
			findings = append(findings, refuse(ruleDependency, Fail, DependencyVoided,
				fmt.Sprintf("the output of %s is of generation %d, which is void", spec.Stage, before.Generation)).about(string(spec.Stage)))
		} else {
			previous = before.Generation
		}
		findings = append(findings, gatesPassed(c, before)...)
	}
	behind := map[records.Stage]bool{}
	for _, before := range deps.Before {
		if at := records.BuildIndex(before.Stage); at < 0 || at >= index || behind[before.Stage] {
			findings = append(findings, refuse(ruleDependency, Fail, DependencyVoided,
				fmt.Sprintf("%s does not come before %s, or comes twice", before.Stage, stage)).about("stages"))
		}
		behind[before.Stage] = true
	}
	findings = append(findings, inputsMatch(stage, deps)...)
	if len(findings) == 0 {
		findings = append(findings, pass(ruleDependency, nil))
	}
	return findings
}

// gatesPassed finds what keeps a stage from counting as passed. It trusts no
// decision that is about something else.
func gatesPassed(c Context, before passedStage) []Finding {
	required := ExitGates(before.Stage)
	if before.Stage == records.Ingest && c.Rules.Has(GateProvenance) {
		required = append(required, GateProvenance)
	}
	for _, p := range before.Passages {
		required = append(required, p.Gate)
	}
	slices.Sort(required)
	var findings []Finding
	for _, gate := range slices.Compact(required) {
		if !hasPassed(c, before, gate) {
			findings = append(findings, refuse(ruleDependency, Fail, DependencyNotPassed,
				fmt.Sprintf("%s has not passed its %s gate in generation %d", before.Stage, gate, before.Generation)).
				about(fmt.Sprintf("%s %s", before.Stage, gate)))
		}
	}
	return findings
}

// hasPassed reports whether a gate decided that a stage passed, or was overridden
// by a decision that still holds.
func hasPassed(c Context, before passedStage, gate Gate) bool {
	want := Subject{BuildID: c.Subject.BuildID, Stage: before.Stage, Generation: before.Generation}
	return slices.ContainsFunc(before.Passages, func(p passage) bool {
		return p.Gate == gate && p.Subject == want && p.PolicyDigest == c.Rules.policy.Digest && p.Verdict == Pass &&
			(p.ExpiresAt == nil || slices.Contains(overridable(), gate) && c.At.Before(*p.ExpiresAt))
	})
}

// exitGates lists the gates that a stage must pass besides integrity and
// contract, which every stage must.
var exitGates = map[records.Stage][]Gate{records.Validate: {GateValidation}}

// ExitGates returns the gates that decide over the outputs of stage under any
// policy. None of them can be overridden.
func ExitGates(stage records.Stage) []Gate {
	return append([]Gate{GateIntegrity, GateContract}, exitGates[stage]...)
}

// inputsMatch finds what keeps deps.Inputs from being what the spine says, as far
// as the stages that yield them are there.
func inputsMatch(stage records.Stage, deps dependencies) []Finding {
	spec, _ := records.BuildStage(stage)
	got := deps.Inputs
	var want []records.Artifact
	for _, input := range spec.Inputs {
		at := slices.IndexFunc(deps.Before, func(before passedStage) bool { return before.Stage == input.From })
		if at < 0 {
			got = without(got, input.Name)
			continue
		}
		found := named(deps.Before[at].Outputs, input.Name)
		if len(found) == 0 {
			return []Finding{refuse(ruleDependency, NoData, DependencyMissing,
				fmt.Sprintf("%s, which %s needs, is no output of %s", input.Name, stage, input.From)).about("inputs")}
		}
		want = append(want, found...)
	}
	wantDigest, wantErr := records.OutputsDigest(want)
	gotDigest, gotErr := records.OutputsDigest(got)
	if wantErr != nil || gotErr != nil || wantDigest != gotDigest {
		return []Finding{refuse(ruleDependency, Fail, DependencyMissing,
			fmt.Sprintf("the inputs of %s are not the outputs of the stages before", stage)).about("inputs")}
	}
	return nil
}

// named returns the artifacts of a name.
func named(artifacts []records.Artifact, name string) []records.Artifact {
	return slices.DeleteFunc(slices.Clone(artifacts), func(a records.Artifact) bool { return a.Name != name })
}

func without(artifacts []records.Artifact, name string) []records.Artifact {
	return slices.DeleteFunc(slices.Clone(artifacts), func(a records.Artifact) bool { return a.Name == name })
}
