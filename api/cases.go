package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// CasePath names the Case that a call is about, as BuildPath does a build.
type CasePath struct {
	ID string `path:"id" format:"uuid" doc:"The id of the case"`
}

// caseAnswer is a Case as it is.
type caseAnswer struct {
	Location string `header:"Location"`
	ETag     string `header:"ETag"`
	Body     cases.Case
}

func answerCase(found cases.Case) *caseAnswer {
	return &caseAnswer{ETag: etag(found.Version), Body: found}
}

// etag is the version of a Case or a Task as an entity tag (RFC 9110 §8.8.3).
func etag(version int64) string { return fmt.Sprintf("%q", fmt.Sprint(version)) }

func (s *server) registerCases(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "create-case", Method: http.MethodPost, Path: "/v1/cases", Tags: []string{"cases"},
		Summary:       "Open a case of one's own",
		Description:   "The same idempotency key with the same request is the same case; with another request it is refused.",
		DefaultStatus: http.StatusCreated, MaxBodyBytes: s.limits.RequestBytes,
	}, s.createCase)
	guarded(s, api, huma.Operation{
		OperationID: "list-cases", Method: http.MethodGet, Path: "/v1/cases", Tags: []string{"cases"},
		Summary: "List cases, newest first or by what is due",
	}, s.listCases)
	guarded(s, api, huma.Operation{
		OperationID: "get-case", Method: http.MethodGet, Path: "/v1/cases/{id}", Tags: []string{"cases"},
		Summary:     "Get a case with its tasks",
		Description: "orgo is everything that Orgo knows; koa is the interop form, which has the history, too.",
		Responses:   documentResponse(api, typeOf[cases.Case](), "The case"),
	}, s.getCase)
	guarded(s, api, huma.Operation{
		OperationID: "list-case-history", Method: http.MethodGet, Path: "/v1/cases/{id}/history", Tags: []string{"cases"},
		Summary: "List what happened to a case and its tasks, in order",
	}, s.listCaseHistory)
	s.registerCaseActions(api)
	s.registerCaseBulk(api)
	s.registerCaseLines(api)
	s.registerCaseRoute(api)
	s.registerCaseBuilds(api)
	s.registerTasks(api)
}

type createCaseInput struct {
	Keyed
	Body client.CreateCase
}

func (s *server) createCase(ctx context.Context, caller Identity, in *createCaseInput) (*caseAnswer, error) {
	if err := checkCodes("body.reason_codes", in.Body.Codes); err != nil {
		return nil, err
	}
	if err := checkFacts("body", in.Body.RouteFacts); err != nil {
		return nil, err
	}
	rules, err := s.routingRules(ctx, caller, in.Body.Policy)
	if err != nil {
		return nil, err
	}
	found, err := s.cases.Open(ctx, caller.Organization, CaseRequest{CreateCase: in.Body, Rules: rules}, in.IdempotencyKey, caller)
	if err != nil {
		return nil, s.caseError(ctx, caller, err)
	}
	answer := answerCase(found)
	answer.Location = "/v1/cases/" + found.CaseID
	return answer, nil
}

// checkCodes refuses what is no reason code: nothing would be routed by it.
func checkCodes(place string, codes []string) error {
	for i, code := range codes {
		if _, known := gates.Lookup(gates.Code(code)); !known {
			return invalid(fmt.Sprintf("%s[%d]", place, i), "there is no reason code %q; /v1/reasons lists all", code)
		}
	}
	return nil
}

func checkFacts(place string, facts client.RouteFacts) error {
	if facts.Channel != "" {
		if _, err := records.ParseChannelName(facts.Channel); err != nil {
			return invalid(place+".channel", "%v", err)
		}
	}
	if facts.Stage == "" {
		return nil
	}
	for _, stage := range records.Spine() {
		if facts.Stage == stage {
			return nil
		}
	}
	return invalid(place+".stage", "is none of %v", records.Spine())
}

// CaseListing is what lists of Cases and of Tasks are asked in the same way. It is
// exported because huma looks into no other embedded struct.
type CaseListing struct {
	Open       bool             `query:"open" doc:"Only those that have not ended"`
	Priorities []cases.Priority `query:"priority,explode" maxItems:"4" enum:"LOW,MEDIUM,HIGH,CRITICAL"`
	Label      string           `query:"label" maxLength:"200" doc:"Only those whose label begins so"`
	Owners     []string         `query:"owner,explode" maxItems:"50" doc:"Only those of this owner: KIND:ID, as team:operators; repeatable"`
	Mine       bool             `query:"mine" doc:"Only those of the caller, or of a team that is named like a role of theirs"`
	DueBefore  time.Time        `query:"due_before" doc:"Only those that are due before it, and not met"`
	Order      string           `query:"order" enum:"newest,due" default:"newest"`
	Limit      int              `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor     string           `query:"cursor" maxLength:"500" doc:"next of the page before"`
}

func (l CaseListing) owners(caller Identity) ([]cases.Owner, error) {
	var owners []cases.Owner
	for i, text := range l.Owners {
		kind, id, found := strings.Cut(text, ":")
		if !found || id == "" {
			return nil, invalid(fmt.Sprintf("query.owner[%d]", i), "is not KIND:ID, with a kind of %v", cases.OwnerKinds())
		}
		owners = append(owners, cases.Owner{Kind: cases.OwnerKind(kind), ID: id})
	}
	if l.Mine {
		owners = append(owners, caller.Owners()...)
	}
	return owners, nil
}

func (l CaseListing) order() store.CaseOrder {
	if l.Order == "due" {
		return store.DueFirst
	}
	return store.NewestFirst
}

// CaseSelection selects Cases, and is exported as CaseListing is.
type CaseSelection struct {
	Statuses   []cases.Status `query:"status,explode" maxItems:"7" enum:"OPEN,IN_PROGRESS,BLOCKED,WAITING_REVIEW,COMPLETED,CANCELLED,FAILED" doc:"Only those in this state; repeatable"`
	Severities []string       `query:"severity,explode" maxItems:"4" enum:"SEV1,SEV2,SEV3,SEV4"`
	Types      []string       `query:"type,explode" maxItems:"50"`
	Cause      string         `query:"cause" maxLength:"500" doc:"Only those of this cause: KIND/ID, as build/ID"`
	CaseListing
}

func (c CaseSelection) query(caller Identity) (store.CaseQuery, error) {
	owners, err := c.owners(caller)
	if err != nil {
		return store.CaseQuery{}, err
	}
	query := store.CaseQuery{
		Statuses: c.Statuses, Open: c.Open, Priorities: c.Priorities, Severities: c.Severities, Types: c.Types, Label: c.Label,
		Owners: owners, DueBefore: c.DueBefore, Order: c.order(), Cursor: c.Cursor, Limit: c.Limit,
	}
	if c.Cause != "" {
		kind, id, found := strings.Cut(c.Cause, "/")
		if !found || kind == "" || id == "" {
			return query, invalid("query.cause", "is not KIND/ID")
		}
		query.Cause = &cases.Cause{Kind: kind, ID: id}
	}
	return query, nil
}

func (s *server) listCases(ctx context.Context, caller Identity, in *CaseSelection) (*struct{ Body client.CaseList }, error) {
	query, err := in.query(caller)
	if err != nil {
		return nil, err
	}
	found, next, err := s.cases.Cases(ctx, caller, query)
	if err != nil {
		return nil, err
	}
	if found == nil {
		found = []cases.Case{}
	}
	return &struct{ Body client.CaseList }{client.CaseList{Cases: found, Next: next}}, nil
}

// caseInput asks for a Case in one of its forms.
type caseInput struct {
	CasePath
	RecordForm
}

func (s *server) getCase(ctx context.Context, caller Identity, in *caseInput) (*versionedDocument, error) {
	found, err := s.cases.Case(ctx, caller, in.ID)
	if err != nil {
		return nil, err
	}
	var form any = found
	if in.Format == client.FormatKOA {
		history, err := s.reader.Entries(ctx, caller.Organization, cases.Subject(in.ID), store.EntryQuery{})
		if err != nil {
			return nil, err
		}
		audit := make([]records.Entry, len(history))
		for i, entry := range history {
			audit[i] = entry.Entry
		}
		form = found.KOA(audit)
	}
	body, err := records.Canonical(form)
	return &versionedDocument{ContentType: records.MediaJSON, ETag: etag(found.Version), Body: body}, err
}

// documentResponse says what a call answers that sends a document of its own making: by
// default that of a type.
func documentResponse(api huma.API, of reflect.Type, description string) map[string]*huma.Response {
	schema := api.OpenAPI().Components.Schemas.Schema(of, true, of.Name())
	return map[string]*huma.Response{"200": {
		Description: description, Content: map[string]*huma.MediaType{records.MediaJSON: {Schema: schema}},
	}}
}

// versionedDocument is a JSON document and the version that it is of.
type versionedDocument struct {
	ContentType string `header:"Content-Type"`
	ETag        string `header:"ETag"`
	Body        []byte
}

// caseHistoryInput asks for a page of entries.
type caseHistoryInput struct {
	CasePath
	EntryPage
}

func (s *server) listCaseHistory(ctx context.Context, caller Identity, in *caseHistoryInput) (*struct{ Body client.EntryList }, error) {
	// As with builds: the caller should know that the Case is not there.
	if _, err := s.cases.Case(ctx, caller, in.ID); err != nil {
		return nil, err
	}
	return s.entries(ctx, caller, cases.Subject(in.ID), in.EntryPage)
}
