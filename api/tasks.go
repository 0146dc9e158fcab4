package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// TaskPath names the Task that a call is about, as CasePath does a Case.
type TaskPath struct {
	ID string `path:"id" format:"uuid" doc:"The id of the task"`
}

// taskAnswer is a Task as it is.
type taskAnswer struct {
	Location string `header:"Location"`
	ETag     string `header:"ETag"`
	Body     client.Task
}

// answerTask returns a Task of a Case.
func answerTask(of cases.Case, id string) (*taskAnswer, error) {
	task, err := taskOf(of, id)
	return &taskAnswer{Location: "/v1/tasks/" + id, ETag: etag(task.Version), Body: task}, err
}

func taskOf(of cases.Case, id string) (client.Task, error) {
	task := of.Task(id)
	if task == nil {
		return client.Task{}, fmt.Errorf("task %s of case %s: %w", id, of.CaseID, store.ErrNotFound)
	}
	return client.Task{CaseID: of.CaseID, CaseSummary: of.Summary, CaseVersion: of.Version, Task: *task}, nil
}

func (s *server) registerTasks(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "add-task", Method: http.MethodPost, Path: "/v1/cases/{id}/tasks", Tags: []string{"tasks"},
		Summary: "Add a task to a case", DefaultStatus: http.StatusCreated, MaxBodyBytes: actionBytes,
	}, s.addTask)
	guarded(s, api, huma.Operation{
		OperationID: "list-tasks", Method: http.MethodGet, Path: "/v1/tasks", Tags: []string{"tasks"},
		Summary: "List tasks, newest first or by what is due",
	}, s.listTasks)
	guarded(s, api, huma.Operation{
		OperationID: "get-task", Method: http.MethodGet, Path: "/v1/tasks/{id}", Tags: []string{"tasks"},
		Summary:     "Get a task",
		Description: "orgo is everything that Orgo knows; koa is the interop form.",
		Responses:   documentResponse(api, typeOf[client.Task](), "The task"),
	}, s.getTask)
	taskAction[client.MoveTask](s, api, "Take a task to another state")
	taskAction[client.AssignTask](s, api, "Change who is to do a task")
	taskAction[client.CommentTask](s, api, "Say something about a task")
}

// listTasksInput selects Tasks.
type listTasksInput struct {
	Statuses []cases.TaskStatus `query:"status,explode" maxItems:"7" enum:"PENDING,IN_PROGRESS,ON_HOLD,ESCALATED,COMPLETED,FAILED,CANCELLED" doc:"Only those in this state; repeatable"`
	CaseID   string             `query:"case_id" format:"uuid" doc:"Only those of this case"`
	CaseListing
}

func (s *server) listTasks(ctx context.Context, caller Identity, in *listTasksInput) (*struct{ Body client.TaskList }, error) {
	owners, err := in.owners(caller)
	if err != nil {
		return nil, err
	}
	found, next, err := s.cases.Tasks(ctx, caller, store.TaskQuery{
		Statuses: in.Statuses, Open: in.Open, Priorities: in.Priorities, Label: in.Label, Owners: owners, CaseID: in.CaseID,
		DueBefore: in.DueBefore, Order: in.order(), Cursor: in.Cursor, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	list := client.TaskList{Tasks: make([]client.Task, len(found)), Next: next}
	for i, listed := range found {
		list.Tasks[i] = client.Task{CaseID: listed.CaseID, CaseSummary: listed.CaseSummary, Task: listed.Task}
	}
	return &struct{ Body client.TaskList }{list}, nil
}

// taskInput asks for a Task in one of its forms.
type taskInput struct {
	TaskPath
	RecordForm
}

func (s *server) getTask(ctx context.Context, caller Identity, in *taskInput) (*versionedDocument, error) {
	of, err := s.cases.CaseOfTask(ctx, caller, in.ID)
	if err != nil {
		return nil, err
	}
	found, err := taskOf(of, in.ID)
	if err != nil {
		return nil, err
	}
	var form any = found
	if in.Format == client.FormatKOA {
		form = of.KOATask(found.Task)
	}
	body, err := records.Canonical(form)
	return &versionedDocument{ContentType: records.MediaJSON, ETag: etag(found.Version), Body: body}, err
}

type taskActionInput[B any] struct {
	TaskPath
	MayBeKeyed
	MayMatch
	Body B
}

// taskAction registers something that is done to Tasks, as caseAction does for Cases.
func taskAction[B client.TaskAction](s *server, api huma.API, summary string) {
	var none B
	name, _, _, _ := none.ForTask("")
	guarded(s, api, huma.Operation{
		OperationID: name + "-task", Method: http.MethodPost, Path: "/v1/tasks/{id}/" + name, Tags: []string{"tasks"},
		Summary: summary, MaxBodyBytes: actionBytes,
	}, func(ctx context.Context, caller Identity, in *taskActionInput[B]) (*taskAnswer, error) {
		if err := in.seen(seenOf(&in.Body)); err != nil {
			return nil, err
		}
		of, err := s.cases.CaseOfTask(ctx, caller, in.ID)
		if err != nil {
			return nil, err
		}
		_, typ, body, reason := in.Body.ForTask(in.ID)
		after, err := s.cases.Act(ctx, of.CaseID, CaseAct{Type: typ, Body: body, Reason: reason, Key: in.key()}, caller)
		if err != nil {
			return nil, s.caseError(ctx, caller, err)
		}
		return answerTask(after, in.ID)
	})
}
