package records

import "time"

// KOABuildRecord is the interop form of a Build Record (CONTRACTS §1): exactly
// these keys, at every level.
type KOABuildRecord struct {
	BuildID          string        `json:"build_id"`
	RecordVersion    string        `json:"record_version"`
	CreatedAt        time.Time     `json:"created_at"`
	MandateBundleRef KOARef        `json:"mandate_bundle_ref"`
	Trigger          *KOATrigger   `json:"trigger,omitempty"`
	Inputs           KOAInputs     `json:"inputs"`
	Pipeline         KOAPipeline   `json:"pipeline"`
	Stages           []KOAStage    `json:"stages"`
	Outputs          KOAOutputs    `json:"outputs"`
	Checksums        *KOAChecksums `json:"checksums,omitempty"`
}

// KOARef is a digest reference of the interop form.
type KOARef struct {
	Alg   string `json:"alg"`
	Value string `json:"value"`
	URI   string `json:"uri,omitempty"`
}

// KOATrigger is who asked for the build.
type KOATrigger struct {
	Type      TriggerType `json:"type"`
	Actor     string      `json:"actor"`
	Reason    string      `json:"reason"`
	SourceRef string      `json:"source_ref"`
}

// KOAInputs is what the build read.
type KOAInputs struct {
	Snapshots []KOARef `json:"snapshots"`
	Notes     string   `json:"notes,omitempty"`
}

// KOAPipeline is what the build was done with.
type KOAPipeline struct {
	PipelineID string    `json:"pipeline_id"`
	Toolchain  Toolchain `json:"toolchain"`
}

// KOAStage is one stage.
type KOAStage struct {
	Name      Stage            `json:"name"`
	Status    StageStatus      `json:"status"`
	StartedAt *time.Time       `json:"started_at,omitempty"`
	EndedAt   *time.Time       `json:"ended_at,omitempty"`
	Inputs    []KOARef         `json:"inputs,omitempty"`
	Outputs   []KOARef         `json:"outputs,omitempty"`
	Metrics   map[string]int64 `json:"metrics,omitempty"`
	Notes     string           `json:"notes,omitempty"`
}

// KOAOutputs is what came out.
type KOAOutputs struct {
	Validation KOAValidation `json:"validation"`
	Kristal    KOAKristal    `json:"kristal"`
}

// KOAValidation refers to the validation report.
type KOAValidation struct {
	ReportRef KOARef      `json:"report_ref"`
	Status    StageStatus `json:"status"`
}

// KOAKristal refers to the compiled artifacts; empty unless validation passed.
type KOAKristal struct {
	ExchangeRef    *KOARef `json:"exchange_ref,omitempty"`
	RuntimePackRef *KOARef `json:"runtime_pack_ref,omitempty"`
}

// KOAChecksums holds the hash of Orgo's own form, from which this one came.
type KOAChecksums struct {
	BuildRecordHash KOARef `json:"build_record_hash"`
}

// unknownPipeline stands for the id of a pipeline that pinning refused.
const unknownPipeline = "unpinned"

// KOA returns the interop form of a Build Record.
func KOA(r BuildRecord) KOABuildRecord {
	koa := KOABuildRecord{
		BuildID:          r.BuildID,
		RecordVersion:    r.RecordVersion,
		CreatedAt:        r.CreatedAt,
		MandateBundleRef: koaRef(r.MandateBundle),
		Trigger: &KOATrigger{Type: r.Trigger.Type, Actor: r.Trigger.Actor,
			Reason: r.Trigger.Reason, SourceRef: r.Trigger.SourceRef},
		Inputs:   KOAInputs{Snapshots: []KOARef{koaRef(r.Snapshot)}, Notes: r.SnapshotNotes},
		Pipeline: KOAPipeline{PipelineID: unknownPipeline, Toolchain: r.Toolchain},
		Outputs: KOAOutputs{
			Validation: KOAValidation{ReportRef: koaRef(r.Outputs.Validation.Report), Status: r.Outputs.Validation.Status},
		},
		Checksums: &KOAChecksums{BuildRecordHash: KOARef{Alg: r.Hash.Alg, Value: r.Hash.Value}},
	}
	if r.Pins != nil {
		koa.Pipeline.PipelineID = r.Pins.PipelineID
	}
	for _, stage := range r.Stages {
		koa.Stages = append(koa.Stages, KOAStage{
			Name: stage.Stage, Status: stage.Status,
			StartedAt: stage.StartedAt, EndedAt: stage.EndedAt,
			Inputs: koaRefs(stage.Inputs), Outputs: koaRefs(stage.Outputs),
			Metrics: stage.Metrics, Notes: stage.note(),
		})
	}
	if r.Outputs.Exchange != nil {
		ref := koaRef(*r.Outputs.Exchange)
		koa.Outputs.Kristal.ExchangeRef = &ref
	}
	if r.Outputs.RuntimePack != nil {
		ref := koaRef(*r.Outputs.RuntimePack)
		koa.Outputs.Kristal.RuntimePackRef = &ref
	}
	return koa
}

// note says in one line why a stage did not pass, or what its runner noted.
func (s StageRecord) note() string {
	text := s.Notes
	for _, code := range s.Codes {
		if text != "" {
			text += " "
		}
		text += code
	}
	if s.Message != "" {
		if text != "" {
			text += ": "
		}
		text += s.Message
	}
	return text
}

func koaRef(r Ref) KOARef { return KOARef{Alg: r.Alg, Value: r.Value, URI: r.URI} }

func koaRefs(artifacts []Artifact) []KOARef {
	refs := make([]KOARef, 0, len(artifacts))
	for _, artifact := range artifacts {
		refs = append(refs, koaRef(artifact.Ref))
	}
	if len(refs) == 0 {
		return nil
	}
	return refs
}
