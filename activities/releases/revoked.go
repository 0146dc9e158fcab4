package releases

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// revokedOn returns a channel of the organization that knows a pack as revoked. A
// channel that was not there yet when that was said would not know of it.
func (a *Activities) revokedOn(ctx context.Context, organization string, pack records.Digest) (records.ChannelName, bool, error) {
	for cursor := ""; ; {
		page, next, err := a.store.Across(ctx, organization, store.Channels, store.AcrossQuery{Cursor: cursor, Limit: store.MaxPage})
		if err != nil {
			return records.ChannelName{}, false, err
		}
		for _, opened := range page {
			var channel release.ChannelOpened
			if err := json.Unmarshal(opened.Body, &channel); err != nil {
				return records.ChannelName{}, false, runner.Fail(gates.EvidenceMissing, err, "entry %s does not decode", opened.ID)
			}
			loaded, err := load(ctx, a.store, organization, opened.Subject)
			if err != nil || !loaded.Found {
				return records.ChannelName{}, false, err
			}
			var record rollout.Record
			if err := json.Unmarshal(loaded.Body, &record); err != nil {
				return records.ChannelName{}, false, runner.Fail(gates.EvidenceMissing, err, "the record of channel %s does not decode", channel.Channel)
			}
			if slices.Contains(record.Revoked, pack) {
				return channel.Channel, true, nil
			}
		}
		if cursor = next; cursor == "" {
			return records.ChannelName{}, false, nil
		}
	}
}
