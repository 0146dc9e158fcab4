package apitest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// Script writes the entries that a build leaves.
type Script struct {
	store        *store.Store
	artifacts    *artifacts.Store
	organization string
	id           string
}

// play writes a build of the given outcome, from its request on.
func (s *Script) play(ctx context.Context, request records.BuildRequest, ref records.Ref, outcome Outcome) error {
	err := s.append(ctx, records.KindEvent, records.TypeBuildRequested, "requested", records.Correlation{}, nil,
		records.BuildRequested{IdempotencyKey: request.IdempotencyKey, Request: ref, Trigger: request.Trigger, ReproduceOf: request.ReproduceOf})
	if err != nil || outcome == Pending {
		return err
	}
	if err := s.Pin(ctx, request); err != nil {
		return err
	}
	switch outcome {
	case Failed:
		return errors.Join(
			s.StageStarted(ctx, records.Ingest, 1),
			s.StageFailed(ctx, records.Ingest, 1, 1, gates.InputNotFound, "no such file: /nowhere"),
			s.End(ctx, records.BuildFailed, records.Ingest, gates.InputNotFound))
	case Blocked:
		return errors.Join(
			s.Stages(ctx, 1, "", records.Ingest, records.Extract, records.Resolve, records.Validate),
			s.GateFailed(ctx, records.Validate, 1, gates.GateValidation, gates.ValidationFailed, "status is failed: CONFLICTING_VALUE ×2"),
			s.End(ctx, records.BuildBlocked, records.Validate, gates.ValidationFailed))
	case Waiting:
		return errors.Join(
			s.Stages(ctx, 1, "", records.Ingest, records.Extract, records.Resolve, records.Validate),
			s.GateFailed(ctx, records.Validate, 1, gates.GateValidation, gates.ValidationFailed, "status is failed: CONFLICTING_VALUE ×2"),
			s.Wait(ctx, records.Validate, Epoch.Add(time.Hour), gates.ValidationFailed))
	default:
		variant := ""
		if outcome == Differs {
			variant = "differs"
		}
		return errors.Join(
			s.Stages(ctx, 1, "", records.Ingest, records.Extract, records.Resolve, records.Validate),
			s.Stages(ctx, 1, variant, records.Compile),
			s.End(ctx, records.BuildPassed, ""))
	}
}

// Pin writes that the build is pinned to what its request refers to.
func (s *Script) Pin(ctx context.Context, request records.BuildRequest) error {
	pins := records.Pins{
		SchemaVersion: "1.0.0", PipelineID: "orgo-default", PipelineVersion: "1.0.0",
		Pipeline: request.Pipeline, Policy: request.Policy, Contracts: request.Contracts,
	}
	data, err := records.Canonical(pins)
	if err != nil {
		return err
	}
	ref, err := s.artifacts.PutBytes(ctx, records.MediaJSON, data)
	if err != nil {
		return err
	}
	return s.append(ctx, records.KindEvent, records.TypeBuildPinned, "pinned", records.Correlation{Stage: records.StepPin, Generation: 1}, nil,
		records.BuildPinned{Pins: ref, PipelineID: pins.PipelineID})
}

// Stages writes that stages ran and finished. The variant changes the digests of
// their outputs.
func (s *Script) Stages(ctx context.Context, generation int, variant string, stages ...records.Stage) error {
	for _, stage := range stages {
		err := errors.Join(s.StageStarted(ctx, stage, generation), s.StageFinished(ctx, stage, generation, variant))
		if err != nil {
			return err
		}
	}
	return nil
}

// StageStarted writes that a stage began.
func (s *Script) StageStarted(ctx context.Context, stage records.Stage, generation int) error {
	return s.append(ctx, records.KindEvent, records.TypeStageStarted, fmt.Sprintf("%s/%d", stage, generation),
		records.Correlation{Stage: stage, Generation: generation, Attempt: 1}, nil,
		records.StageStarted{Key: s.key(stage, generation), Inputs: []records.Artifact{}, Attempt: 1})
}

// StageFinished writes that a stage yielded what the spine says it must.
func (s *Script) StageFinished(ctx context.Context, stage records.Stage, generation int, variant string) error {
	spec, _ := records.BuildStage(stage)
	finished := records.StageFinished{Key: s.key(stage, generation), Inputs: []records.Artifact{}, Outputs: []records.Artifact{}}
	for _, output := range spec.Outputs {
		ref, err := s.artifacts.PutBytes(ctx, records.MediaJSON, fmt.Appendf(nil, "{%q:%q}", output.Name, variant))
		if err != nil {
			return err
		}
		artifact := records.Artifact{Name: output.Name, Ref: ref}
		if output.Many {
			artifact.Path = "data/entities.jsonl"
		}
		finished.Outputs = append(finished.Outputs, artifact)
	}
	return s.append(ctx, records.KindOutput, records.TypeStageFinished, fmt.Sprintf("%s/%d", stage, generation),
		records.Correlation{Stage: stage, Generation: generation, Attempt: 1}, nil, finished)
}

// StageFailed writes that an attempt was the last and failed.
func (s *Script) StageFailed(ctx context.Context, stage records.Stage, generation, attempt int, code gates.Code, message string) error {
	return s.append(ctx, records.KindEvent, records.TypeStageFailed, fmt.Sprintf("%s/%d/%d", stage, generation, attempt),
		records.Correlation{Stage: stage, Generation: generation, Attempt: attempt}, []string{string(code)},
		records.StageFailed{Message: message, Details: []byte(`{"path":"/nowhere"}`), Attempt: attempt, Final: true})
}

// GateFailed writes that a gate refused.
func (s *Script) GateFailed(ctx context.Context, stage records.Stage, generation int, gate gates.Gate, code gates.Code, message string) error {
	evidence := records.DigestOf([]byte("the report"))
	return s.append(ctx, records.KindDecision, records.TypeGateFailed, fmt.Sprintf("%s/%d/%s", stage, generation, gate),
		records.Correlation{Stage: stage, Generation: generation}, []string{string(code)},
		gates.Decision{
			Gate: gate, Subject: gates.Subject{BuildID: s.id, Stage: stage, Generation: generation},
			Verdict: gates.Fail, Codes: []gates.Code{code}, EvaluatorVersion: gates.EvaluatorVersion, EvaluatedAt: Epoch,
			Findings: []gates.Finding{
				{RuleID: "validation/passed", Verdict: gates.Fail, Code: code, Message: message, Evidence: &evidence},
				{RuleID: "validation/advice", Verdict: gates.Fail, Code: gates.ValidationIssueLimit, Message: "advice only", Advisory: true},
				{RuleID: "orgo/validation-inputs", Verdict: gates.Pass},
			},
		})
}

// Wait writes that the build waits for an operator.
func (s *Script) Wait(ctx context.Context, stage records.Stage, until time.Time, codes ...gates.Code) error {
	return s.append(ctx, records.KindEvent, records.TypeBuildWaiting, fmt.Sprintf("%s/1", stage),
		records.Correlation{Stage: stage, Generation: 1}, texts(codes),
		records.BuildWaits{Stage: stage, Until: until, As: records.StageFail})
}

// Action writes what an operator did.
func (s *Script) Action(ctx context.Context, actor, reason string, action records.OperatorAction, generation int) error {
	entry, err := s.entry(records.KindEvent, records.TypeOperatorAction, fmt.Sprintf("%s/%d", action.Action, generation),
		records.Correlation{Stage: action.Stage, Generation: generation}, nil, action)
	if err != nil {
		return err
	}
	entry.Actor, entry.Reason = actor, reason
	_, err = s.store.Append(ctx, entry)
	return err
}

// End writes the Build Record and the end of the build.
func (s *Script) End(ctx context.Context, state records.BuildState, stage records.Stage, codes ...gates.Code) error {
	record, err := s.record(ctx, state, stage, codes)
	if err != nil {
		return err
	}
	written, err := s.entry(records.KindRecord, records.TypeRecordWritten, record.RecordVersion, records.Correlation{}, texts(codes), record)
	if err != nil {
		return err
	}
	ended, err := s.entry(records.KindEvent, endTypes[state], "ended", records.Correlation{Stage: stage}, texts(codes),
		records.BuildEnded{State: state, Stage: stage, Record: written.Digest})
	if err != nil {
		return err
	}
	_, err = s.store.Append(ctx, written, ended)
	return err
}

var endTypes = map[records.BuildState]string{
	records.BuildPassed:  records.TypeBuildPassed,
	records.BuildBlocked: records.TypeBuildBlocked,
	records.BuildFailed:  records.TypeBuildFailed,
	records.BuildStopped: records.TypeBuildStopped,
}

func (s *Script) record(ctx context.Context, state records.BuildState, stage records.Stage, codes []gates.Code) (records.BuildRecord, error) {
	view, err := s.store.Build(ctx, s.organization, s.id)
	if err != nil {
		return records.BuildRecord{}, err
	}
	stored, err := s.store.Entries(ctx, s.organization, s.subject(), store.EntryQuery{})
	if err != nil {
		return records.BuildRecord{}, err
	}
	nothing, err := s.artifacts.PutBytes(ctx, records.MediaJSON, []byte("{}"))
	if err != nil {
		return records.BuildRecord{}, err
	}
	sources := records.RecordSources{
		View: view, State: state, Codes: texts(codes), Stage: stage, EndedAt: Epoch.Add(time.Minute),
		EmptySnapshot: nothing, NotRunReport: nothing, Request: records.BuildRequest{Policy: nothing},
	}
	for _, entry := range stored {
		sources.Entries = append(sources.Entries, entry.Entry)
	}
	return records.AssembleBuildRecord(sources)
}

func (s *Script) append(
	ctx context.Context, kind records.EntryKind, typ, discriminator string, at records.Correlation, codes []string, body any,
) error {
	entry, err := s.entry(kind, typ, discriminator, at, codes, body)
	if err != nil {
		return err
	}
	_, err = s.store.Append(ctx, entry)
	return err
}

func (s *Script) entry(
	kind records.EntryKind, typ, discriminator string, at records.Correlation, codes []string, body any,
) (records.Entry, error) {
	at.BuildID = s.id
	return records.NewEntry(records.Entry{
		Organization: s.organization, Kind: kind, Type: typ, Subject: s.subject(),
		At: Epoch, Actor: "orgo", Codes: codes, Correlation: at,
	}, discriminator, body)
}

func (s *Script) subject() records.Subject {
	return records.Subject{Kind: records.SubjectBuild, ID: s.id}
}

func (s *Script) key(stage records.Stage, generation int) string {
	return fmt.Sprintf("%s/%s/%d", s.id, stage, generation)
}

func texts(codes []gates.Code) []string {
	texts := make([]string, len(codes))
	for i, code := range codes {
		texts[i] = string(code)
	}
	return texts
}
