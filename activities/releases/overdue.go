package releases

import (
	"context"
	"encoding/json"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// OverdueInput asks for a break-glass that nobody reviewed in time.
type OverdueInput struct {
	Organization string `json:"organization"`
}

// OverdueFound names a release of which that is so; none if it is empty.
type OverdueFound struct {
	ReleaseID string `json:"release_id,omitempty"`
}

// Overdue looks through the releases of an organization, the newest first. Glass is
// broken rarely, so that this is not often asked.
func (a *Activities) Overdue(ctx context.Context, in OverdueInput) (OverdueFound, error) {
	found, err := a.overdue(ctx, in.Organization)
	return reported(ctx, found, err)
}

func (a *Activities) overdue(ctx context.Context, organization string) (OverdueFound, error) {
	now := a.clock.Now()
	for cursor := ""; ; {
		page, next, err := a.store.Across(ctx, organization, store.Releases, store.AcrossQuery{Cursor: cursor, Limit: store.MaxPage})
		if err != nil {
			return OverdueFound{}, err
		}
		for _, requested := range page {
			loaded, err := load(ctx, a.store, organization, requested.Subject)
			if err != nil {
				return OverdueFound{}, err
			}
			var record release.Record
			if loaded.Found {
				if err := json.Unmarshal(loaded.Body, &record); err != nil {
					return OverdueFound{}, runner.Fail(gates.EvidenceMissing, err, "the record of release %s does not decode", requested.Subject.ID)
				}
			}
			if g := record.BreakGlass; g != nil && len(g.By) == 2 && len(g.Reviewed) == 0 && now.After(g.ReviewBy) {
				return OverdueFound{ReleaseID: record.ReleaseID}, nil
			}
		}
		if cursor = next; cursor == "" {
			return OverdueFound{}, nil
		}
	}
}
