package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records/cases"
)

func (s *server) registerCaseActions(api huma.API) {
	caseAction[client.MoveCase](s, api, "Take a case to another state", "Completing one while a build runs that it is about is refused with CASE_CAUSE_ACTIVE; with force it is recorded with that code.")
	caseAction[client.AssignCase](s, api, "Change who owns a case", "")
	caseAction[client.ReopenCase](s, api, "Take a case that has ended back to OPEN, where its route lets it", "")
	caseAction[client.LinkCase](s, api, "Add a reference to a case", "")
	caseAction[client.CommentCase](s, api, "Say something about a case", "")
}

// MayMatch is a call that may say in the header which version its writer has seen. It is
// exported because huma looks into no other embedded struct.
type MayMatch struct {
	IfMatch string `header:"If-Match" maxLength:"30" doc:"The ETag that you have seen; as version in the body, which counts before it"`
}

// seen puts the version that the header bears into one that the body has not.
func (m MayMatch) seen(versioned *client.Seen) error {
	if m.IfMatch == "" || m.IfMatch == "*" || versioned == nil || versioned.Version != 0 {
		return nil
	}
	version, err := strconv.ParseInt(strings.Trim(m.IfMatch, `"`), 10, 64)
	if err != nil || version < 1 {
		return invalid("header.If-Match", "is no ETag of a case or a task")
	}
	versioned.Version = version
	return nil
}

type caseActionInput[B any] struct {
	CasePath
	MayBeKeyed
	MayMatch
	Body B
}

// caseAction registers something that is done to Cases. What it is called is in the body.
func caseAction[B client.CaseAction](s *server, api huma.API, summary, description string) {
	var none B
	name, _, _, _ := none.ForCase()
	guarded(s, api, huma.Operation{
		OperationID: name + "-case", Method: http.MethodPost, Path: "/v1/cases/{id}/" + name, Tags: []string{"cases"},
		Summary: summary, Description: description, MaxBodyBytes: actionBytes,
	}, func(ctx context.Context, caller Identity, in *caseActionInput[B]) (*caseAnswer, error) {
		if err := in.seen(seenOf(&in.Body)); err != nil {
			return nil, err
		}
		_, typ, body, reason := in.Body.ForCase()
		act := CaseAct{Type: typ, Body: body, Reason: reason, Key: in.key(), Force: forced(in.Body)}
		found, err := s.cases.Act(ctx, in.ID, act, caller)
		if err != nil {
			return nil, s.caseError(ctx, caller, err)
		}
		return answerCase(found), nil
	})
}

func forced(action client.CaseAction) bool {
	move, is := action.(client.MoveCase)
	return is && move.Force
}

// seenOf returns the version in a body, or nil if such a body has none.
func seenOf(body any) *client.Seen {
	switch b := body.(type) {
	case *client.MoveCase:
		return &b.Seen
	case *client.AssignCase:
		return &b.Seen
	case *client.ReopenCase:
		return &b.Seen
	case *client.MoveTask:
		return &b.Seen
	case *client.AssignTask:
		return &b.Seen
	default:
		return nil
	}
}

// addTaskInput adds a Task.
type addTaskInput struct {
	CasePath
	MayBeKeyed
	Body client.AddTask
}

// taskType is the type of a Task where nothing is said.
const taskType = "task"

func (s *server) addTask(ctx context.Context, caller Identity, in *addTaskInput) (*taskAnswer, error) {
	plan := cases.Plan{
		Key: in.Body.Key, Type: in.Body.Type, Category: in.Body.Category, Title: in.Body.Title, Description: in.Body.Description,
		Owner: in.Body.Owner, Priority: in.Body.Priority, Label: in.Body.Label, DueWithin: in.Body.DueWithin, ReactWithin: in.Body.ReactWithin,
	}
	key := in.key()
	if plan.Key == "" {
		plan.Key = key
	}
	if plan.Type == "" {
		plan.Type = taskType
	}
	id := cases.TaskID(in.ID, plan.Key)
	found, err := s.cases.Act(ctx, in.ID, CaseAct{
		Type: cases.TypeTaskOpened, Body: cases.TaskOpened{TaskID: id, Source: cases.SourceManual, Plan: plan}, Reason: in.Body.Reason, Key: key,
	}, caller)
	if err != nil {
		return nil, s.caseError(ctx, caller, err)
	}
	return answerTask(found, id)
}
