package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/initkoa/orgo/records"
)

// Start starts a build and returns it. The same key with the same request is
// the same build, however often it is started; an empty key becomes a new one.
func (c *Client) Start(ctx context.Context, request StartBuild, key string) (records.BuildView, error) {
	call, err := post(request, orNewKey(key), "v1", "builds")
	if err != nil {
		return records.BuildView{}, err
	}
	return c.build(ctx, call)
}

// Build returns the current state of a build.
func (c *Client) Build(ctx context.Context, id string) (records.BuildView, error) {
	return c.build(ctx, get("v1", "builds", id))
}

// Builds returns a page of builds, newest first.
func (c *Client) Builds(ctx context.Context, query ListQuery) (BuildList, error) {
	call := get("v1", "builds")
	call.query = url.Values{}
	for name, value := range map[string]string{
		"state": string(query.State), "pipeline": query.Pipeline, "cursor": query.Cursor,
	} {
		if value != "" {
			call.query.Set(name, value)
		}
	}
	if query.Limit > 0 {
		call.query.Set("limit", strconv.Itoa(query.Limit))
	}
	var list BuildList
	return list, c.json(ctx, call, &list)
}

// Stop ends a build: at the next safe boundary, or at once.
func (c *Client) Stop(ctx context.Context, id string, request StopBuild) (records.BuildView, error) {
	call, err := post(request, "", "v1", "builds", id, "stop")
	if err != nil {
		return records.BuildView{}, err
	}
	return c.build(ctx, call)
}

// Retry runs a waiting build again from a stage, as a new generation.
func (c *Client) Retry(ctx context.Context, id string, request RetryStage) (records.BuildView, error) {
	call, err := post(request, "", "v1", "builds", id, "retry")
	if err != nil {
		return records.BuildView{}, err
	}
	return c.build(ctx, call)
}

// Override lets a waiting build go on although a gate refused it.
func (c *Client) Override(ctx context.Context, id string, request OverrideGate) (records.BuildView, error) {
	call, err := post(request, "", "v1", "builds", id, "override")
	if err != nil {
		return records.BuildView{}, err
	}
	return c.build(ctx, call)
}

// Reproduce runs a build again from its pins and its snapshot alone, as a build
// of its own. Keys are those of Start.
func (c *Client) Reproduce(ctx context.Context, id string, request ReproduceBuild, key string) (records.BuildView, error) {
	call, err := post(request, orNewKey(key), "v1", "builds", id, "reproduce")
	if err != nil {
		return records.BuildView{}, err
	}
	return c.build(ctx, call)
}

// The forms of a Build Record and of a Release Record.
const (
	FormatOrgo = "orgo" // everything Orgo knows
	FormatKOA  = "koa"  // the interop form
)

// Record returns the Build Record of an ended build as JSON.
func (c *Client) Record(ctx context.Context, id, format string) (json.RawMessage, error) {
	call := get("v1", "builds", id, "record")
	call.query = url.Values{"format": {format}}
	return c.raw(ctx, call)
}

// Why returns every condition that keeps a build from passing.
func (c *Client) Why(ctx context.Context, id string) (Why, error) {
	var why Why
	return why, c.json(ctx, get("v1", "builds", id, "why"), &why)
}

// Entries returns entries of a build, those after a sequence number.
func (c *Client) Entries(ctx context.Context, id string, after int64, limit int) (EntryList, error) {
	return c.entries(ctx, "builds", id, after, limit)
}

func (c *Client) entries(ctx context.Context, of, id string, after int64, limit int) (EntryList, error) {
	call := get("v1", of, id, "entries")
	call.query = url.Values{"after": {strconv.FormatInt(after, 10)}}
	if limit > 0 {
		call.query.Set("limit", strconv.Itoa(limit))
	}
	var list EntryList
	return list, c.json(ctx, call, &list)
}

// Reasons returns every reason code.
func (c *Client) Reasons(ctx context.Context) ([]Reason, error) {
	var list ReasonList
	return list.Reasons, c.json(ctx, get("v1", "reasons"), &list)
}

// Reason explains one reason code.
func (c *Client) Reason(ctx context.Context, code string) (Reason, error) {
	var reason Reason
	return reason, c.json(ctx, get("v1", "reasons", code), &reason)
}

// DefaultPipeline returns the pipeline that builds use which name none.
func (c *Client) DefaultPipeline(ctx context.Context) (json.RawMessage, error) {
	return c.raw(ctx, get("v1", "pipelines", "default"))
}

// raw makes the call and returns its answer as it is.
func (c *Client) raw(ctx context.Context, call call) (json.RawMessage, error) {
	answer, err := c.do(ctx, call)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return readAnswer(answer)
}

func (c *Client) build(ctx context.Context, call call) (records.BuildView, error) {
	var view records.BuildView
	return view, c.json(ctx, call, &view)
}

// changed returns the build once its version is above after, or as it is when
// wait has passed.
func (c *Client) changed(ctx context.Context, id string, after int64, wait time.Duration) (records.BuildView, error) {
	call := get("v1", "builds", id)
	call.query = changeAfter(after, wait)
	return c.build(ctx, call)
}

// NewKey returns an idempotency key that nobody used before: at least 128
// random bits.
func NewKey() string { return rand.Text() }

func orNewKey(key string) string {
	if key == "" {
		return NewKey()
	}
	return key
}
