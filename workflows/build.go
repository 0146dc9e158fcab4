package workflows

import (
	"strconv"

	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// BuildInput starts a build. Everything that was asked for is in the request.
type BuildInput struct {
	Organization string      `json:"organization"`
	BuildID      string      `json:"build_id"`
	Request      records.Ref `json:"request"`
}

// BuildOutcome is how a build ended. A refusal is an outcome, not an error.
type BuildOutcome struct {
	BuildID string             `json:"build_id"`
	State   records.BuildState `json:"state"`
	Stage   records.Stage      `json:"stage,omitempty"`
	Codes   []string           `json:"reason_codes"`
	Record  records.Digest     `json:"record"`
}

// build is the state of one build workflow.
type build struct {
	in     BuildInput
	pinned activities.Pinned
	rules  gates.Ruleset // the pinned policy, ready
	spine  []records.StageSpec
	recipe records.Digest
	// evaluator is the version of the gates' meaning that this build began with.
	evaluator string

	generation int
	passed     []gates.Passed  // the stages behind, each with its gates passed
	steps      []stepStatus    // what the Temporal Web UI shows
	pending    []records.Entry // made here, not yet recorded

	current records.Stage // the stage that runs
	marked  records.Stage // the stage that the search attributes name
	marking bool          // a timer will set them

	stop    *StopRequest
	waiting *ending // set while the build waits for an operator
	retry   *RetryRequest
	refused *refusedStage // the stage that gates refused, until it is retried
	// overriding is set while an override is being recorded: one at a time.
	overriding bool
	ended      bool
	cancel     workflow.CancelFunc // of the stage that runs
}

// ending is how a build ends, or would end if no operator retries it.
type ending struct {
	state  records.BuildState
	status records.StageStatus // of the stage it ended at
	stage  records.Stage
	codes  []string
}

// Build runs one build through the spine and records how it ended.
func Build(ctx workflow.Context, in BuildInput) (BuildOutcome, error) {
	return newBuild(in).live(ctx)
}

// evaluatorOf returns the version of the evaluator that a build decides by: the
// newest when it begins, and the same ever after. To change what a gate means, add
// a version to gates and raise gatesNow.
func evaluatorOf(ctx workflow.Context) string {
	version := workflow.GetVersion(ctx, gatesChange, workflow.DefaultVersion, gatesNow)
	if version == workflow.DefaultVersion {
		return "1" // began before versions were marked
	}
	return strconv.Itoa(int(version))
}

func newBuild(in BuildInput) *build {
	return &build{in: in, spine: records.BuildSpine(), generation: 1, steps: newSteps()}
}

// live registers the handlers, runs the build and records how it ended.
func (b *build) live(ctx workflow.Context) (BuildOutcome, error) {
	if err := b.handle(ctx); err != nil {
		return BuildOutcome{}, err
	}
	b.evaluator = evaluatorOf(ctx)
	return b.finish(ctx, b.run(ctx))
}

// run pins the build and takes it from stage to stage until it has passed, ends
// at a stage, or is stopped.
func (b *build) run(ctx workflow.Context) ending {
	if end := b.pin(ctx); end != nil {
		return *end
	}
	for len(b.passed) < len(b.spine) {
		end := b.stopped(ctx)
		if end == nil {
			end = b.stage(ctx, b.spine[len(b.passed)])
		}
		if end != nil && !b.retried(ctx, *end) {
			return *end
		}
	}
	if end := b.stopped(ctx); end != nil {
		return *end
	}
	return ending{state: records.BuildPassed, codes: []string{}}
}

// stage runs one stage between its two gates and returns how the build ends at
// it, or nil if the next may follow.
func (b *build) stage(ctx workflow.Context, spec records.StageSpec) *ending {
	inputs, _ := records.StageInputs(spec, b.outputs)
	entry := gates.Dependency(b.gate(ctx, spec.Stage), gates.Dependencies{Before: b.passed, Inputs: inputs})
	if end := b.decided(ctx, entry); end != nil {
		return end
	}
	out, err := b.execute(ctx, spec.Stage, inputs)
	if err != nil {
		return b.failed(ctx, spec.Stage, err)
	}
	b.learn(spec.Stage, out)

	var refused *ending
	exits := b.exits(ctx, spec.Stage, out)
	for _, exit := range exits {
		refused = merge(refused, b.decided(ctx, exit))
	}
	passed := gates.Passed{Stage: spec.Stage, Generation: b.generation, Outputs: out.Outputs, Decisions: exits}
	if refused != nil {
		b.refused = &refusedStage{passed}
		return refused
	}
	b.pass(ctx, passed)
	return nil
}

// pass takes the build past a stage whose gates all let it, or were overridden.
func (b *build) pass(ctx workflow.Context, passed gates.Passed) {
	b.passed = append(b.passed, passed)
	b.show(ctx, passed.Stage, records.StagePass, nil)
}

// exits evaluates the gates that decide over what a stage yielded.
func (b *build) exits(ctx workflow.Context, stage records.Stage, out activities.StageOutput) []gates.Decision {
	c := b.gate(ctx, stage)
	decisions := []gates.Decision{gates.Integrity(c, out.Evidence), gates.Contract(c, out.Evidence)}
	if stage == records.Ingest && b.rules.Has(gates.GateProvenance) {
		snapshot := records.Digest{}
		for _, output := range out.Outputs {
			if output.Name == records.OutSnapshot {
				snapshot = output.Ref.Digest
			}
		}
		decisions = append(decisions, gates.Origin(c, gates.ProvenanceInputs{Snapshot: snapshot, Provenance: out.Provenance}))
	}
	if stage == records.Validate {
		decisions = append(decisions, gates.Validation(c, gates.ValidationInputs{
			Report:        out.Report,
			CompileInputs: b.compileInputs(),
		}))
	}
	if again := b.pinned.Reproduce; again != nil {
		decisions = append(decisions, gates.Determinism(c, gates.Reproduction{
			Of: again.Of, Expected: again.Outputs[stage], Actual: out.Outputs,
			Recorded: len(again.Outputs[stage]), Yielded: len(out.Outputs),
		}))
	}
	return decisions
}

// compileInputs returns what compile would read, as far as it is known now.
func (b *build) compileInputs() []records.Artifact {
	inputs := []records.Artifact{}
	spec, _ := records.BuildStage(records.Compile)
	for _, want := range spec.Inputs {
		for _, output := range b.outputs(want.From) {
			if output.Name == want.Name {
				inputs = append(inputs, output)
			}
		}
	}
	return inputs
}

// gate returns the context in which gates decide over a stage now.
func (b *build) gate(ctx workflow.Context, stage records.Stage) gates.Context {
	return gates.Context{
		Subject: gates.Subject{BuildID: b.in.BuildID, Stage: stage, Generation: b.generation},
		Rules:   b.rules,
		At:      workflow.Now(ctx),
		Actor:   records.SystemActor, Evaluator: b.evaluator,
	}
}

// outputs returns the authoritative outputs of a stage that is behind.
func (b *build) outputs(stage records.Stage) []records.Artifact {
	for _, passed := range b.passed {
		if passed.Stage == stage {
			return passed.Outputs
		}
	}
	return nil
}

// learn keeps what later stages must know: the recipe, once there is a snapshot.
func (b *build) learn(stage records.Stage, out activities.StageOutput) {
	if stage != records.Ingest {
		return
	}
	for _, output := range out.Outputs {
		if output.Name != records.OutSnapshot {
			continue
		}
		// A recipe that cannot be computed stays zero, and stages refuse that.
		b.recipe, _ = records.Recipe(b.pinned.Pins, output.Ref.Digest)
	}
}
