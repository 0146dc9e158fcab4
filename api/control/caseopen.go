package control

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/person"
	"github.com/initkoa/orgo/records/store"
)

// Open opens a Case of a person's own.
func (c Cases) Open(ctx context.Context, organization string, request api.CaseRequest, key string, by api.Identity) (cases.Case, error) {
	opened := cases.Opened{
		Source: cmp.Or(request.Source, cases.SourceManual), Type: request.Type, Category: cmp.Or(request.Category, cases.Request),
		Summary: request.Summary, Description: request.Description, Tags: request.Tags, Refs: request.Refs,
		Cause: cases.Cause{Kind: cases.CauseRequest, ID: key}, Ordinal: 1, Codes: distinct(request.Codes),
	}
	facts := factsOf(opened, request.Handling)
	facts.Stage, facts.Channel = request.Stage, request.Channel
	rules, err := c.rules(ctx, organization, request.Rules)
	if err != nil {
		return cases.Case{}, err
	}
	return c.open(ctx, organization, opened, request.Handling, facts, rules, request.Reason, by)
}

// open opens a Case that a person asks for, once. What was asked is compared with what
// was opened, under the route that it was opened with: routing may have changed since.
func (c Cases) open(
	ctx context.Context, organization string, opened cases.Opened, handling client.Handling, facts routing.Facts, rules routing.Rules, reason string, by api.Identity,
) (cases.Case, error) {
	id := cases.ID(organization, opened.Cause, opened.Ordinal)
	kept, err := c.kept(ctx, organization, id)
	if err != nil {
		return cases.Case{}, err
	}
	if kept == nil {
		entry, err := c.opening(organization, opened, handling, facts, rules, reason, by)
		if err != nil {
			return cases.Case{}, err
		}
		_, err = c.Append(ctx, entry)
		if err == nil {
			return c.CaseStore.Case(ctx, organization, id)
		}
		// Another request under the same key came first, a moment ago.
		if !errors.As(err, new(*store.EntryConflict)) {
			return cases.Case{}, err
		}
		if kept, err = c.kept(ctx, organization, id); err != nil || kept == nil {
			return cases.Case{}, err
		}
	}
	opened.Route = handled(kept.Route, handling)
	is, err := records.CanonicalDigest(opened)
	if err != nil {
		return cases.Case{}, err
	}
	if was, err := records.CanonicalDigest(*kept); err != nil || is != was {
		return cases.Case{}, refuse(gates.IdempotencyKeyReused, err, "idempotency key %q belongs to case %s, which was asked for otherwise", opened.Cause.ID, id)
	}
	return c.CaseStore.Case(ctx, organization, id)
}

// kept returns what opened a Case, or nil.
func (c Cases) kept(ctx context.Context, organization, caseID string) (*cases.Opened, error) {
	entry, err := cases.Entry(organization, caseID, cases.TypeOpened, cases.Act{}, struct{}{})
	if err != nil {
		return nil, err
	}
	stored, err := c.Entry(ctx, organization, entry.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var opened cases.Opened
	if err := json.Unmarshal(stored.Body, &opened); err != nil {
		return nil, fmt.Errorf("opening of case %s: %w", caseID, err)
	}
	return &opened, nil
}

// opening routes a Case and makes the entry that opens it.
func (c Cases) opening(
	organization string, opened cases.Opened, handling client.Handling, facts routing.Facts, rules routing.Rules, reason string, by api.Identity,
) (records.Entry, error) {
	if person.Alike(by.Actor, records.SystemActor) {
		return records.Entry{}, refuse(gates.RequestInvalid, nil, "%s is what Orgo calls itself: somebody else opens a case", by.Actor)
	}
	facts.Organization = organization
	route, _ := routing.Route(facts, rules)
	if len(opened.Route.Tasks) > 0 { // of a line of an import
		route.Tasks = opened.Route.Tasks
	}
	opened.Route = handled(route, handling)
	entry, err := cases.Opening(organization, cases.Act{Actor: by.Actor, Reason: reason, At: c.Clock.Now()}, opened)
	if err != nil {
		return entry, err
	}
	// Refused here, so that nobody waits for the database to hear of it.
	_, err = cases.Reduce(cases.Case{}, entry, 1)
	return entry, err
}

// factsOf returns what a Case is routed by that a person opens.
func factsOf(opened cases.Opened, handling client.Handling) routing.Facts {
	return routing.Facts{
		Cause: opened.Cause.Kind, Reasons: gates.CaseReasons(opened.Codes), Severity: handling.Severity,
		Incident: opened.Category == cases.Incident, Occurrences: 1,
	}
}

// handled returns a route with what whoever opens the Case decides of it.
func handled(route cases.Route, h client.Handling) cases.Route {
	route.Label = cmp.Or(h.Label, route.Label)
	route.Priority = cmp.Or(h.Priority, route.Priority)
	route.Severity = cmp.Or(h.Severity, route.Severity)
	route.Visibility = cmp.Or(h.Visibility, route.Visibility)
	route.RespondWithin = cmp.Or(h.RespondWithin, route.RespondWithin)
	route.ResolveWithin = cmp.Or(h.ResolveWithin, route.ResolveWithin)
	if len(h.Owners) > 0 {
		route.Owners = h.Owners
	}
	return route
}

// routingPolicies is how many bundles are looked at for one that routes Cases, the
// newest first.
const routingPolicies = 20

// Route returns the route of a Case with such facts. Without rules it is by the newest
// bundle of the organization, among the last that were registered, that routes Cases, or
// else by what is built in.
func (c Cases) Route(ctx context.Context, organization string, facts routing.Facts, rules *gates.Ruleset) (cases.Route, routing.Explanation, error) {
	facts.Organization = organization
	by, err := c.rules(ctx, organization, rules)
	if err != nil {
		return cases.Route{}, routing.Explanation{}, err
	}
	route, why := routing.Route(facts, by)
	return route, why, nil
}

func (c Cases) rules(ctx context.Context, organization string, given *gates.Ruleset) (routing.Rules, error) {
	now := c.Clock.Now()
	if given != nil {
		return given.CaseRouting(now), nil
	}
	registered, _, err := c.Policies.List(ctx, organization, "", routingPolicies)
	if err != nil {
		return routing.Rules{}, err
	}
	for _, each := range registered {
		bundle, _, err := c.Policies.Read(ctx, organization, api.PolicyName{Digest: each.Bundle.Digest})
		if errors.As(err, new(*mandate.Error)) {
			continue // it is trusted no more: it decides nothing
		}
		if err != nil {
			return routing.Rules{}, err
		}
		if found := bundle.Rules.CaseRouting(now); found.Policy != nil {
			return found, nil
		}
	}
	return gates.Ruleset{}.CaseRouting(now), nil
}

// distinct returns codes sorted, each once; of none, none.
func distinct(codes []string) []string {
	sorted := slices.Clone(codes)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
