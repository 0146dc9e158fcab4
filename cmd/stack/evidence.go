package stack

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
	"github.com/initkoa/orgo/records/evidence"
	"github.com/initkoa/orgo/records/store"
)

// Export writes the evidence of a build or a release into a new directory.
type Export struct {
	Store, Artifacts string // where both stores are
	Organization, ID string // whose it is, and of which build or release
	Directory        string
}

// Run writes it. It asks no server.
func (e Export) Run(ctx context.Context) error {
	_, err := openedStore(ctx, e.Store, func(s *store.Store) (struct{}, error) {
		content, err := artifacts.Open(ctx, e.Artifacts)
		if err != nil {
			return struct{}{}, err
		}
		defer content.Close()
		subject, err := subjectOf(ctx, s, e.Organization, e.ID)
		if err != nil {
			return struct{}{}, err
		}
		write := evidence.Export
		if subject.Kind == records.SubjectRelease {
			write = evidence.ExportRelease
		}
		return struct{}{}, write(ctx, s, content, e.Organization, e.ID, e.Directory)
	})
	return err
}

// subjectOf finds out what an id is of. Ids of builds and releases are never the same.
func subjectOf(ctx context.Context, s *store.Store, organization, id string) (records.Subject, error) {
	for _, subject := range []records.Subject{{Kind: records.SubjectBuild, ID: id}, records.ReleaseSubject(id)} {
		entries, err := s.Entries(ctx, organization, subject, store.EntryQuery{Limit: 1})
		if err != nil || len(entries) > 0 {
			return subject, err
		}
	}
	return records.Subject{}, fmt.Errorf("nothing is recorded of a build or release %q in organization %s: %w", id, organization, store.ErrNotFound)
}

// Entries returns every entry of a build or a release out of a store, in order. It asks no
// server. An id of neither is store.ErrNotFound.
func Entries(ctx context.Context, dsn, organization, id string) ([]event.Entry, error) {
	return openedStore(ctx, dsn, func(s *store.Store) ([]event.Entry, error) {
		subject, err := subjectOf(ctx, s, organization, id)
		if err != nil {
			return nil, err
		}
		stored, err := s.Entries(ctx, organization, subject, store.EntryQuery{})
		if err != nil {
			return nil, err
		}
		entries := make([]event.Entry, len(stored))
		for i, entry := range stored {
			entries[i] = event.Entry{Entry: entry.Entry, Sequence: entry.Sequence}
		}
		return entries, nil
	})
}

// VerifyBundle checks an evidence bundle with the log's public key alone.
func VerifyBundle(directory, key string) (evidence.Report, error) {
	origin, verifiers, err := ReadLedgerVerifiers(key)
	if err != nil {
		return evidence.Report{}, err
	}
	return evidence.Verify(os.DirFS(directory), note.VerifierList(verifiers...), origin)
}
