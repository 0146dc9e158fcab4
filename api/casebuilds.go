package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

func (s *server) registerCaseBuilds(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "build-from-case", Method: http.MethodPost, Path: "/v1/cases/{id}/builds", Tags: []string{"cases"},
		Summary: "Start a build that follows from a case",
		Description: "A build of its own, with the case as its trigger (incident): nothing that was built is changed. The case refers to it. " +
			"Without build in the body it is asked for what the build was that the case is about. The same key is the same build.",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: s.limits.RequestBytes,
	}, s.buildFromCase)
}

type buildFromCaseInput struct {
	CasePath
	Keyed
	Body client.BuildFromCase
}

type caseBuildAnswer struct {
	Location string `header:"Location"`
	Body     client.CaseBuild
}

// startedNote is what the reference to such a build says.
const startedNote = "started from this case"

func (s *server) buildFromCase(ctx context.Context, caller Identity, in *buildFromCaseInput) (*caseBuildAnswer, error) {
	of, err := s.cases.Case(ctx, caller, in.ID)
	if err != nil {
		return nil, err
	}
	ref := cases.Ref{Type: cases.CauseBuild, Ref: records.BuildID(caller.Organization, in.IdempotencyKey), Note: startedNote}
	if of.Status.Terminal() && !refersTo(of, ref) {
		return nil, refusef(gates.CaseTerminal, "case %s is %s: reopen it, or open another", of.CaseID, of.Status)
	}
	request, err := s.requestOfCase(ctx, caller, of, in)
	if err != nil {
		return nil, err
	}
	view, err := s.builds.Start(ctx, request)
	if view.BuildID == "" {
		return nil, err
	}
	// Linked also if it is recorded and could not be handed to Temporal: it starts later.
	after, linkErr := s.cases.Act(ctx, of.CaseID, CaseAct{
		Type: cases.TypeLinked, Body: cases.Linked{Ref: ref}, Reason: in.Body.Reason, Key: "build/" + view.BuildID,
	}, caller)
	switch {
	case err != nil:
		return nil, err
	case linkErr != nil:
		return nil, s.caseError(ctx, caller, linkErr)
	}
	s.log.InfoContext(ctx, "a build follows from a case", "request_id", infoOf(ctx).id, "organization", caller.Organization,
		"actor", caller.Actor, "case_id", of.CaseID, "build_id", view.BuildID)
	return &caseBuildAnswer{Location: location(view.BuildID), Body: client.CaseBuild{Build: view, Case: after}}, nil
}

func refersTo(of cases.Case, ref cases.Ref) bool {
	for _, has := range of.Refs {
		if has.Type == ref.Type && has.Ref == ref.Ref {
			return true
		}
	}
	return false
}

// requestOfCase returns the request of a build that follows from a Case.
func (s *server) requestOfCase(ctx context.Context, caller Identity, of cases.Case, in *buildFromCaseInput) (records.BuildRequest, error) {
	trigger := client.BuildTrigger{Type: records.TriggerIncident, Reason: in.Body.Reason, SourceRef: cases.SubjectCase + "/" + of.CaseID}
	if in.Body.Build != nil {
		return s.requestOf(ctx, caller, in.IdempotencyKey, *in.Body.Build, trigger)
	}
	before := buildOf(of)
	if before == "" {
		return records.BuildRequest{}, invalid("body.build", "case %s is about no build: say what is to be built", of.CaseID)
	}
	view, err := s.reader.Build(ctx, caller.Organization, before)
	if err != nil {
		return records.BuildRequest{}, err
	}
	text, err := s.artifacts.ReadAll(ctx, view.Request, s.limits.RequestBytes)
	if err != nil {
		return records.BuildRequest{}, err
	}
	var asked records.BuildRequest
	if err := json.Unmarshal(text, &asked); err != nil {
		return records.BuildRequest{}, fmt.Errorf("request of build %s: %w", before, err)
	}
	request := newRequest(caller, in.IdempotencyKey, trigger)
	request.Inputs, request.Pipeline, request.Policy, request.Contracts = asked.Inputs, asked.Pipeline, asked.Policy, asked.Contracts
	return request, nil
}

// buildOf returns the build that a Case is about: its cause, or the first that it
// refers to and that did not follow from it.
func buildOf(of cases.Case) string {
	if of.Cause.Kind == cases.CauseBuild {
		return of.Cause.ID
	}
	var followed string
	for _, ref := range of.Refs {
		switch {
		case ref.Type != cases.CauseBuild:
		case ref.Note != startedNote:
			return ref.Ref
		default:
			followed = cmp.Or(followed, ref.Ref)
		}
	}
	return followed
}
