package control

import (
	"context"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// Keys is the control over keys.
type Keys struct {
	Store activities.Store
	Clock activities.Clock
}

var _ api.Keys = Keys{}

// Retire says that what a key signs counts no more from now on. To retire it again
// changes nothing.
func (k Keys) Retire(ctx context.Context, organization, keyID string, by api.Identity, reason string) (records.KeyRetirement, error) {
	retirement := records.KeyRetirement{KeyID: keyID, Before: records.KeyActive, After: records.KeyRetired}
	subject := records.Subject{Kind: records.SubjectKey, ID: keyID}
	history, err := k.Store.Entries(ctx, organization, subject, store.EntryQuery{Limit: 1})
	if err != nil {
		return retirement, err
	}
	if len(history) == 0 {
		return retirement, refuse(gates.NotFound, nil, "no key %s was announced", keyID)
	}
	entry, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: records.TypeKeyRetired, Subject: subject,
		At: k.Clock.Now(), Actor: by.Actor, Reason: reason,
	}, "retired", retirement)
	if err != nil {
		return retirement, err
	}
	_, err = k.Store.Append(ctx, entry)
	return retirement, err
}
