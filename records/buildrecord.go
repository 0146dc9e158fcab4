package records

import (
	"encoding/json"
	"fmt"
	"time"
)

// BuildRecordVersion is the version of the form of a BuildRecord.
const BuildRecordVersion = "1.0.0"

// BuildRecord is Orgo's own form of the record of one build, written whatever
// its outcome. KOA gives the interop form.
type BuildRecord struct {
	Kind          string            `json:"kind"` // "build_record"
	RecordVersion string            `json:"record_version"`
	Organization  string            `json:"organization"`
	BuildID       string            `json:"build_id"`
	CreatedAt     time.Time         `json:"created_at"`
	EndedAt       time.Time         `json:"ended_at"`
	State         BuildState        `json:"state"`
	Codes         []string          `json:"reason_codes"`
	EndedAtStage  Stage             `json:"ended_at_stage,omitempty"`
	Trigger       Trigger           `json:"trigger"`
	ReproduceOf   string            `json:"reproduce_of,omitempty"`
	Request       Ref               `json:"request"`
	MandateBundle Ref               `json:"mandate_bundle"`
	PinsRef       *Ref              `json:"pins_ref,omitempty"`
	Pins          *Pins             `json:"pins,omitempty"` // absent if pinning refused
	Snapshot      Ref               `json:"snapshot"`
	SnapshotNotes string            `json:"snapshot_notes,omitempty"`
	Stages        []StageRecord     `json:"stages"`
	Decisions     []json.RawMessage `json:"decisions"`
	Actions       []ActionRecord    `json:"actions"`
	Outputs       BuildOutputs      `json:"outputs"`
	Toolchain     Toolchain         `json:"toolchain"`
	Environment   Environment       `json:"environment"`
	Correlation   Correlation       `json:"correlation"`
	// Hash is the digest of the record's canonical form without this field.
	Hash Digest `json:"build_record_hash"`
}

// StageRecord is what became of one stage.
type StageRecord struct {
	Stage       Stage            `json:"stage"`
	Status      StageStatus      `json:"status"`
	Generation  int              `json:"generation"` // whose output is authoritative
	StartedAt   *time.Time       `json:"started_at,omitempty"`
	EndedAt     *time.Time       `json:"ended_at,omitempty"`
	Inputs      []Artifact       `json:"inputs,omitempty"`
	Outputs     []Artifact       `json:"outputs,omitempty"`
	Attachments []Artifact       `json:"attachments,omitempty"`
	Codes       []string         `json:"reason_codes,omitempty"`
	Message     string           `json:"message,omitempty"`
	Metrics     map[string]int64 `json:"metrics,omitempty"`
	Notes       string           `json:"notes,omitempty"`
	Attempts    []AttemptRecord  `json:"attempts,omitempty"`
}

// AttemptRecord is one attempt at a stage, of any generation.
type AttemptRecord struct {
	Generation int       `json:"generation"`
	Attempt    int       `json:"attempt"`
	At         time.Time `json:"at"`
	Event      string    `json:"event"` // the type of the entry
	EntryID    string    `json:"entry_id"`
	Codes      []string  `json:"reason_codes,omitempty"`
	Message    string    `json:"message,omitempty"`
}

// ActionRecord is what an operator did.
type ActionRecord struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason,omitempty"`
	OperatorAction
}

// BuildOutputs is what came out of a build.
type BuildOutputs struct {
	Validation   ValidationOutput `json:"validation"`
	Exchange     *Ref             `json:"exchange,omitempty"`
	ExchangeMeta *Ref             `json:"exchange_manifest,omitempty"`
	RuntimePack  *Ref             `json:"runtime_pack_manifest,omitempty"`
	PackFiles    []Artifact       `json:"runtime_pack_files,omitempty"`
}

// ValidationOutput refers to the validation report; when validate never ran, to
// one that says so.
type ValidationOutput struct {
	Report Ref         `json:"report"`
	Status StageStatus `json:"status"` // PASS or FAIL
}

// Toolchain is the versions that made a build. A stage done by a runner that
// declares no version of its own has the version its pipeline pins.
type Toolchain struct {
	OrgoVersion      string `json:"orgo_version"`
	CompilerVersion  string `json:"compiler_version"`
	ValidatorVersion string `json:"validator_version"`
	ResolverVersion  string `json:"resolver_version"`
	RenderVersion    string `json:"render_version"`
}

// Environment is where a build ran.
type Environment struct {
	Name     string `json:"env"`
	RunnerID string `json:"runner_id,omitempty"`
}

// NotRun stands for the version of a tool that had no part in a build.
const NotRun = "not-run"

// RecordSources is what a BuildRecord is assembled from.
type RecordSources struct {
	View    BuildView
	Entries []Entry // all of the build, in order
	Request BuildRequest
	Pins    *Pins
	// State, Codes and Stage are how the build ends; the event that says so comes
	// after the record.
	State BuildState
	Codes []string
	Stage Stage
	// Snapshot and Report stand in where ingest or validate yielded none.
	EmptySnapshot Ref
	NotRunReport  Ref
	Environment   Environment
	Correlation   Correlation
	EndedAt       time.Time
}

// AssembleBuildRecord returns the record of a build that is about to end.
// Artifacts of compile appear in it only if the build passed.
func AssembleBuildRecord(src RecordSources) (BuildRecord, error) {
	v := src.View
	v.Steps = append([]StepView(nil), v.Steps...)
	v.endedAt(src.State, src.Stage)
	record := BuildRecord{
		Kind: "build_record", RecordVersion: BuildRecordVersion,
		Organization: v.Organization, BuildID: v.BuildID,
		CreatedAt: v.CreatedAt, EndedAt: src.EndedAt.UTC(),
		State: src.State, Codes: mergeCodes(nil, src.Codes), EndedAtStage: src.Stage,
		Trigger: v.Trigger, ReproduceOf: v.ReproduceOf,
		Request: v.Request, MandateBundle: src.Request.Policy, PinsRef: v.Pins, Pins: src.Pins,
		Snapshot: src.EmptySnapshot, SnapshotNotes: "ingest did not finish: the snapshot is empty",
		Decisions: []json.RawMessage{}, Actions: []ActionRecord{},
		Outputs:     BuildOutputs{Validation: ValidationOutput{Report: src.NotRunReport, Status: StageFail}},
		Toolchain:   toolchain(src.Pins),
		Environment: src.Environment, Correlation: src.Correlation,
	}
	if src.Pins != nil {
		record.MandateBundle = src.Pins.Policy
	}
	attempts, err := record.takeEntries(src.Entries)
	if err != nil {
		return BuildRecord{}, err
	}
	for _, spec := range buildSpine {
		record.Stages = append(record.Stages, stageRecord(v, spec.Stage, attempts[spec.Stage]))
	}
	record.takeOutputs()
	record.Hash, err = record.computeHash()
	return record, err
}

// takeEntries copies decisions and actions, and returns the attempts by stage.
func (r *BuildRecord) takeEntries(entries []Entry) (map[Stage][]AttemptRecord, error) {
	attempts := map[Stage][]AttemptRecord{}
	for _, e := range entries {
		switch e.Type {
		case TypeGatePassed, TypeGateFailed, TypeGateOverridden, TypeOverrideRefused:
			r.Decisions = append(r.Decisions, e.Body)
		case TypeOperatorAction:
			action, err := decode[OperatorAction](e)
			if err != nil {
				return nil, err
			}
			r.Actions = append(r.Actions, ActionRecord{At: e.At, Actor: e.Actor, Reason: e.Reason, OperatorAction: action})
		case TypeStageStarted, TypeStageFailed, TypeStageFinished, TypeStageConflict:
			attempt, err := AttemptOf(e)
			if err != nil {
				return nil, err
			}
			attempts[e.Correlation.Stage] = append(attempts[e.Correlation.Stage], attempt)
		}
	}
	return attempts, nil
}

// AttemptOf returns what an entry about a stage says of an attempt at it.
func AttemptOf(e Entry) (AttemptRecord, error) {
	attempt := AttemptRecord{Generation: e.Correlation.Generation, Attempt: e.Correlation.Attempt,
		At: e.At, Event: e.Type, EntryID: e.ID, Codes: e.Codes}
	if e.Type == TypeStageFailed {
		failed, err := decode[StageFailed](e)
		if err != nil {
			return AttemptRecord{}, err
		}
		attempt.Message = failed.Message
	}
	return attempt, nil
}

func stageRecord(v BuildView, stage Stage, attempts []AttemptRecord) StageRecord {
	step := v.Step(stage)
	if step == nil {
		return StageRecord{Stage: stage, Status: StageSkip}
	}
	record := StageRecord{
		Stage: stage, Status: recordedStatus(step.Status), Generation: step.Generation,
		StartedAt: step.StartedAt, EndedAt: step.EndedAt,
		Inputs: step.Inputs, Outputs: step.Outputs, Attachments: step.Attachments,
		Codes: step.Codes, Message: step.Message, Metrics: step.Metrics, Notes: step.Notes,
		Attempts: attempts,
	}
	return record
}

// recordedStatus maps the status of a stage, when its build ends, onto those
// that a record knows. A stage that is under way, or whose gates have not all
// decided, has not passed.
func recordedStatus(status StageStatus) StageStatus {
	switch status {
	case StagePass, StageFail, StageError:
		return status
	case StageRunning, StageGating:
		return StageError
	default:
		return StageSkip
	}
}

func (r *BuildRecord) takeOutputs() {
	for _, stage := range r.Stages {
		for _, output := range stage.Outputs {
			ref := output.Ref
			switch {
			case output.Name == OutSnapshot && stage.Stage == Ingest:
				r.Snapshot, r.SnapshotNotes = ref, ""
			case output.Name == OutReport && stage.Stage == Validate:
				r.Outputs.Validation.Report = ref
				if stage.Status == StagePass {
					r.Outputs.Validation.Status = StagePass
				}
			}
		}
	}
	if r.State != BuildPassed || r.Outputs.Validation.Status != StagePass {
		return
	}
	for _, stage := range r.Stages {
		if stage.Stage != Compile {
			continue
		}
		for _, output := range stage.Outputs {
			ref := output.Ref
			switch output.Name {
			case OutExchange:
				r.Outputs.Exchange = &ref
			case OutExchangeManifest:
				r.Outputs.ExchangeMeta = &ref
			case OutRuntimePackManifest:
				r.Outputs.RuntimePack = &ref
			case OutPackFile:
				r.Outputs.PackFiles = append(r.Outputs.PackFiles, output)
			}
		}
	}
}

func toolchain(pins *Pins) Toolchain {
	version := func(stage Stage) string {
		if pins == nil {
			return NotRun
		}
		pinned, found := pins.Stage(stage)
		if !found {
			return NotRun
		}
		return pinned.Runner.Version
	}
	return Toolchain{
		OrgoVersion:      OrgoVersion,
		CompilerVersion:  version(Compile),
		ValidatorVersion: version(Validate),
		ResolverVersion:  version(Resolve),
		RenderVersion:    version(Render),
	}
}

// computeHash returns the digest of the record without its hash.
func (r BuildRecord) computeHash() (Digest, error) {
	r.Hash = Digest{}
	return CanonicalDigest(r)
}

// VerifyHash returns an error unless the record is what its hash says.
func (r BuildRecord) VerifyHash() error {
	actual, err := r.computeHash()
	if err != nil {
		return err
	}
	if actual != r.Hash {
		return fmt.Errorf("record of build %s has hash %s, states %s", r.BuildID, actual, r.Hash)
	}
	return nil
}
