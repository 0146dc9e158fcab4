package client

import (
	"context"
	"time"

	"github.com/initkoa/orgo/records"
)

// PinnedContracts is a contract set that a server knows. The digest of its
// manifest is its identity: name and version are what its author says.
type PinnedContracts struct {
	records.ContractsPinned
	// Builtin says that it is part of the server, and that nobody pinned it.
	Builtin  bool      `json:"builtin,omitempty"`
	PinnedAt time.Time `json:"pinned_at,omitzero" required:"false"`
	PinnedBy string    `json:"pinned_by,omitempty"`
}

// PinnedContractsList is a list of contract sets.
type PinnedContractsList struct {
	Sets []PinnedContracts `json:"sets"`
}

// PinContracts pins a contract set. To pin the same again changes nothing, and
// tells who pinned it first.
func (c *Client) PinContracts(ctx context.Context, set ContractSet) (PinnedContracts, error) {
	var pinned PinnedContracts
	call, err := post(set, "", "v1", "contracts")
	if err != nil {
		return pinned, err
	}
	call.repeatable = true // what is stored is known by its content
	return pinned, c.json(ctx, call, &pinned)
}

// Contracts returns the contract sets that the server knows: the built-in one,
// then those that were pinned, in that order.
func (c *Client) Contracts(ctx context.Context) (PinnedContractsList, error) {
	var list PinnedContractsList
	return list, c.json(ctx, get("v1", "contracts"), &list)
}
