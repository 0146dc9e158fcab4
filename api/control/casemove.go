package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// bulkLimit is how many Cases of a filter are moved at once where nothing is said.
const bulkLimit = 100

// Move takes many Cases to another state. Each is an append of its own, under the
// version that it was read with: one that somebody else changes meanwhile is refused,
// and keeps no other back.
func (c Cases) Move(ctx context.Context, request client.MoveCases, key string, by api.Identity) (client.MovedCases, error) {
	result := client.MovedCases{DryRun: request.DryRun, Cases: []client.MovedCase{}}
	if request.Filter != nil {
		found, next, err := c.Cases(ctx, by, filterQuery(request))
		if err != nil {
			return result, err
		}
		result.Next = next
		for _, one := range found {
			if err := c.moveOne(ctx, &result, one, request, key, by); err != nil {
				return result, err
			}
		}
		return result, nil
	}
	for _, id := range once(request.IDs) {
		one, err := c.Case(ctx, by, id)
		if errors.Is(err, store.ErrNotFound) {
			result.Failed++
			result.Cases = append(result.Cases, client.MovedCase{CaseID: id, Code: string(gates.NotFound), Message: "there is no such case"})
			continue
		}
		if err != nil {
			return result, err
		}
		if err := c.moveOne(ctx, &result, one, request, key, by); err != nil {
			return result, err
		}
	}
	return result, nil
}

func filterQuery(request client.MoveCases) store.CaseQuery {
	f := request.Filter
	return store.CaseQuery{
		Open: true, Statuses: f.Statuses, Priorities: f.Priorities, Severities: f.Severities, Types: f.Types, Label: f.Label,
		Owners: f.Owners, Cause: f.Cause, DueBefore: f.DueBefore, Cursor: request.Cursor, Limit: cmp.Or(request.Limit, bulkLimit),
	}
}

// moveOne moves a Case, or finds out what would happen, and adds that to the result. Only
// what is no refusal is an error.
func (c Cases) moveOne(ctx context.Context, result *client.MovedCases, now cases.Case, request client.MoveCases, key string, by api.Identity) error {
	act := api.CaseAct{
		Type: cases.TypeMoved, Body: cases.Moved{To: request.To, Expects: now.Version, Resolution: request.Resolution},
		Reason: request.Reason, Key: key, Force: request.Force,
	}
	did := c.Act
	if request.DryRun {
		did = c.try
	}
	after, err := did(ctx, now.CaseID, act, by)
	item := client.MovedCase{CaseID: now.CaseID, From: now.Status, To: request.To, Version: after.Version}
	if err != nil {
		code, message, refused := refusalOf(err)
		if !refused {
			return fmt.Errorf("case %s, after %d others: %w", now.CaseID, len(result.Cases), err)
		}
		item.To, item.Version, item.Code, item.Message = "", now.Version, string(code), message
		result.Failed++
	} else {
		result.Moved++
	}
	result.Cases = append(result.Cases, item)
	return nil
}

// try returns what a Case would be after an act, and changes nothing.
func (c Cases) try(ctx context.Context, caseID string, act api.CaseAct, by api.Identity) (cases.Case, error) {
	now, err := c.Case(ctx, by, caseID)
	if err != nil {
		return now, err
	}
	entry, err := c.entry(by.Organization, caseID, act, by)
	if err != nil {
		return now, err
	}
	return c.would(ctx, now, &entry, act.Force)
}

// refusalOf returns why something was refused, if it was.
func refusalOf(err error) (code gates.Code, message string, refused bool) {
	var byCase *cases.Refusal
	if errors.As(err, &byCase) {
		return gates.Code(byCase.Code), byCase.Message, true
	}
	var own *api.Refusal
	if errors.As(err, &own) {
		return own.Code, own.Message, true
	}
	return "", "", false
}

// once returns ids in their order, each once.
func once(ids []string) []string {
	seen := map[string]bool{}
	var distinct []string
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			distinct = append(distinct, id)
		}
	}
	return distinct
}
