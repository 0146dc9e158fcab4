package stack

import (
	"context"
	"os"

	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/records/evidence"
	"github.com/initkoa/orgo/records/store"
)

// Export writes the evidence of a build into a new directory.
type Export struct {
	Store, Artifacts      string // where both stores are
	Organization, BuildID string
	Directory             string
}

// Run writes it. It asks no server.
func (e Export) Run(ctx context.Context) error {
	_, err := openedStore(ctx, e.Store, func(s *store.Store) (struct{}, error) {
		content, err := artifacts.Open(ctx, e.Artifacts)
		if err != nil {
			return struct{}{}, err
		}
		defer content.Close()
		return struct{}{}, evidence.Export(ctx, s, content, e.Organization, e.BuildID, e.Directory)
	})
	return err
}

// VerifyBundle checks an evidence bundle with the log's public key alone.
func VerifyBundle(directory, key string) (evidence.Report, error) {
	origin, verifiers, err := ReadLedgerVerifiers(key)
	if err != nil {
		return evidence.Report{}, err
	}
	return evidence.Verify(os.DirFS(directory), note.VerifierList(verifiers...), origin)
}
