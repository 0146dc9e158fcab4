package releases

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// banned says which channel of the organization knows a pack as revoked or in
// quarantine, nil if none does. A channel that was opened later does not know of it by
// itself; one on which the quarantine was ended, to, goes by that.
func (a *Activities) banned(ctx context.Context, organization string, pack records.Digest, to rollout.Record) (*Problem, error) {
	var quarantined *Problem
	for cursor := ""; ; {
		page, next, err := a.store.Across(ctx, organization, store.Channels, store.AcrossQuery{Cursor: cursor, Limit: store.MaxPage})
		if err != nil {
			return nil, err
		}
		for _, opened := range page {
			var channel release.ChannelOpened
			if err := json.Unmarshal(opened.Body, &channel); err != nil {
				return nil, runner.Fail(gates.EvidenceMissing, err, "entry %s does not decode", opened.ID)
			}
			record, err := a.channelRecord(ctx, organization, channel.Channel)
			if err != nil {
				return nil, err
			}
			if slices.Contains(record.Revoked, pack) {
				return &Problem{Code: gates.ArtifactRevoked, Message: fmt.Sprintf("pack %s was revoked, as channel %s knows", pack, channel.Channel)}, nil
			}
			if slices.Contains(record.Quarantined, pack) && !slices.Contains(to.Cleared, pack) {
				quarantined = &Problem{Code: gates.PackQuarantined, Message: fmt.Sprintf(
					"pack %s is in quarantine, as channel %s knows: clear it on this one, too", pack, channel.Channel)}
			}
		}
		if cursor = next; cursor == "" {
			return quarantined, nil
		}
	}
}
