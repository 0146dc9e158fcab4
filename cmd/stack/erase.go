package stack

import (
	"context"
	"errors"
	"slices"

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

// Run erases, and returns how many entries that was: those that were named, the Build
// Records that repeat them, and those about the person. What was erased before, or
// has nothing personal in it, is refused if it was named, and else passed over.
func (e Erase) Run(ctx context.Context) (count int, err error) {
	return openedStore(ctx, e.Store, func(s *store.Store) (int, error) {
		content, err := artifacts.Open(ctx, e.Artifacts)
		if err != nil {
			return 0, err
		}
		defer content.Close()
		about, err := e.recordsOf(ctx, s)
		if err != nil {
			return 0, err
		}
		if e.Person != "" {
			person, err := s.EntriesAbout(ctx, e.Organization, e.Person)
			if err != nil {
				return 0, err
			}
			about = append(about, person...)
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
	// Its documents go too, also if an earlier run ended before that. An entry that has
	// some has something to erase, so that none goes without a record.
	entry, err := s.Entry(ctx, e.Organization, id)
	if err != nil {
		return erasure, errors.Join(erased, err)
	}
	documents, err := records.PersonalDocuments(entry.Entry)
	for _, document := range documents {
		err = errors.Join(err, content.Delete(ctx, document))
	}
	return erasure, errors.Join(erased, err)
}

// recordsOf returns the ids of the Build Records that repeat what the named entries
// say.
func (e Erase) recordsOf(ctx context.Context, s *store.Store) ([]string, error) {
	var ids []string
	for _, id := range e.Entries {
		entry, err := s.Entry(ctx, e.Organization, id)
		if err != nil {
			return nil, err
		}
		if entry.Subject.Kind != records.SubjectBuild {
			continue
		}
		found, err := s.Entries(ctx, e.Organization, entry.Subject, store.EntryQuery{Types: []string{records.TypeRecordWritten}})
		if err != nil {
			return nil, err
		}
		for _, record := range found {
			if !slices.Contains(e.Entries, record.ID) {
				ids = append(ids, record.ID)
			}
		}
	}
	return ids, nil
}
