package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/initkoa/orgo/records/cases"
)

// CreateCase opens a Case and returns it. The same key with the same request is the same
// Case; an empty key becomes a new one.
func (c *Client) CreateCase(ctx context.Context, request CreateCase, key string) (cases.Case, error) {
	call, err := post(request, orNewKey(key), "v1", "cases")
	if err != nil {
		return cases.Case{}, err
	}
	return c.governed(ctx, call)
}

// Case returns a Case as it is now, with its Tasks.
func (c *Client) Case(ctx context.Context, id string) (cases.Case, error) {
	return c.governed(ctx, get("v1", "cases", id))
}

// CaseForm returns a Case as JSON, in one of the forms of Record.
func (c *Client) CaseForm(ctx context.Context, id, format string) (json.RawMessage, error) {
	call := get("v1", "cases", id)
	call.query = url.Values{"format": {format}}
	return c.raw(ctx, call)
}

// CaseHistory returns entries of a Case, those after a sequence number.
func (c *Client) CaseHistory(ctx context.Context, id string, after int64, limit int) (EntryList, error) {
	call := get("v1", "cases", id, "history")
	call.query = url.Values{"after": {strconv.FormatInt(after, 10)}}
	if limit > 0 {
		call.query.Set("limit", strconv.Itoa(limit))
	}
	var list EntryList
	return list, c.json(ctx, call, &list)
}

// Cases returns a page of Cases.
func (c *Client) Cases(ctx context.Context, query CaseQuery) (CaseList, error) {
	call := get("v1", "cases")
	call.query = query.values()
	var list CaseList
	return list, c.json(ctx, call, &list)
}

// EachCase yields every Case that a query selects, page by page. An error is the last
// thing yielded.
func (c *Client) EachCase(ctx context.Context, query CaseQuery) iter.Seq2[cases.Case, error] {
	return each(query.Cursor, func(cursor string) ([]cases.Case, string, error) {
		query.Cursor = cursor
		list, err := c.Cases(ctx, query)
		return list.Cases, list.Next, err
	})
}

// ActOnCase does something to a Case, and returns it as it is then. The same key is the
// same action; an empty key becomes a new one.
func (c *Client) ActOnCase(ctx context.Context, id string, action CaseAction, key string) (cases.Case, error) {
	name, _, _, _ := action.ForCase()
	call, err := post(action, orNewKey(key), "v1", "cases", id, name)
	if err != nil {
		return cases.Case{}, err
	}
	return c.governed(ctx, call)
}

// MoveCases takes many Cases to another state, or says what would happen. Keys are those
// of ActOnCase.
func (c *Client) MoveCases(ctx context.Context, request MoveCases, key string) (MovedCases, error) {
	var moved MovedCases
	call, err := post(request, orNewKey(key), "v1", "cases", "transition")
	if err != nil {
		return moved, err
	}
	return moved, c.json(ctx, call, &moved)
}

// BuildFromCase starts a build that follows from a Case. Keys are those of Start.
func (c *Client) BuildFromCase(ctx context.Context, id string, request BuildFromCase, key string) (CaseBuild, error) {
	var started CaseBuild
	call, err := post(request, orNewKey(key), "v1", "cases", id, "builds")
	if err != nil {
		return started, err
	}
	return started, c.json(ctx, call, &started)
}

// RouteCase says which route a Case would take, and why.
func (c *Client) RouteCase(ctx context.Context, request RouteCase) (CaseRoute, error) {
	var route CaseRoute
	call, err := post(request, "", "v1", "cases", "route")
	if err != nil {
		return route, err
	}
	call.repeatable = true
	return route, c.json(ctx, call, &route)
}

func (c *Client) governed(ctx context.Context, call call) (cases.Case, error) {
	var found cases.Case
	return found, c.json(ctx, call, &found)
}

// each yields what pages hold, from a cursor on.
func each[T any](cursor string, page func(cursor string) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			found, next, err := page(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, one := range found {
				if !yield(one, nil) {
					return
				}
			}
			if cursor = next; cursor == "" {
				return
			}
		}
	}
}

func (q CaseQuery) values() url.Values {
	values := url.Values{}
	addTo(values, "status", q.Statuses)
	addTo(values, "priority", q.Priorities)
	addTo(values, "severity", q.Severities)
	addTo(values, "type", q.Types)
	if q.Cause != nil {
		values.Set("cause", q.Cause.String())
	}
	listing{q.Open, q.Mine, q.Label, q.Owners, q.DueBefore, q.DueFirst, q.Limit, q.Cursor}.addTo(values)
	return values
}

func (q TaskQuery) values() url.Values {
	values := url.Values{}
	addTo(values, "status", q.Statuses)
	addTo(values, "priority", q.Priorities)
	if q.CaseID != "" {
		values.Set("case_id", q.CaseID)
	}
	listing{q.Open, q.Mine, q.Label, q.Owners, q.DueBefore, q.DueFirst, q.Limit, q.Cursor}.addTo(values)
	return values
}

// listing is what lists of Cases and of Tasks are asked in the same way.
type listing struct {
	open, mine bool
	label      string
	owners     []cases.Owner
	dueBefore  time.Time
	dueFirst   bool
	limit      int
	cursor     string
}

func (l listing) addTo(values url.Values) {
	for name, value := range map[string]string{"label": l.label, "cursor": l.cursor} {
		if value != "" {
			values.Set(name, value)
		}
	}
	for name, value := range map[string]bool{"open": l.open, "mine": l.mine} {
		if value {
			values.Set(name, "true")
		}
	}
	for _, owner := range l.owners {
		values.Add("owner", string(owner.Kind)+":"+owner.ID)
	}
	if !l.dueBefore.IsZero() {
		values.Set("due_before", l.dueBefore.UTC().Format(time.RFC3339))
	}
	if l.dueFirst {
		values.Set("order", "due")
	}
	if l.limit > 0 {
		values.Set("limit", strconv.Itoa(l.limit))
	}
}

func addTo[S ~string](values url.Values, name string, all []S) {
	for _, value := range all {
		values.Add(name, string(value))
	}
}
