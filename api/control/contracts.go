package control

import (
	"context"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// Contracts is the control over contract sets.
type Contracts struct {
	Store activities.Store
	Clock activities.Clock
}

var _ api.Contracts = Contracts{}

// Pin records that a contract set was pinned, and returns what was recorded. The
// same manifest is recorded once: who pins it again gets the first entry.
func (c Contracts) Pin(ctx context.Context, organization string, set records.ContractsPinned, by api.Identity) (store.Stored, error) {
	entry, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: records.TypeContractsPinned,
		Subject: records.PinnedContractSets(), At: c.Clock.Now(), Actor: by.Actor,
	}, set.Manifest.Digest.String(), set)
	if err != nil {
		return store.Stored{}, err
	}
	stored, err := c.Store.Append(ctx, entry)
	if err != nil {
		return store.Stored{}, err
	}
	return stored[0], nil
}
