package records

// Stage is one step of the spine.
type Stage string

// The stages, in the order in which they run.
const (
	Ingest     Stage = "ingest"
	Extract    Stage = "extract"
	Resolve    Stage = "resolve"
	Validate   Stage = "validate"
	Compile    Stage = "compile"
	Distribute Stage = "distribute"
	Activate   Stage = "activate"
	Render     Stage = "render"
)

// Media types of stage outputs.
const (
	MediaJSON      = "application/json"
	MediaJSONLines = "application/jsonl"
	MediaMarkdown  = "text/markdown" // RFC 7763
)

// Contract roles: the names under which a contract set holds its schemas.
// A role is a schema's file name without ".schema.json".
const (
	RoleSnapshot            = "input-snapshot"
	RoleClaimIR             = "claim-ir"
	RoleResolvedClaimIR     = "resolved-claim-ir"
	RoleValidationReport    = "validation-report"
	RoleExchangeManifest    = "exchange-manifest"
	RoleRuntimePackManifest = "runtime-pack-manifest"
)

// Names of stage outputs.
const (
	OutSnapshot            = "snapshot"
	OutClaims              = "claims"
	OutResolved            = "resolved"
	OutReport              = "report"
	OutExchange            = "exchange"
	OutExchangeManifest    = "exchange-manifest"
	OutRuntimePackManifest = "runtime-pack-manifest"
	OutPackFile            = "runtime-pack-file"
	OutRendered            = "rendered.md"
	OutTrace               = "trace.jsonl"
	OutChannelIndex        = "channel-index"
)

// OutputSpec declares one output that a stage must yield.
type OutputSpec struct {
	Name      string
	MediaType string
	// Role names the schema that every document of the output must satisfy;
	// empty where the output has no schema (raw pack data).
	Role string
	// Lines marks JSON Lines: the schema holds for each line.
	Lines bool
	// Many allows zero or more artifacts of this name, told apart by Path.
	Many bool
}

// InputSpec declares one input of a stage: an output of an earlier one.
type InputSpec struct {
	From Stage
	Name string
}

// StageSpec is one row of the spine.
type StageSpec struct {
	Stage   Stage
	Inputs  []InputSpec
	Outputs []OutputSpec
}

// The snapshot is an input of every later stage, so that a stage refuses to
// run over inputs that have changed since ingest.
var buildSpine = []StageSpec{
	{
		Stage:   Ingest,
		Outputs: []OutputSpec{{Name: OutSnapshot, MediaType: MediaJSON, Role: RoleSnapshot}},
	},
	{
		Stage:   Extract,
		Inputs:  []InputSpec{{Ingest, OutSnapshot}},
		Outputs: []OutputSpec{{Name: OutClaims, MediaType: MediaJSONLines, Role: RoleClaimIR, Lines: true}},
	},
	{
		Stage:   Resolve,
		Inputs:  []InputSpec{{Ingest, OutSnapshot}, {Extract, OutClaims}},
		Outputs: []OutputSpec{{Name: OutResolved, MediaType: MediaJSONLines, Role: RoleResolvedClaimIR, Lines: true}},
	},
	{
		Stage:   Validate,
		Inputs:  []InputSpec{{Ingest, OutSnapshot}, {Resolve, OutResolved}},
		Outputs: []OutputSpec{{Name: OutReport, MediaType: MediaJSON, Role: RoleValidationReport}},
	},
	{
		Stage:  Compile,
		Inputs: []InputSpec{{Ingest, OutSnapshot}, {Resolve, OutResolved}, {Validate, OutReport}},
		Outputs: []OutputSpec{
			{Name: OutExchange, MediaType: MediaJSON},
			{Name: OutExchangeManifest, MediaType: MediaJSON, Role: RoleExchangeManifest},
			{Name: OutRuntimePackManifest, MediaType: MediaJSON, Role: RoleRuntimePackManifest},
			{Name: OutPackFile, Many: true},
		},
	},
}

// packInputs are what a pack is made of.
var packInputs = []InputSpec{{Compile, OutExchangeManifest}, {Compile, OutRuntimePackManifest}, {Compile, OutPackFile}}

var releaseSpine = []StageSpec{
	{
		Stage:   Distribute,
		Inputs:  packInputs,
		Outputs: []OutputSpec{{Name: OutRuntimePackManifest, MediaType: MediaJSON}}, // fetchable, with all that it lists
	},
	{
		Stage:   Activate,
		Inputs:  packInputs,
		Outputs: []OutputSpec{{Name: OutChannelIndex, MediaType: MediaJSON}}, // that was read back as active
	},
	{
		Stage:  Render,
		Inputs: packInputs,
		Outputs: []OutputSpec{
			{Name: OutRendered, MediaType: MediaMarkdown},
			{Name: OutTrace, MediaType: MediaJSONLines},
		},
	},
}

// Output returns the declaration of the output of the given name, and whether
// there is one.
func (s StageSpec) Output(name string) (OutputSpec, bool) {
	for _, output := range s.Outputs {
		if output.Name == name {
			return output, true
		}
	}
	return OutputSpec{}, false
}

// BuildSpine returns the stages that a build runs, in order. The caller owns
// the slice.
func BuildSpine() []StageSpec { return append([]StageSpec(nil), buildSpine...) }

// ReleaseSpine returns the stages that a release runs, in order. The caller owns
// the slice.
func ReleaseSpine() []StageSpec { return append([]StageSpec(nil), releaseSpine...) }

// Spine returns every stage, in order: those of a build, then those of a
// release.
func Spine() []Stage {
	stages := make([]Stage, 0, len(buildSpine)+len(releaseSpine))
	for _, spec := range buildSpine {
		stages = append(stages, spec.Stage)
	}
	for _, spec := range releaseSpine {
		stages = append(stages, spec.Stage)
	}
	return stages
}

// BuildStage returns the row of the spine for a stage that a build runs.
func BuildStage(stage Stage) (StageSpec, bool) { return stageOf(buildSpine, stage) }

// ReleaseStage returns the row of the spine for a stage that a release runs.
func ReleaseStage(stage Stage) (StageSpec, bool) { return stageOf(releaseSpine, stage) }

func stageOf(spine []StageSpec, stage Stage) (StageSpec, bool) {
	for _, spec := range spine {
		if spec.Stage == stage {
			return spec, true
		}
	}
	return StageSpec{}, false
}

// BuildIndex returns the position of stage among those of a build, or -1.
func BuildIndex(stage Stage) int {
	for i, spec := range buildSpine {
		if spec.Stage == stage {
			return i
		}
	}
	return -1
}

// StageInputs returns the artifacts that a stage gets: the outputs that its row
// of the spine names, in that order. The result is incomplete (false) if one of
// them is not there.
func StageInputs(spec StageSpec, outputsOf func(Stage) []Artifact) ([]Artifact, bool) {
	inputs := []Artifact{}
	for _, want := range spec.Inputs {
		found := false
		for _, output := range outputsOf(want.From) {
			if output.Name == want.Name {
				inputs = append(inputs, output)
				found = true
			}
		}
		if !found {
			return inputs, false
		}
	}
	return inputs, true
}
