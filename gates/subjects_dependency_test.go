package gates_test

import (
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// decisionOf returns a decision by which a stage passed a gate.
func decisionOf(c gates.Context, stage records.Stage, generation int, gate gates.Gate) gates.Decision {
	return gates.Decision{Gate: gate, Verdict: gates.Pass, PolicyDigest: c.Rules.Policy().Digest,
		Subject: gates.Subject{BuildID: c.Subject.BuildID, Stage: stage, Generation: generation}}
}

func passedStage(c gates.Context, stage records.Stage, generation int) gates.Passed {
	spec, _ := records.BuildStage(stage)
	passed := gates.Passed{Stage: stage, Generation: generation}
	for _, output := range spec.Outputs {
		passed.Outputs = append(passed.Outputs, artifact(output.Name, output.Name, output.MediaType))
	}
	for _, gate := range append(gates.ExitGates(stage), gates.GateProvenance) {
		if gate != gates.GateProvenance || stage == records.Ingest && c.Rules.Has(gates.GateProvenance) {
			passed.Decisions = append(passed.Decisions, decisionOf(c, stage, generation, gate))
		}
	}
	return passed
}

func dependencySubject() subject[gates.Dependencies] {
	before := func(apply func(*rapid.T, gates.Context, *gates.Passed)) fault[gates.Dependencies] {
		return fault[gates.Dependencies]{apply: func(t *rapid.T, c gates.Context, d *gates.Dependencies) {
			if stage := pick(t, d.Before); stage != nil {
				apply(t, c, stage)
			}
		}}
	}
	decision := func(apply func(*gates.Decision)) fault[gates.Dependencies] {
		return before(func(t *rapid.T, _ gates.Context, p *gates.Passed) {
			if d := pick(t, p.Decisions); d != nil {
				apply(d)
			}
		})
	}
	return subject[gates.Dependencies]{
		gate: gates.GateDependency, stages: buildStages(), decide: gates.Dependency,
		sound: func(t *rapid.T, c gates.Context) gates.Dependencies {
			deps, generation := gates.Dependencies{}, 1
			for _, spec := range records.BuildSpine()[:records.BuildIndex(c.Subject.Stage)] {
				generation = rapid.IntRange(generation, c.Subject.Generation).Draw(t, "generation")
				deps.Before = append(deps.Before, passedStage(c, spec.Stage, generation))
			}
			deps.Inputs = inputsOf(c, deps)
			return deps
		},
		faults: []fault[gates.Dependencies]{
			{apply: func(t *rapid.T, _ gates.Context, d *gates.Dependencies) { without(&d.Before)(t) }},
			{apply: func(t *rapid.T, _ gates.Context, d *gates.Dependencies) { without(&d.Inputs)(t) }},
			{honest: true, apply: func(_ *rapid.T, c gates.Context, d *gates.Dependencies) {
				d.Before = append(slices.Clone(d.Before), passedStage(c, records.Render, 1))
			}},
			before(func(t *rapid.T, _ gates.Context, p *gates.Passed) { without(&p.Decisions)(t) }),
			before(func(t *rapid.T, _ gates.Context, p *gates.Passed) { without(&p.Outputs)(t) }),
			before(func(_ *rapid.T, c gates.Context, p *gates.Passed) { regenerate(p, c.Subject.Generation+1) }),
			before(func(_ *rapid.T, _ gates.Context, p *gates.Passed) { regenerate(p, 0) }),
			decision(func(d *gates.Decision) { d.Verdict = gates.Fail }),
			decision(func(d *gates.Decision) { d.Verdict = "" }),
			decision(func(d *gates.Decision) { d.Subject.Generation = 99 }),
			decision(func(d *gates.Decision) { d.Subject.BuildID = "another" }),
			decision(func(d *gates.Decision) { d.PolicyDigest = digest("another policy") }),
			on(func(d *gates.Dependencies) []records.Artifact { return d.Inputs }, func(_ *rapid.T, a *records.Artifact) { a.Ref.Digest = digest("x") }),
		},
		rules: []string{`stage_dependency {}`, `provenance {"allowed_collectors":["git"]}`, `integrity {}`},
		repair: func(c *gates.Context, d *gates.Dependencies, u gates.Unmet) bool {
			switch {
			case u.Target == "stages":
				index := records.BuildIndex(c.Subject.Stage)
				d.Before = slices.DeleteFunc(d.Before, func(p gates.Passed) bool {
					at := records.BuildIndex(p.Stage)
					return at < 0 || at >= index
				})
			case u.Target == "inputs":
				repairStageInputs(c, d)
			case u.Code == gates.DependencyMissing:
				insertStage(c, d, records.Stage(u.Target))
			case u.Code == gates.DependencyVoided:
				at := placeOf(d, records.Stage(u.Target))
				regenerate(&d.Before[at], generationAt(c, d, records.Stage(u.Target)))
			case u.Code == gates.DependencyNotPassed:
				stage, gate, _ := strings.Cut(u.Target, " ")
				p := &d.Before[placeOf(d, records.Stage(stage))]
				p.Decisions = append(p.Decisions, decisionOf(*c, p.Stage, p.Generation, gates.Gate(gate)))
			default:
				return false
			}
			return true
		},
	}
}

// regenerate makes a stage, with the decisions about it, of another generation.
func regenerate(p *gates.Passed, generation int) {
	p.Decisions = slices.Clone(p.Decisions)
	for i := range p.Decisions {
		if p.Decisions[i].Subject.Generation == p.Generation {
			p.Decisions[i].Subject.Generation = generation
		}
	}
	p.Generation = generation
}

func placeOf(d *gates.Dependencies, stage records.Stage) int {
	return slices.IndexFunc(d.Before, func(p gates.Passed) bool { return p.Stage == stage })
}

// generationAt returns the highest generation of the stages before one.
func generationAt(c *gates.Context, d *gates.Dependencies, stage records.Stage) int {
	generation := 1
	for _, p := range d.Before {
		if records.BuildIndex(p.Stage) < records.BuildIndex(stage) && p.Generation <= c.Subject.Generation {
			generation = max(generation, p.Generation)
		}
	}
	return generation
}

func inputsOf(c gates.Context, d gates.Dependencies) []records.Artifact {
	spec, _ := records.BuildStage(c.Subject.Stage)
	inputs, _ := records.StageInputs(spec, func(from records.Stage) []records.Artifact {
		if at := placeOf(&d, from); at >= 0 {
			return d.Before[at].Outputs
		}
		return nil
	})
	return inputs
}

// insertStage lets a stage come before, with its outputs as inputs.
func insertStage(c *gates.Context, d *gates.Dependencies, stage records.Stage) {
	d.Before = slices.DeleteFunc(d.Before, func(p gates.Passed) bool { return p.Stage == stage })
	at := slices.IndexFunc(d.Before, func(p gates.Passed) bool { return records.BuildIndex(p.Stage) > records.BuildIndex(stage) })
	if at < 0 {
		at = len(d.Before)
	}
	passed := passedStage(*c, stage, generationAt(c, d, stage))
	d.Before = slices.Insert(d.Before, at, passed)
	spec, _ := records.BuildStage(c.Subject.Stage)
	var inputs []records.Artifact
	for _, input := range spec.Inputs {
		from := d.Inputs
		if input.From == stage {
			from = passed.Outputs
		}
		for _, a := range from {
			if a.Name == input.Name {
				inputs = append(inputs, a)
			}
		}
	}
	d.Inputs = inputs
}

// repairStageInputs lets the stages that are there yield what is needed of them,
// and the inputs be that.
func repairStageInputs(c *gates.Context, d *gates.Dependencies) {
	spec, _ := records.BuildStage(c.Subject.Stage)
	var inputs []records.Artifact
	for _, input := range spec.Inputs {
		is := func(a records.Artifact) bool { return a.Name == input.Name }
		at := placeOf(d, input.From)
		if at >= 0 && !slices.ContainsFunc(d.Before[at].Outputs, is) {
			d.Before[at].Outputs = append(d.Before[at].Outputs, artifact(input.Name, input.Name, "x"))
		}
		from := d.Inputs
		if at >= 0 {
			from = d.Before[at].Outputs
		}
		for _, a := range from {
			if is(a) {
				inputs = append(inputs, a)
			}
		}
	}
	d.Inputs = inputs
}
