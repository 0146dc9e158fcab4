package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// Erase removes personal data for good.
type Erase struct {
	Store, Artifacts string // where both stores are
	Organization     string
	Entries          []string // ids
	Person           string   // all entries that name this actor, besides
	Actor, Reason    string   // who erases, and why
	DryRun           bool
	// Erased is called for each entry that was erased; in a dry run for each that
	// would be, with its id alone.
	Erased func(records.Erasure)
}

// Run erases, and returns how many entries that was. What was erased before, or has
// nothing personal in it, is passed over if a person was named, and refused if it
// was.
func (e Erase) Run(ctx context.Context) (count int, err error) {
	return openedStore(ctx, e.Store, func(s *store.Store) (int, error) {
		content, err := artifacts.Open(ctx, e.Artifacts)
		if err != nil {
			return 0, err
		}
		defer content.Close()
		var about []string
		if e.Person != "" {
			if about, err = s.EntriesAbout(ctx, e.Organization, e.Person); err != nil {
				return 0, err
			}
		}
		for i, id := range append(e.Entries, about...) {
			if e.DryRun {
				e.Erased(records.Erasure{EntryID: id})
				count++
				continue
			}
			erasure, err := e.one(ctx, s, content, id)
			var refused *store.ErasureRefused
			if i >= len(e.Entries) && errors.As(err, &refused) && refused.Harmless {
				continue
			}
			if err != nil {
				return count, err
			}
			e.Erased(erasure)
			count++
		}
		return count, nil
	})
}

func (e Erase) one(ctx context.Context, s *store.Store, content *artifacts.Store, id string) (records.Erasure, error) {
	erasure, erased := s.Erase(ctx, e.Organization, id, store.Erasing{Actor: e.Actor, Reason: e.Reason, At: activities.SystemClock{}.Now()})
	var refused *store.ErasureRefused
	if erased != nil && !(errors.As(erased, &refused) && refused.Harmless) {
		return erasure, erased
	}
	// The request itself, a document, says who asked and why. It goes too, also if
	// an earlier run ended before that.
	entry, err := s.Entry(ctx, e.Organization, id)
	if err != nil || entry.Type != records.TypeBuildRequested {
		return erasure, errors.Join(erased, err)
	}
	var body records.BuildRequested
	if err := json.Unmarshal(entry.Body, &body); err != nil {
		return erasure, fmt.Errorf("entry %s: %w", id, err)
	}
	return erasure, errors.Join(erased, content.Delete(ctx, body.Request))
}
