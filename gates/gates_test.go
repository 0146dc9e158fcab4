package gates_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

const buildID = "11111111-1111-8111-8111-111111111111"

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func digest(s string) records.Digest { return records.DigestOf([]byte(s)) }

func artifact(name, content, mediaType string) records.Artifact {
	return records.Artifact{Name: name, Ref: records.Ref{Digest: digest(content), MediaType: mediaType, Size: int64(len(content))}}
}

func context(stage records.Stage) gates.Context {
	return gates.Context{
		Subject: gates.Subject{BuildID: buildID, Stage: stage, Generation: 1},
		Rules:   ruleset(),
		At:      at, Actor: "orgo", Evaluator: gates.EvaluatorVersion,
	}
}

// ruleset compiles rules; it panics on what does not compile.
func ruleset(rules ...gates.Rule) gates.Ruleset {
	set, err := gates.Policy{Digest: digest("policy"), Rules: rules}.Compile()
	if err != nil {
		panic(err)
	}
	return set
}

// good returns sound evidence about a stage.
func good(stage records.Stage) gates.Evidence {
	spec, _ := records.BuildStage(stage)
	evidence := gates.Evidence{Stage: stage, Contracts: digest("contracts")}
	for _, output := range spec.Outputs {
		mediaType := output.MediaType
		if mediaType == "" {
			mediaType = "application/octet-stream"
		}
		a := artifact(output.Name, output.Name, mediaType)
		if output.Many {
			a.Path = "part"
		}
		found := gates.OutputEvidence{Artifact: a, Found: a.Ref.Digest, Read: a.Ref.Size}
		if output.Role != "" {
			found.Schema, found.Documents = digest("schema "+output.Role), 1
		}
		evidence.Outputs = append(evidence.Outputs, found)
	}
	evidence.Declared = len(evidence.Outputs)
	return evidence
}

func TestSoundOutputsPass(t *testing.T) {
	t.Parallel()
	for _, spec := range records.BuildSpine() {
		require.Equal(t, gates.Pass, gates.Integrity(context(spec.Stage), good(spec.Stage)).Verdict, spec.Stage)
		require.Equal(t, gates.Pass, gates.Contract(context(spec.Stage), good(spec.Stage)).Verdict, spec.Stage)
	}
}

// Each fault is planted into sound evidence; the gate must see it.
func TestFaultyOutputsAreRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		gate  func(gates.Context, gates.Evidence) gates.Decision
		fault func(*gates.Evidence)
		want  gates.Code
	}{
		"another digest":     {gates.Integrity, func(e *gates.Evidence) { e.Outputs[0].Found = digest("other") }, gates.DigestMismatch},
		"no digest found":    {gates.Integrity, func(e *gates.Evidence) { e.Outputs[0].Found = records.Digest{} }, gates.EvidenceMissing},
		"no digest declared": {gates.Integrity, func(e *gates.Evidence) { e.Outputs[0].Artifact.Ref.Digest = records.Digest{} }, gates.EvidenceMissing},
		"both digests absent": {gates.Integrity, func(e *gates.Evidence) {
			e.Outputs[0].Artifact.Ref.Digest, e.Outputs[0].Found = records.Digest{}, records.Digest{}
		}, gates.EvidenceMissing},
		"another size":         {gates.Integrity, func(e *gates.Evidence) { e.Outputs[0].Read++ }, gates.SizeMismatch},
		"another media type":   {gates.Integrity, func(e *gates.Evidence) { e.Outputs[0].Artifact.Ref.MediaType = "text/plain" }, gates.MediaTypeMismatch},
		"no media type":        {gates.Integrity, func(e *gates.Evidence) { e.Outputs[0].Artifact.Ref.MediaType = "" }, gates.MediaTypeMismatch},
		"an output absent":     {gates.Integrity, func(e *gates.Evidence) { e.Outputs = nil }, gates.OutputMissing},
		"an output twice":      {gates.Integrity, func(e *gates.Evidence) { e.Outputs = append(e.Outputs, e.Outputs[0]) }, gates.OutputUndeclared},
		"an unknown output":    {gates.Integrity, func(e *gates.Evidence) { e.Outputs[0].Artifact.Name = "extra" }, gates.OutputUndeclared},
		"evidence of another":  {gates.Integrity, func(e *gates.Evidence) { e.Stage = records.Resolve }, gates.EvidenceMissing},
		"no schema applied":    {gates.Contract, func(e *gates.Evidence) { e.Outputs[0].Schema = records.Digest{} }, gates.ContractUnchecked},
		"no document":          {gates.Contract, func(e *gates.Evidence) { e.Outputs[0].Documents = 0 }, gates.ContractUnchecked},
		"a violation":          {gates.Contract, func(e *gates.Evidence) { e.Outputs[0].Violations = 1 }, gates.ContractViolation},
		"a negative count":     {gates.Contract, func(e *gates.Evidence) { e.Outputs[0].Violations = -1 }, gates.ContractViolation},
		"no evidence at all":   {gates.Contract, func(e *gates.Evidence) { e.Outputs = nil }, gates.ContractUnchecked},
		"contract: of another": {gates.Contract, func(e *gates.Evidence) { e.Stage = records.Resolve }, gates.EvidenceMissing},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			evidence := good(records.Extract)
			c.fault(&evidence)
			decision := c.gate(context(records.Extract), evidence)
			require.False(t, decision.Permits())
			require.Contains(t, decision.Codes, c.want)
		})
	}
}

func report(status gates.ReportStatus) *gates.ReportEvidence {
	return &gates.ReportEvidence{
		Report: artifact(records.OutReport, "report", records.MediaJSON).Ref, Status: status,
		BySeverity: 2, ByCode: 2, Severities: map[string]int64{"WARNING": 2}, Codes: map[string]int64{"ENTITY_AMBIGUOUS": 2},
		Resolved: digest("resolved"), Snapshot: digest("snapshot"),
	}
}

func compileInputs() []records.Artifact {
	return []records.Artifact{
		artifact(records.OutSnapshot, "snapshot", records.MediaJSON),
		artifact(records.OutResolved, "resolved", records.MediaJSONLines),
	}
}

func rule(enforcement gates.Enforcement, config gates.ValidationConfig) gates.Rule {
	return gates.Rule{ID: "p/r", Type: "validation", Enforcement: enforcement, Validation: &config}
}

func TestValidation(t *testing.T) {
	t.Parallel()
	both := []gates.ReportStatus{gates.ReportPassed, gates.ReportPartial}
	before, after := at.Add(-time.Hour), at.Add(time.Hour)
	expired := rule(gates.Must, gates.ValidationConfig{Admit: both})
	expired.EffectiveTo = &at
	future := rule(gates.Must, gates.ValidationConfig{Admit: both})
	future.EffectiveFrom = &after
	current := rule(gates.Must, gates.ValidationConfig{Admit: both})
	current.EffectiveFrom, current.EffectiveTo = &before, &after

	cases := map[string]struct {
		report *gates.ReportEvidence
		rules  []gates.Rule
		inputs []records.Artifact
		want   gates.Code // none: it passes
	}{
		"passed":                           {report: report(gates.ReportPassed)},
		"failed":                           {report: report(gates.ReportFailed), want: gates.ValidationFailed},
		"failed, whatever a rule admits":   {report: report(gates.ReportFailed), rules: []gates.Rule{rule(gates.Must, gates.ValidationConfig{Admit: both})}, want: gates.ValidationFailed},
		"partial":                          {report: report(gates.ReportPartial), want: gates.ValidationPartial},
		"partial, admitted":                {report: report(gates.ReportPartial), rules: []gates.Rule{rule(gates.Must, gates.ValidationConfig{Admit: both})}},
		"partial, one of two rules admits": {report: report(gates.ReportPartial), rules: []gates.Rule{rule(gates.Must, gates.ValidationConfig{Admit: both}), rule(gates.Must, gates.ValidationConfig{Admit: both[:1]})}, want: gates.ValidationPartial},
		"partial, admitted by advice only": {report: report(gates.ReportPartial), rules: []gates.Rule{rule(gates.Should, gates.ValidationConfig{Admit: both})}, want: gates.ValidationPartial},
		"partial, the rule has expired":    {report: report(gates.ReportPartial), rules: []gates.Rule{expired}, want: gates.ValidationPartial},
		"partial, the rule is to come":     {report: report(gates.ReportPartial), rules: []gates.Rule{future}, want: gates.ValidationPartial},
		"partial, the rule is in force":    {report: report(gates.ReportPartial), rules: []gates.Rule{current}},
		"over the limit of a code":         {report: report(gates.ReportPassed), rules: []gates.Rule{rule(gates.Must, gates.ValidationConfig{Admit: both, MaxByCode: map[string]int64{"ENTITY_AMBIGUOUS": 1}})}, want: gates.ValidationIssueLimit},
		"at the limit of a severity":       {report: report(gates.ReportPassed), rules: []gates.Rule{rule(gates.Must, gates.ValidationConfig{Admit: both, MaxBySeverity: map[string]int64{"WARNING": 2}})}},
		"over a limit that advises":        {report: report(gates.ReportPassed), rules: []gates.Rule{rule(gates.Should, gates.ValidationConfig{Admit: both, MaxByCode: map[string]int64{"ENTITY_AMBIGUOUS": 1}})}},
		"no report":                        {report: nil, want: gates.ValidationNotRun},
		"an unknown status":                {report: report("ok"), want: gates.ValidationMalformed},
		"an empty status":                  {report: report(""), want: gates.ValidationMalformed},
		"passed with errors":               {report: func() *gates.ReportEvidence { r := report(gates.ReportPassed); r.Severities["ERROR"] = 1; return r }(), want: gates.ValidationMalformed},
		"unreadable":                       {report: func() *gates.ReportEvidence { r := report(gates.ReportPassed); r.Malformed = "eof"; return r }(), want: gates.ValidationMalformed},
		"about other claims":               {report: func() *gates.ReportEvidence { r := report(gates.ReportPassed); r.Resolved = digest("x"); return r }(), want: gates.ValidationOtherInputs},
		"about another snapshot":           {report: func() *gates.ReportEvidence { r := report(gates.ReportPassed); r.Snapshot = digest("x"); return r }(), want: gates.ValidationOtherInputs},
		"about nothing": {report: func() *gates.ReportEvidence {
			r := report(gates.ReportPassed)
			r.Resolved, r.Snapshot = records.Digest{}, records.Digest{}
			return r
		}(), want: gates.ValidationOtherInputs},
		"compile would use nothing": {report: report(gates.ReportPassed), inputs: []records.Artifact{}, want: gates.ValidationOtherInputs},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inputs := c.inputs
			if inputs == nil {
				inputs = compileInputs()
			}
			ctx := context(records.Validate)
			ctx.Rules = ruleset(c.rules...)
			decision := gates.Validation(ctx, gates.ValidationInputs{Report: c.report, CompileInputs: inputs})
			require.Equal(t, c.want == "", decision.Permits(), "%+v", decision.Findings)
			if c.want != "" {
				require.Equal(t, []gates.Code{c.want}, decision.Codes)
			}
		})
	}
}

// passedBefore returns a build that has passed every stage before one.
func passedBefore(stage records.Stage) gates.Dependencies {
	deps := gates.Dependencies{}
	outputs := map[records.Stage][]records.Artifact{}
	for _, spec := range records.BuildSpine()[:records.BuildIndex(stage)] {
		passed := gates.Passed{Stage: spec.Stage, Generation: 1}
		for _, output := range spec.Outputs {
			passed.Outputs = append(passed.Outputs, artifact(output.Name, output.Name, output.MediaType))
		}
		c := context(spec.Stage)
		passed.Decisions = []gates.Decision{gates.Integrity(c, good(spec.Stage)), gates.Contract(c, good(spec.Stage))}
		if spec.Stage == records.Validate {
			passed.Decisions = append(passed.Decisions, gates.Validation(c, gates.ValidationInputs{
				Report: report(gates.ReportPassed), CompileInputs: compileInputs()}))
		}
		outputs[spec.Stage] = passed.Outputs
		deps.Before = append(deps.Before, passed)
	}
	spec, _ := records.BuildStage(stage)
	deps.Inputs, _ = records.StageInputs(spec, func(s records.Stage) []records.Artifact { return outputs[s] })
	return deps
}

func TestDependencyAdmitsTheSpine(t *testing.T) {
	t.Parallel()
	for _, spec := range records.BuildSpine() {
		decision := gates.Dependency(context(spec.Stage), passedBefore(spec.Stage))
		require.True(t, decision.Permits(), "%s: %+v", spec.Stage, decision.Findings)
	}
}

// No compile on fail: every way to come to compile without a passing validation
// of its own build, generation and policy is refused.
func TestDependencyRefuses(t *testing.T) {
	t.Parallel()
	last := func(d *gates.Dependencies) *gates.Passed { return &d.Before[len(d.Before)-1] }
	cases := map[string]struct {
		fault func(*gates.Dependencies)
		want  gates.Code
	}{
		"validate skipped":           {func(d *gates.Dependencies) { d.Before = d.Before[:3] }, gates.DependencyMissing},
		"nothing before":             {func(d *gates.Dependencies) { d.Before = nil }, gates.DependencyMissing},
		"out of order":               {func(d *gates.Dependencies) { d.Before[0], d.Before[1] = d.Before[1], d.Before[0] }, gates.DependencyMissing},
		"no decisions":               {func(d *gates.Dependencies) { last(d).Decisions = nil }, gates.DependencyNotPassed},
		"no validation decision":     {func(d *gates.Dependencies) { last(d).Decisions = last(d).Decisions[:2] }, gates.DependencyNotPassed},
		"validation failed":          {func(d *gates.Dependencies) { last(d).Decisions[2].Verdict = gates.Fail }, gates.DependencyNotPassed},
		"validation without verdict": {func(d *gates.Dependencies) { last(d).Decisions[2].Verdict = "" }, gates.DependencyNotPassed},
		"of another build":           {func(d *gates.Dependencies) { last(d).Decisions[2].Subject.BuildID = "x" }, gates.DependencyNotPassed},
		"of another generation":      {func(d *gates.Dependencies) { last(d).Decisions[2].Subject.Generation = 0 }, gates.DependencyNotPassed},
		"of another stage":           {func(d *gates.Dependencies) { last(d).Decisions[2].Subject.Stage = records.Extract }, gates.DependencyNotPassed},
		"under another policy":       {func(d *gates.Dependencies) { last(d).Decisions[2].PolicyDigest = digest("x") }, gates.DependencyNotPassed},
		"of a generation to come":    {func(d *gates.Dependencies) { last(d).Generation = 2 }, gates.DependencyVoided},
		"older than what it reads":   {func(d *gates.Dependencies) { last(d).Generation = 0 }, gates.DependencyVoided},
		"other inputs":               {func(d *gates.Dependencies) { d.Inputs[0].Ref.Digest = digest("x") }, gates.DependencyMissing},
		"an input more":              {func(d *gates.Dependencies) { d.Inputs = append(d.Inputs, d.Inputs[0]) }, gates.DependencyMissing},
		"no inputs":                  {func(d *gates.Dependencies) { d.Inputs = nil }, gates.DependencyMissing},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deps := passedBefore(records.Compile)
			c.fault(&deps)
			decision := gates.Dependency(context(records.Compile), deps)
			require.False(t, decision.Permits())
			require.Contains(t, decision.Codes, c.want)
		})
	}
	require.False(t, gates.Dependency(context("paint"), gates.Dependencies{}).Permits(), "an unknown stage")
}

func TestPermitsCompile(t *testing.T) {
	t.Parallel()
	decide := func() gates.Decision {
		return gates.Validation(context(records.Validate), gates.ValidationInputs{
			Report: report(gates.ReportPassed), CompileInputs: compileInputs()})
	}
	inputs := append(compileInputs(), artifact(records.OutReport, "report", records.MediaJSON))
	require.True(t, gates.PermitsCompile(decide(), buildID, 1, inputs))
	require.True(t, gates.PermitsCompile(decide(), buildID, 2, inputs), "compile may be retried over an earlier validation")

	other := append(compileInputs(), artifact(records.OutReport, "another report", records.MediaJSON))
	require.False(t, gates.PermitsCompile(decide(), buildID, 1, other))
	changed := append([]records.Artifact{}, inputs...)
	changed[1].Ref.Digest = digest("changed")
	require.False(t, gates.PermitsCompile(decide(), buildID, 1, changed))
	require.False(t, gates.PermitsCompile(decide(), "another", 1, inputs))
	require.False(t, gates.PermitsCompile(decide(), buildID, 0, inputs))
	require.False(t, gates.PermitsCompile(gates.Decision{}, buildID, 1, inputs))
	for _, verdict := range []gates.Verdict{gates.Fail, gates.NoData, gates.Insufficient, gates.Stale, gates.Error, gates.Pending, ""} {
		d := decide()
		d.Verdict = verdict
		require.False(t, gates.PermitsCompile(d, buildID, 1, inputs), verdict)
	}
}

func TestDeterminism(t *testing.T) {
	t.Parallel()
	before := []records.Artifact{artifact("a", "1", "x"), artifact("b", "2", "x")}
	decide := func(expected, actual []records.Artifact) gates.Decision {
		return gates.Determinism(context(records.Compile), gates.Reproduction{Of: "other", Expected: expected, Actual: actual,
			Recorded: len(expected), Yielded: len(actual)})
	}
	require.True(t, decide(before, []records.Artifact{before[1], before[0]}).Permits())
	changed := decide(before, []records.Artifact{before[0], artifact("b", "3", "x")})
	require.Equal(t, []gates.Code{gates.OutputNotReproduced}, changed.Codes)
	require.Contains(t, changed.Findings[0].Message, "compile: b is")
	require.False(t, decide(before, before[:1]).Permits(), "an output is missing")
	require.False(t, decide(before[:1], before).Permits(), "an output is new")
	require.Equal(t, []gates.Code{gates.EvidenceMissing}, decide(nil, nil).Codes, "nothing to compare is no pass")
}

// The order in which evidence comes must not show in the decision.
func TestDecisionsAreDeterministic(t *testing.T) {
	t.Parallel()
	evidence := good(records.Compile)
	evidence.Outputs[1].Violations, evidence.Outputs[2].Violations = 2, 1
	want, err := json.Marshal(gates.Contract(context(records.Compile), evidence))
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		shuffled := evidence
		shuffled.Outputs = append([]gates.OutputEvidence{}, evidence.Outputs...)
		got := gates.Contract(context(records.Compile), shuffled)
		again, err := json.Marshal(got)
		require.NoError(t, err)
		require.Equal(t, string(want), string(again))

		random.Shuffle(len(shuffled.Outputs), func(i, j int) {
			shuffled.Outputs[i], shuffled.Outputs[j] = shuffled.Outputs[j], shuffled.Outputs[i]
		})
		reordered := gates.Contract(context(records.Compile), shuffled)
		require.Equal(t, got, reordered)
	}
}

// An artifact that comes twice under one name must not hide behind its twin.
func TestDeterminismSeesEveryArtifact(t *testing.T) {
	t.Parallel()
	expected := []records.Artifact{artifact("a", "1", "x")}
	for name, actual := range map[string][]records.Artifact{
		"another first":  {artifact("a", "2", "x"), artifact("a", "1", "x")},
		"another last":   {artifact("a", "1", "x"), artifact("a", "2", "x")},
		"the same twice": {artifact("a", "1", "x"), artifact("a", "1", "x")},
	} {
		decision := gates.Determinism(context(records.Compile), gates.Reproduction{Of: "other", Expected: expected, Actual: actual,
			Recorded: len(expected), Yielded: len(actual)})
		require.Equal(t, []gates.Code{gates.OutputNotReproduced}, decision.Codes, name)
	}
}
