package gates_test

import (
	"fmt"
	"time"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// oldDecision is a case that evaluator 1 has decided, and what of the decision is
// held to.
type oldDecision struct {
	Case     string        `json:"case"`
	Verdict  gates.Verdict `json:"verdict"`
	Codes    []gates.Code  `json:"codes"`
	Findings []string      `json:"findings"` // "rule id: message"
}

func oldDecisionOf(name string, d gates.Decision) oldDecision {
	old := oldDecision{Case: name, Verdict: d.Verdict, Codes: d.Codes, Findings: []string{}}
	for _, f := range d.Findings {
		old.Findings = append(old.Findings, fmt.Sprintf("%s: %s", f.RuleID, f.Message))
	}
	return old
}

// oldDecisions decides a set of cases of the five gates that a build had under
// evaluator 1, in contexts that the caller makes. Commit 413c0c6 compiles this
// file too: testdata/evaluator1.golden is what it said.
func oldDecisions(context func(records.Stage, ...gates.Rule) gates.Context) []oldDecision {
	var all []oldDecision
	outputs := func(name string, stage records.Stage, change func(*gates.Evidence)) {
		evidence := good(stage)
		change(&evidence)
		all = append(all, oldDecisionOf("integrity, "+name, gates.Integrity(context(stage), evidence)),
			oldDecisionOf("contract, "+name, gates.Contract(context(stage), evidence)))
	}
	outputs("sound", records.Compile, func(*gates.Evidence) {})
	outputs("another digest", records.Extract, func(e *gates.Evidence) { e.Outputs[0].Found = digest("x") })
	outputs("another size", records.Extract, func(e *gates.Evidence) { e.Outputs[0].Read++ })
	outputs("nothing read", records.Extract, func(e *gates.Evidence) { e.Outputs[0].Read, e.Outputs[0].Artifact.Ref.Size = 0, 0 })
	outputs("undeclared", records.Extract, func(e *gates.Evidence) { e.Outputs[0].Artifact.Name = "extra" })
	outputs("undeclared and another digest", records.Extract, func(e *gates.Evidence) {
		extra := e.Outputs[0]
		extra.Artifact.Name, extra.Found = "extra", digest("x")
		e.Outputs = append(e.Outputs, extra)
	})
	outputs("a file twice", records.Compile, func(e *gates.Evidence) { e.Outputs = append(e.Outputs, e.Outputs[3]) })
	outputs("none", records.Extract, func(e *gates.Evidence) { e.Outputs = nil })
	outputs("of another stage", records.Extract, func(e *gates.Evidence) { e.Stage = records.Resolve })
	outputs("violated and unchecked", records.Extract, func(e *gates.Evidence) { e.Outputs[0].Documents, e.Outputs[0].Violations = 0, 3 })
	outputs("violated", records.Extract, func(e *gates.Evidence) {
		e.Outputs[0].Violations, e.Outputs[0].First = 2, []string{"/a: is no number"}
	})

	both := []gates.ReportStatus{gates.ReportPassed, gates.ReportPartial}
	expired := at.Add(-time.Hour)
	validation := func(name string, report *gates.ReportEvidence, inputs []records.Artifact, rules ...gates.Rule) {
		d := gates.Validation(context(records.Validate, rules...), gates.ValidationInputs{Report: report, CompileInputs: inputs})
		all = append(all, oldDecisionOf("validation, "+name, d))
	}
	validation("passed", report(gates.ReportPassed), compileInputs())
	validation("failed", report(gates.ReportFailed), compileInputs())
	validation("partial", report(gates.ReportPartial), compileInputs())
	validation("partial, admitted", report(gates.ReportPartial), compileInputs(), rule(gates.Must, gates.ValidationConfig{Admit: both}))
	old := rule(gates.Must, gates.ValidationConfig{Admit: both})
	old.EffectiveTo = &expired
	validation("partial, no longer admitted", report(gates.ReportPartial), compileInputs(), old)
	validation("too many", report(gates.ReportPassed), compileInputs(), rule(gates.Must, gates.ValidationConfig{Admit: both, MaxByCode: map[string]int64{"ENTITY_AMBIGUOUS": 1}}))
	validation("too many, advised", report(gates.ReportPassed), compileInputs(), rule(gates.Should, gates.ValidationConfig{Admit: both, MaxByCode: map[string]int64{"ENTITY_AMBIGUOUS": 1}}))
	validation("none", nil, compileInputs())
	validation("none, of nothing", nil, nil)
	validation("an input twice", report(gates.ReportPassed), append(compileInputs(), compileInputs()...))
	uncounted := report(gates.ReportPassed)
	uncounted.Codes = map[string]int64{}
	validation("not counted", uncounted, compileInputs())

	reproduction := func(name string, expected, actual []records.Artifact) {
		d := gates.Determinism(context(records.Compile), gates.Reproduction{Of: "other", Expected: expected, Actual: actual})
		all = append(all, oldDecisionOf("determinism, "+name, d))
	}
	a, b := artifact("a", "1", "x"), artifact("b", "2", "x")
	reproduction("the same", []records.Artifact{a, b}, []records.Artifact{b, a})
	reproduction("one is missing", []records.Artifact{a, b}, []records.Artifact{a})
	reproduction("nothing to compare", nil, []records.Artifact{a, b})

	dependency := func(name string, change func(*gates.Dependencies)) {
		deps := passedBeforeUnder(context)
		change(&deps)
		all = append(all, oldDecisionOf("stage-dependency, "+name, gates.Dependency(context(records.Resolve), deps)))
	}
	dependency("sound", func(*gates.Dependencies) {})
	dependency("nothing before", func(d *gates.Dependencies) { d.Before = nil })
	dependency("generation 0", func(d *gates.Dependencies) { regenerated(d, 0) })
	dependency("not passed", func(d *gates.Dependencies) { d.Before[1].Decisions = nil })
	dependency("a stage more", func(d *gates.Dependencies) { d.Before = append(d.Before, gates.Passed{Stage: records.Render}) })
	dependency("other inputs", func(d *gates.Dependencies) { d.Inputs = d.Inputs[:1] })
	return all
}

func passedBeforeUnder(context func(records.Stage, ...gates.Rule) gates.Context) gates.Dependencies {
	deps := gates.Dependencies{}
	for _, stage := range []records.Stage{records.Ingest, records.Extract} {
		evidence := good(stage)
		passed := gates.Passed{Stage: stage, Generation: 1, Decisions: []gates.Decision{
			gates.Integrity(context(stage), evidence), gates.Contract(context(stage), evidence)}}
		for _, output := range evidence.Outputs {
			passed.Outputs = append(passed.Outputs, output.Artifact)
		}
		deps.Before, deps.Inputs = append(deps.Before, passed), append(deps.Inputs, passed.Outputs...)
	}
	return deps
}

func regenerated(d *gates.Dependencies, generation int) {
	for i := range d.Before {
		d.Before[i].Generation = generation
		for j := range d.Before[i].Decisions {
			d.Before[i].Decisions[j].Subject.Generation = generation
		}
	}
}
