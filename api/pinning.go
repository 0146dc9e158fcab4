package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/schemas"
)

func (s *server) registerContracts(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "pin-contracts", Method: http.MethodPost, Path: "/v1/contracts", Tags: []string{"contracts"},
		Summary:     "Pin a contract set: store its schemas and its manifest, and record it",
		Description: "The digest of the manifest is the identity of the set. To pin the same set again changes nothing.",

		MaxBodyBytes: s.limits.RequestBytes,
	}, s.pinContracts)
	guarded(s, api, huma.Operation{
		OperationID: "list-contracts", Method: http.MethodGet, Path: "/v1/contracts", Tags: []string{"contracts"},
		Summary: "List the contract sets that are known: the built-in one, then those that were pinned, in order",
	}, s.listContracts)
}

func (s *server) pinContracts(ctx context.Context, caller Identity, in *struct{ Body client.ContractSet }) (*struct{ Body client.PinnedContracts }, error) {
	set, err := checkContracts(in.Body, "body")
	if err != nil {
		return nil, err
	}
	if _, err := s.storeSet(ctx, set); err != nil {
		return nil, err
	}
	stored, err := s.contracts.Pin(ctx, caller.Organization, records.DescribeContracts(set), caller)
	if err != nil {
		return nil, err
	}
	pinned, err := pinnedOf(stored)
	return &struct{ Body client.PinnedContracts }{pinned}, err
}

// pinnedOf reads what an entry says about a contract set.
func pinnedOf(stored store.Stored) (client.PinnedContracts, error) {
	pinned := client.PinnedContracts{PinnedAt: stored.At, PinnedBy: stored.Actor}
	if err := json.Unmarshal(stored.Body, &pinned.ContractsPinned); err != nil {
		return pinned, fmt.Errorf("entry %s: %w", stored.ID, err)
	}
	return pinned, nil
}

func (s *server) listContracts(ctx context.Context, caller Identity, _ *struct{}) (*struct{ Body client.PinnedContractsList }, error) {
	builtin, err := schemas.BuiltinContractSet()
	if err != nil {
		return nil, err
	}
	list := client.PinnedContractsList{Sets: []client.PinnedContracts{
		{ContractsPinned: records.DescribeContracts(builtin), Builtin: true},
	}}
	entries, err := s.reader.Entries(ctx, caller.Organization, records.PinnedContractSets(),
		store.EntryQuery{Types: []string{records.TypeContractsPinned}})
	if err != nil {
		return nil, err
	}
	for _, stored := range entries {
		pinned, err := pinnedOf(stored)
		if err != nil {
			return nil, err
		}
		list.Sets = append(list.Sets, pinned)
	}
	return &struct{ Body client.PinnedContractsList }{list}, nil
}
