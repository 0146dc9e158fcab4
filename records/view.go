package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// BuildView is the current state of a build: the fold of its entries, and
// nothing else. Version is the sequence number of the last entry folded in.
type BuildView struct {
	Organization   string     `json:"organization"`
	BuildID        string     `json:"build_id"`
	Version        int64      `json:"version"`
	State          BuildState `json:"state"`
	Codes          []string   `json:"reason_codes"`
	Stage          Stage      `json:"stage,omitempty"` // the step it is at
	Generation     int        `json:"generation"`
	PipelineID     string     `json:"pipeline_id,omitempty"`
	IdempotencyKey string     `json:"idempotency_key"`
	Request        Ref        `json:"request"`
	Trigger        Trigger    `json:"trigger"`
	ReproduceOf    string     `json:"reproduce_of,omitempty"`
	Pins           *Ref       `json:"pins,omitempty"`
	Steps          []StepView `json:"steps"`
	WaitingUntil   *time.Time `json:"waiting_until,omitempty"`
	Record         *Digest    `json:"record,omitempty"`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
}

// StepView is one step of a build: pin, a stage, or record.
type StepView struct {
	Stage       Stage            `json:"stage"`
	Status      StageStatus      `json:"status"`
	Generation  int              `json:"generation,omitempty"`
	Attempt     int              `json:"attempt,omitempty"`
	StartedAt   *time.Time       `json:"started_at,omitempty"`
	EndedAt     *time.Time       `json:"ended_at,omitempty"`
	Inputs      []Artifact       `json:"inputs,omitempty"`
	Outputs     []Artifact       `json:"outputs,omitempty"`
	Attachments []Artifact       `json:"attachments,omitempty"`
	Codes       []string         `json:"reason_codes,omitempty"`
	Message     string           `json:"message,omitempty"`
	Details     json.RawMessage  `json:"details,omitempty"`
	Metrics     map[string]int64 `json:"metrics,omitempty"`
	Notes       string           `json:"notes,omitempty"`
}

// Step returns the step of the given name, or nil.
func (v *BuildView) Step(stage Stage) *StepView {
	for i := range v.Steps {
		if v.Steps[i].Stage == stage {
			return &v.Steps[i]
		}
	}
	return nil
}

// ErrBuildEnded is returned for an entry that comes after the end of its build.
var ErrBuildEnded = errors.New("the build has ended")

// ErrVoided is returned for an entry about a generation that a retry voided.
var ErrVoided = errors.New("the generation was voided by a retry")

// ReduceBuild folds one entry into the state of its build and returns the new
// state; view itself is not changed. sequence is the entry's place among the
// entries of the build, from 1. An entry that the state does not admit is an
// error and changes nothing.
func ReduceBuild(view BuildView, e Entry, sequence int64) (BuildView, error) {
	if view.State.Terminal() {
		return view, fmt.Errorf("entry %s (%s) of build %s: %w", e.ID, e.Type, e.Subject.ID, ErrBuildEnded)
	}
	reduce, known := buildReducers[e.Type]
	if !known {
		return view, fmt.Errorf("entry %s of build %s: unknown type %q", e.ID, e.Subject.ID, e.Type)
	}
	if (view.BuildID == "") != (e.Type == TypeBuildRequested) {
		return view, fmt.Errorf("entry %s of build %s: %s must be its first entry, and only its first",
			e.ID, e.Subject.ID, TypeBuildRequested)
	}
	view.Steps = append([]StepView(nil), view.Steps...)
	if err := reduce(&view, e); err != nil {
		return view, fmt.Errorf("entry %s (%s) of build %s: %w", e.ID, e.Type, e.Subject.ID, err)
	}
	view.Version = sequence
	view.UpdatedAt = e.At
	return view, nil
}

// buildReducers says for every type of entry what it does to a build's state.
var buildReducers = map[string]func(*BuildView, Entry) error{
	TypeBuildRequested:  reduceRequested,
	TypeBuildPinned:     reducePinned,
	TypeStageStarted:    reduceStageStarted,
	TypeStageFailed:     reduceStageFailed,
	TypeStageFinished:   reduceStageFinished,
	TypeStageConflict:   func(*BuildView, Entry) error { return nil },
	TypeGatePassed:      func(*BuildView, Entry) error { return nil },
	TypeGateFailed:      reduceGateFailed,
	TypeGateOverridden:  func(*BuildView, Entry) error { return nil },
	TypeOverrideRefused: func(*BuildView, Entry) error { return nil },
	TypeBuildWaiting:    reduceWaiting,
	TypeOperatorAction:  reduceOperatorAction,
	TypeRecordWritten:   reduceRecordWritten,
	TypeRecordAttested:  func(*BuildView, Entry) error { return nil },
	TypeBuildPassed:     reduceEnded,
	TypeBuildBlocked:    reduceEnded,
	TypeBuildFailed:     reduceEnded,
	TypeBuildStopped:    reduceEnded,
}

func reduceRequested(v *BuildView, e Entry) error {
	body, err := decode[BuildRequested](e)
	if err != nil {
		return err
	}
	*v = BuildView{
		Organization:   e.Organization,
		BuildID:        e.Subject.ID,
		State:          BuildPending,
		Codes:          []string{},
		Stage:          StepPin,
		Generation:     1,
		IdempotencyKey: body.IdempotencyKey,
		Request:        body.Request,
		Trigger:        body.Trigger,
		ReproduceOf:    body.ReproduceOf,
		CreatedAt:      e.At,
	}
	for _, step := range BuildSteps() {
		v.Steps = append(v.Steps, StepView{Stage: step, Status: StagePending})
	}
	return nil
}

func reducePinned(v *BuildView, e Entry) error {
	body, err := decode[BuildPinned](e)
	if err != nil {
		return err
	}
	v.State = BuildRunning
	v.Pins = &body.Pins
	v.PipelineID = body.PipelineID
	step := v.Step(StepPin)
	step.Status, step.Codes, step.Message = StagePass, nil, ""
	step.EndedAt = &e.At
	if step.StartedAt == nil {
		step.StartedAt = &v.CreatedAt
	}
	return nil
}

func reduceStageStarted(v *BuildView, e Entry) error {
	body, err := decode[StageStarted](e)
	if err != nil {
		return err
	}
	step, err := v.live(e)
	if err != nil {
		return err
	}
	v.passBefore(step.Stage)
	started := step.StartedAt
	if step.Generation != e.Correlation.Generation || started == nil {
		started = &e.At
	}
	*step = StepView{
		Stage:      step.Stage,
		Status:     StageRunning,
		Generation: e.Correlation.Generation,
		Attempt:    body.Attempt,
		StartedAt:  started,
		Inputs:     body.Inputs,
	}
	v.State = BuildRunning
	v.Stage = step.Stage
	v.WaitingUntil = nil
	return nil
}

func reduceStageFailed(v *BuildView, e Entry) error {
	body, err := decode[StageFailed](e)
	if err != nil {
		return err
	}
	step, err := v.live(e)
	if err != nil {
		return err
	}
	step.Codes, step.Message, step.Details = e.Codes, body.Message, body.Details
	step.Attempt, step.Generation = max(step.Attempt, body.Attempt), e.Correlation.Generation
	if step.StartedAt == nil {
		step.StartedAt = &e.At
	}
	if body.Final {
		step.Status = StageError
		step.EndedAt = &e.At
	}
	v.Stage = step.Stage
	return nil
}

func reduceStageFinished(v *BuildView, e Entry) error {
	body, err := decode[StageFinished](e)
	if err != nil {
		return err
	}
	step, err := v.live(e)
	if err != nil {
		return err
	}
	step.Status = StageGating
	step.EndedAt = &e.At
	step.Inputs, step.Outputs, step.Attachments = body.Inputs, body.Outputs, body.Attachments
	step.Metrics, step.Notes = body.Metrics, body.Notes
	step.Codes, step.Message, step.Details = nil, "", nil
	return nil
}

func reduceGateFailed(v *BuildView, e Entry) error {
	step, err := v.live(e)
	if err != nil {
		return err
	}
	step.Status = StageFail
	step.Codes = mergeCodes(step.Codes, e.Codes)
	v.Stage = step.Stage
	return nil
}

func reduceWaiting(v *BuildView, e Entry) error {
	body, err := decode[BuildWaits](e)
	if err != nil {
		return err
	}
	v.State = BuildWaiting
	v.Stage = body.Stage
	v.Codes = e.Codes
	v.WaitingUntil = &body.Until
	return nil
}

func reduceOperatorAction(v *BuildView, e Entry) error {
	body, err := decode[OperatorAction](e)
	if err != nil {
		return err
	}
	switch {
	case body.Action == ActionRetry:
		v.goOn(body.Stage)
		v.Generation = e.Correlation.Generation
		from := BuildIndex(body.Stage)
		for i := range v.Steps {
			if index := BuildIndex(v.Steps[i].Stage); index >= from && index >= 0 {
				v.Steps[i] = StepView{Stage: v.Steps[i].Stage, Status: StagePending}
			}
		}
	case body.Action == ActionOverride && body.After == BuildRunning:
		step, err := v.live(e)
		if err != nil {
			return err
		}
		v.goOn(body.Stage)
		// The next stage, or the end, shows that all gates let it on.
		step.Status, step.Codes = StageGating, nil
	}
	return nil
}

// goOn ends the wait for an operator.
func (v *BuildView) goOn(stage Stage) {
	v.State = BuildRunning
	v.Stage = stage
	v.Codes = []string{}
	v.WaitingUntil = nil
}

func reduceRecordWritten(v *BuildView, e Entry) error {
	v.Record = &e.Digest
	step := v.Step(StepRecord)
	step.Status = StagePass
	step.StartedAt, step.EndedAt = &e.At, &e.At
	return nil
}

func reduceEnded(v *BuildView, e Entry) error {
	body, err := decode[BuildEnded](e)
	if err != nil {
		return err
	}
	v.endedAt(body.State, body.Stage)
	for i := range v.Steps {
		if step := &v.Steps[i]; step.Stage != StepRecord {
			step.Status = recordedStatus(step.Status)
		}
	}
	v.State = body.State
	v.Codes = mergeCodes(nil, e.Codes)
	v.Stage = body.Stage
	v.WaitingUntil = nil
	return nil
}

// live returns the step that e is about, unless a retry has voided e.
func (v *BuildView) live(e Entry) (*StepView, error) {
	step := v.Step(e.Correlation.Stage)
	if step == nil {
		return nil, fmt.Errorf("no step %q in a build", e.Correlation.Stage)
	}
	if e.Correlation.Generation < step.Generation ||
		(step.Generation == 0 && e.Correlation.Generation < v.Generation && step.Status == StagePending) {
		return nil, fmt.Errorf("generation %d of %s: %w", e.Correlation.Generation, step.Stage, ErrVoided)
	}
	return step, nil
}

// passBefore marks the stages before one as passed: it may only start once all
// their gates have let it.
func (v *BuildView) passBefore(stage Stage) {
	for i := range v.Steps {
		if v.Steps[i].Stage == stage {
			return
		}
		if v.Steps[i].Status == StageGating {
			v.Steps[i].Status = StagePass
		}
	}
}

// endedAt marks the stages as passed that lie before the one at which the build
// ends.
func (v *BuildView) endedAt(state BuildState, stage Stage) {
	if state == BuildPassed {
		stage = StepRecord
	}
	if stage != "" {
		v.passBefore(stage)
	}
}

// mergeCodes returns the sorted union of two sets of codes, never nil.
func mergeCodes(a, b []string) []string {
	merged := make([]string, 0, len(a)+len(b))
	merged = append(append(merged, a...), b...)
	return sortedDistinct(merged)
}

func decode[T any](e Entry) (T, error) {
	var body T
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return body, fmt.Errorf("body of entry %s (%s): %w", e.ID, e.Type, err)
	}
	return body, nil
}
