package releases

import (
	"context"
	"encoding/json"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// LoadInput asks for the state of a release or a channel.
type LoadInput struct {
	Organization string          `json:"organization"`
	Subject      records.Subject `json:"subject"`
}

// Loaded is the newest version of a record. None was ever written if it was not
// found.
type Loaded struct {
	Found   bool            `json:"found"`
	Version int64           `json:"version"`
	Body    json.RawMessage `json:"body,omitempty"`
}

// Load reads the newest version of a record.
func (a *Activities) Load(ctx context.Context, in LoadInput) (Loaded, error) {
	loaded, err := load(ctx, a.store, in.Organization, in.Subject)
	return reported(ctx, loaded, err)
}

// entryReader is what reading records needs of the store.
type entryReader interface {
	Entries(ctx context.Context, organization string, subject records.Subject, q store.EntryQuery) ([]store.Stored, error)
}

var newestRecord = store.EntryQuery{
	Kinds: []records.EntryKind{records.KindRecord}, Types: []string{records.TypeRecordWritten}, Newest: true, Limit: 1,
}

func load(ctx context.Context, from entryReader, organization string, subject records.Subject) (Loaded, error) {
	stored, err := from.Entries(ctx, organization, subject, newestRecord)
	if err != nil || len(stored) == 0 {
		return Loaded{}, err
	}
	entry := stored[0]
	if records.DigestOf(entry.Body) != entry.Digest {
		return Loaded{}, runner.Fail(gates.LedgerTampered, nil, "record %s of %s %s is not what its digest says", entry.ID, subject.Kind, subject.ID)
	}
	var record struct {
		Version int64 `json:"version"`
	}
	if err := json.Unmarshal(entry.Body, &record); err != nil {
		return Loaded{}, runner.Fail(gates.EvidenceMissing, err, "record %s of %s %s does not decode", entry.ID, subject.Kind, subject.ID)
	}
	return Loaded{Found: true, Version: record.Version, Body: entry.Body}, nil
}

// channelRecord returns the state of a channel; that of a new one if nothing was ever
// written of it.
func (a *Activities) channelRecord(ctx context.Context, organization string, name records.ChannelName) (rollout.Record, error) {
	record := rollout.NewRecord(organization, name)
	loaded, err := load(ctx, a.store, organization, records.ChannelSubject(organization, name))
	if err != nil || !loaded.Found {
		return record, err
	}
	if err := json.Unmarshal(loaded.Body, &record); err != nil {
		return record, runner.Fail(gates.EvidenceMissing, err, "the record of channel %s does not decode", name)
	}
	return record, nil
}
