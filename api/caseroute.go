package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

func (s *server) registerCaseRoute(api huma.API) {
	const description = "Nothing is recorded. Every rule is listed in order: which matched, and of the others the first condition that did not hold."
	guarded(s, api, huma.Operation{
		OperationID: "explain-route", Method: http.MethodGet, Path: "/v1/cases/route", Tags: []string{"cases"},
		Summary: "Say which route a case takes, and why", Description: description,
	}, s.explainRoute)
	guarded(s, api, huma.Operation{
		OperationID: "try-route", Method: http.MethodPost, Path: "/v1/cases/route", Tags: []string{"cases"},
		Summary: "Say which route a case takes under a policy, and why", Description: description, MaxBodyBytes: s.limits.RequestBytes,
	}, s.tryRoute)
}

// routeInput asks for a route by the policy that holds.
type routeInput struct {
	CaseID      string        `query:"case_id" format:"uuid" doc:"A case whose facts are taken"`
	Cause       string        `query:"cause" maxLength:"100" doc:"The kind of what it is about; request if absent"`
	Codes       []string      `query:"code,explode" maxItems:"100" doc:"A reason code; repeatable"`
	Stage       records.Stage `query:"stage" maxLength:"50"`
	Channel     string        `query:"channel" maxLength:"129" doc:"environment/channel"`
	Severity    string        `query:"severity" enum:"SEV1,SEV2,SEV3,SEV4"`
	Incident    bool          `query:"incident"`
	Active      bool          `query:"active"`
	Occurrences int           `query:"occurrences" minimum:"0"`
	Affected    int           `query:"affected" minimum:"0"`
}

func (s *server) explainRoute(ctx context.Context, caller Identity, in *routeInput) (*struct{ Body client.CaseRoute }, error) {
	return s.route(ctx, caller, places{"query", "query.code"}, client.RouteCase{
		CaseID: in.CaseID, Cause: in.Cause, Codes: in.Codes, Severity: in.Severity, Incident: in.Incident, Active: in.Active,
		Occurrences: in.Occurrences, Affected: in.Affected, RouteFacts: client.RouteFacts{Stage: in.Stage, Channel: in.Channel},
	})
}

func (s *server) tryRoute(ctx context.Context, caller Identity, in *struct{ Body client.RouteCase }) (*struct{ Body client.CaseRoute }, error) {
	return s.route(ctx, caller, places{"body", "body.reason_codes"}, in.Body)
}

// places are where a request says what a Case is routed by.
type places struct{ facts, codes string }

func (s *server) route(ctx context.Context, caller Identity, at places, asked client.RouteCase) (*struct{ Body client.CaseRoute }, error) {
	rules, err := s.routingRules(ctx, caller, asked.Policy)
	if err != nil {
		return nil, err
	}
	var answer client.CaseRoute
	facts := routing.Facts{}
	if asked.CaseID != "" {
		of, err := s.cases.Case(ctx, caller, asked.CaseID)
		if err != nil {
			return nil, err
		}
		facts, answer.Recorded = factsOf(of), &of.Route
	} else if facts, err = askedFacts(at, asked); err != nil {
		return nil, err
	}
	answer.Route, answer.Explanation, err = s.cases.Route(ctx, caller.Organization, facts, rules)
	return &struct{ Body client.CaseRoute }{answer}, err
}

// askedFacts reads facts that a caller gives.
func askedFacts(at places, asked client.RouteCase) (routing.Facts, error) {
	if asked.Cause == "" {
		asked.Cause = cases.CauseRequest
	}
	if !knownCause(asked.Cause) {
		return routing.Facts{}, invalid(at.facts+".cause", "is none of %v", cases.CauseKinds())
	}
	if err := checkCodes(at.codes, asked.Codes); err != nil {
		return routing.Facts{}, err
	}
	if err := checkFacts(at.facts, asked.RouteFacts); err != nil {
		return routing.Facts{}, err
	}
	return routing.Facts{
		Cause: asked.Cause, Reasons: gates.CaseReasons(asked.Codes), Stage: asked.Stage, Channel: asked.Channel, Active: asked.Active,
		Incident: asked.Incident, Occurrences: asked.Occurrences, Affected: asked.Affected, Severity: asked.Severity,
	}, nil
}

// knownCause reports whether there is such a kind of cause.
func knownCause(kind string) bool {
	for _, known := range cases.CauseKinds() {
		if kind == known {
			return true
		}
	}
	return false
}

// factsOf returns what a Case is routed by, as far as it knows that itself.
func factsOf(c cases.Case) routing.Facts {
	facts := routing.Facts{
		Cause: c.Cause.Kind, Reasons: gates.CaseReasons(c.Codes), Severity: c.Route.Severity,
		Incident: c.Category == cases.Incident, Occurrences: c.Occurrences,
	}
	for _, ref := range c.Refs {
		if _, err := records.ParseChannelName(ref.Ref); ref.Type == "channel" && err == nil {
			facts.Channel = ref.Ref
		}
	}
	return facts
}

// routingRules returns the rules of a policy that a request names, or nil.
func (s *server) routingRules(ctx context.Context, caller Identity, policy json.RawMessage) (*gates.Ruleset, error) {
	if absent(policy) {
		return nil, nil
	}
	named, err := policyName(policy)
	if err != nil {
		return nil, err
	}
	bundle, _, err := s.policies.Read(ctx, caller.Organization, named)
	if err != nil {
		return nil, err
	}
	return &bundle.Rules, nil
}
