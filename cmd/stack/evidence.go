package stack

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/records"
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
		subject, err := e.subject(ctx, s)
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

// subject finds out what an id is of. Ids of builds and releases are never the same.
func (e Export) subject(ctx context.Context, s *store.Store) (records.Subject, error) {
	for _, subject := range []records.Subject{{Kind: records.SubjectBuild, ID: e.ID}, records.ReleaseSubject(e.ID)} {
		entries, err := s.Entries(ctx, e.Organization, subject, store.EntryQuery{Limit: 1})
		if err != nil || len(entries) > 0 {
			return subject, err
		}
	}
	return records.Subject{}, fmt.Errorf("nothing is recorded of a build or release %q in organization %s: %w", e.ID, e.Organization, store.ErrNotFound)
}

// VerifyBundle checks an evidence bundle with the log's public key alone.
func VerifyBundle(directory, key string) (evidence.Report, error) {
	origin, verifiers, err := ReadLedgerVerifiers(key)
	if err != nil {
		return evidence.Report{}, err
	}
	return evidence.Verify(os.DirFS(directory), note.VerifierList(verifiers...), origin)
}
