package stack

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/records/store"
)

// Audit says what is checked, and against what.
type Audit struct {
	Store       string   // DSN of the record store
	Key         string   // file of the log's public key
	Checkpoints []string // files of checkpoints that were kept elsewhere
	Progress    func(leaves, size int64)
}

// AuditReport is what an audit found. It is clean if both lists are empty.
type AuditReport struct {
	store.LogReport
	// Differences are where the read models are not what the entries say.
	Differences []string `json:"differences"`
}

// Clean reports whether nothing is wrong.
func (r AuditReport) Clean() bool { return len(r.Findings) == 0 && len(r.Differences) == 0 }

// First returns the first thing that is wrong.
func (r AuditReport) First() string {
	switch {
	case len(r.Findings) > 0:
		return r.Findings[0].String()
	case len(r.Differences) > 0:
		return r.Differences[0]
	default:
		return ""
	}
}

// Verify checks the log and the read models of a store. It asks no server.
func (a Audit) Verify(ctx context.Context) (AuditReport, error) {
	origin, verifiers, err := ReadLedgerVerifiers(a.Key)
	if err != nil {
		return AuditReport{}, err
	}
	options := store.VerifyOptions{Origin: origin, Verifiers: note.VerifierList(verifiers...), Progress: a.Progress}
	for _, path := range a.Checkpoints {
		checkpoint, err := os.ReadFile(path)
		if err != nil {
			return AuditReport{}, fmt.Errorf("checkpoint: %w", err)
		}
		options.Known = append(options.Known, checkpoint)
	}
	return openedStore(ctx, a.Store, func(s *store.Store) (AuditReport, error) {
		report := AuditReport{Differences: []string{}}
		var err error
		if report.LogReport, err = s.VerifyLog(ctx, options); err != nil {
			return report, err
		}
		if report.Findings == nil {
			report.Findings = []store.Finding{}
		}
		differences, err := s.VerifyReadModel(ctx)
		for _, difference := range differences {
			report.Differences = append(report.Differences, difference.String())
		}
		return report, err
	})
}

// Rebuild puts the read models of a store right and returns what was different.
func Rebuild(ctx context.Context, dsn string) ([]string, error) {
	return openedStore(ctx, dsn, func(s *store.Store) ([]string, error) {
		differences, err := s.Rebuild(ctx)
		texts := []string{}
		for _, difference := range differences {
			texts = append(texts, difference.String())
		}
		return texts, err
	})
}

// NewestCheckpoint returns the newest checkpoint of a store's log.
func NewestCheckpoint(ctx context.Context, dsn string) ([]byte, error) {
	return openedStore(ctx, dsn, func(s *store.Store) ([]byte, error) { return s.Checkpoint(ctx) })
}

func openedStore[T any](ctx context.Context, dsn string, use func(*store.Store) (T, error)) (result T, err error) {
	s, err := store.Open(ctx, dsn)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.CheckSchema(ctx); err != nil {
		return result, err
	}
	return use(s)
}
