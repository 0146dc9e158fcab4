package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

func (s *server) registerKeys(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "retire-key", Method: http.MethodPost, Path: "/v1/keys/{id}/retire", Tags: []string{"ledger"},
		Summary:      "Retire a key: what it signs from now on does not count",
		Description:  "A key is announced by the first process that has it. Give every worker the new key, then retire the old one.",
		MaxBodyBytes: actionBytes,
	}, s.retireKey)
}

type retireInput struct {
	ID   string `path:"id" maxLength:"200"`
	Body client.RetireKey
}

func (s *server) retireKey(ctx context.Context, caller Identity, in *retireInput) (*struct{ Body records.KeyRetirement }, error) {
	retirement, err := s.keys.Retire(ctx, caller.Organization, in.ID, caller, in.Body.Reason)
	return &struct{ Body records.KeyRetirement }{retirement}, err
}
