package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
)

func (s *server) registerCaseBulk(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "move-cases", Method: http.MethodPost, Path: "/v1/cases/transition", Tags: []string{"cases"},
		Summary: "Take many cases to another state, or say what would happen to each",
		Description: "Each is a transition of its own, under the version that it was read with, and the answer says what became of it. " +
			"It is 200 whatever that was: look at refused.",
		MaxBodyBytes: s.limits.RequestBytes,
	}, s.moveCases)
}

type moveCasesInput struct {
	MayBeKeyed
	Body client.MoveCases
}

func (s *server) moveCases(ctx context.Context, caller Identity, in *moveCasesInput) (*struct{ Body client.MovedCases }, error) {
	if (len(in.Body.IDs) == 0) == (in.Body.Filter == nil) {
		return nil, invalid("body", "names cases either by ids or by a filter")
	}
	moved, err := s.cases.Move(ctx, in.Body, in.key(), caller)
	if err != nil {
		return nil, err
	}
	s.log.InfoContext(ctx, "cases were moved", "request_id", infoOf(ctx).id, "organization", caller.Organization, "actor", caller.Actor,
		"to", in.Body.To, "dry_run", in.Body.DryRun, "moved", moved.Moved, "refused", moved.Failed)
	return &struct{ Body client.MovedCases }{moved}, nil
}
