package control

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// Channels is the control over channels. Whether an action is legal is decided by the
// channel's workflow.
type Channels struct {
	Store    EntityStore
	Entities Entities
	Clock    Clock
}

var _ api.Channels = Channels{}

// Act records that somebody asks for an action, and has the channel carry it out.
func (c Channels) Act(
	ctx context.Context, organization string, channel records.ChannelName, command records.Command, key string, by api.Identity, reason string,
) (rollout.Record, error) {
	entry, err := request(ctx, c.Store, c.Clock, organization, records.ChannelSubject(organization, channel),
		records.Correlation{Channel: channel.String()}, command, key, by, reason)
	if err != nil {
		return rollout.Record{}, err
	}
	outcome, err := c.Entities.Act(ctx, organization, channel, entry.ID)
	if err := concluded(ctx, c.Store, entry, outcome, "channel "+channel.String(), err); err != nil {
		return rollout.Record{}, err
	}
	return c.Channel(ctx, organization, channel)
}

// Channel returns the newest record of a channel.
func (c Channels) Channel(ctx context.Context, organization string, channel records.ChannelName) (rollout.Record, error) {
	var record rollout.Record
	err := newest(ctx, c.Store, organization, records.ChannelSubject(organization, channel), &record)
	if err != nil {
		return record, fmt.Errorf("channel %s: %w", channel, err)
	}
	return record, nil
}

// List returns every channel that was ever used, by name.
func (c Channels) List(ctx context.Context, organization string) ([]rollout.Record, error) {
	list := []rollout.Record{}
	for cursor := ""; ; {
		page, next, err := c.Store.Across(ctx, organization, store.Channels, store.AcrossQuery{Cursor: cursor, Limit: store.MaxPage})
		if err != nil {
			return nil, err
		}
		for _, opened := range page {
			var body release.ChannelOpened
			if err := json.Unmarshal(opened.Body, &body); err != nil {
				return nil, fmt.Errorf("channel of entry %s: %w", opened.ID, err)
			}
			record, err := c.Channel(ctx, organization, body.Channel)
			if err != nil {
				return nil, err
			}
			list = append(list, record)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	slices.SortFunc(list, func(a, b rollout.Record) int { return cmp.Compare(a.ChannelName().String(), b.ChannelName().String()) })
	return list, nil
}

// newest reads the newest record of a subject.
func newest(ctx context.Context, from EntityStore, organization string, subject records.Subject, into any) error {
	stored, err := from.Entries(ctx, organization, subject, store.EntryQuery{
		Kinds: []records.EntryKind{records.KindRecord}, Types: []string{records.TypeRecordWritten}, Newest: true, Limit: 1,
	})
	if err != nil {
		return err
	}
	if len(stored) == 0 {
		return store.ErrNotFound
	}
	return json.Unmarshal(stored[0].Body, into)
}
