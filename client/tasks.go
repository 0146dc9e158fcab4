package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
)

// AddTask adds a Task to a Case, and returns it. Keys are those of ActOnCase.
func (c *Client) AddTask(ctx context.Context, caseID string, request AddTask, key string) (Task, error) {
	call, err := post(request, orNewKey(key), "v1", "cases", caseID, "tasks")
	if err != nil {
		return Task{}, err
	}
	return c.task(ctx, call)
}

// Task returns a Task as it is now.
func (c *Client) Task(ctx context.Context, id string) (Task, error) {
	return c.task(ctx, get("v1", "tasks", id))
}

// TaskForm returns a Task as JSON, in one of the forms of Record.
func (c *Client) TaskForm(ctx context.Context, id, format string) (json.RawMessage, error) {
	call := get("v1", "tasks", id)
	call.query = url.Values{"format": {format}}
	return c.raw(ctx, call)
}

// Tasks returns a page of Tasks.
func (c *Client) Tasks(ctx context.Context, query TaskQuery) (TaskList, error) {
	call := get("v1", "tasks")
	call.query = query.values()
	var list TaskList
	return list, c.json(ctx, call, &list)
}

// EachTask yields every Task that a query selects, as EachCase does with Cases.
func (c *Client) EachTask(ctx context.Context, query TaskQuery) iter.Seq2[Task, error] {
	return each(query.Cursor, func(cursor string) ([]Task, string, error) {
		query.Cursor = cursor
		list, err := c.Tasks(ctx, query)
		return list.Tasks, list.Next, err
	})
}

// ActOnTask does something to a Task, and returns it as it is then. Keys are those of
// ActOnCase.
func (c *Client) ActOnTask(ctx context.Context, id string, action TaskAction, key string) (Task, error) {
	name, _, _, _ := action.ForTask(id)
	call, err := post(action, orNewKey(key), "v1", "tasks", id, name)
	if err != nil {
		return Task{}, err
	}
	return c.task(ctx, call)
}

func (c *Client) task(ctx context.Context, call call) (Task, error) {
	var found Task
	return found, c.json(ctx, call, &found)
}
