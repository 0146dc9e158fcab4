// Package ledgercheck checks the log of a running deployment again and again, and
// records what is wrong with it. It does not replace an auditor, who trusts neither the
// database nor this process: it lets operators know within the hour.
package ledgercheck

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// Store is what is checked, and where it is said.
type Store interface {
	VerifyLog(ctx context.Context, options store.VerifyOptions) (store.LogReport, error)
	VerifyReadModel(ctx context.Context) ([]store.Difference, error)
	Checkpoint(ctx context.Context) ([]byte, error)
	Entry(ctx context.Context, organization, entryID string) (store.Stored, error)
	Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error)
}

// Observer sees how a check went: the leaves of the log, what is wrong, or why it was
// not checked.
type Observer interface {
	Checked(leaves int64, problems int, at time.Time, err error)
}

// Options are what a checker works with. All must be given.
type Options struct {
	Store        Store
	Origin       string // of the log
	Verifiers    note.Verifiers
	Organization string // whose operators are told
	Every        time.Duration
	Clock        activities.Clock
	Observer     Observer
	Log          *slog.Logger
}

// Checker checks a log. Several processes may: what one has said another does not say
// again.
type Checker struct {
	Options
	// known is the newest checkpoint that a check without problems covered. A log that
	// does not extend it was set back.
	known []byte
}

// New returns a checker.
func New(o Options) (*Checker, error) {
	if o.Store == nil || o.Origin == "" || o.Verifiers == nil || o.Organization == "" || o.Every <= 0 || o.Clock == nil || o.Observer == nil || o.Log == nil {
		return nil, errors.New("ledgercheck: every option must be given")
	}
	return &Checker{Options: o}, nil
}

// Run checks now, and then again and again until ctx ends.
func (c *Checker) Run(ctx context.Context) {
	for {
		if err := c.Check(ctx); err != nil && ctx.Err() == nil {
			c.Log.ErrorContext(ctx, "the ledger could not be checked, which is tried again",
				"reason_code", gates.StoreUnavailable, "again_in", c.Every.String(), "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(c.Every):
		}
	}
}

// Check checks the whole log and the read models once, and records what is wrong.
func (c *Checker) Check(ctx context.Context) error {
	leaves, problems, err := c.look(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.Observer.Checked(leaves, len(problems), c.Clock.Now(), err)
	if err != nil || len(problems) == 0 {
		return err
	}
	c.Log.ErrorContext(ctx, "the ledger is not what was recorded", "reason_code", gates.LedgerTampered,
		"origin", c.Origin, "leaves", leaves, "problems", len(problems), "first", problems[0])
	return c.record(ctx, problems)
}

func (c *Checker) look(ctx context.Context) (leaves int64, problems []string, err error) {
	// Read before the check, so that the check covers it.
	newest, err := c.Store.Checkpoint(ctx)
	if errors.Is(err, store.ErrNotFound) && c.known == nil {
		return 0, nil, nil // there is no log yet
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, nil, err
	}
	options := store.VerifyOptions{Origin: c.Origin, Verifiers: c.Verifiers}
	if c.known != nil {
		options.Known = [][]byte{c.known}
	}
	report, err := c.Store.VerifyLog(ctx, options)
	if err != nil {
		return 0, nil, err
	}
	differences, err := c.Store.VerifyReadModel(ctx)
	if err != nil {
		return 0, nil, err
	}
	for _, finding := range report.Findings {
		problems = append(problems, finding.String())
	}
	for _, difference := range differences {
		problems = append(problems, difference.String())
	}
	if len(problems) == 0 {
		c.known = newest
	}
	return report.Size, problems, nil
}

// maxProblems is how many problems an entry has: the first says where to begin.
const maxProblems = 10

// record says what is wrong, unless that was said.
func (c *Checker) record(ctx context.Context, problems []string) error {
	kept := problems[:min(len(problems), maxProblems)]
	body := records.LedgerTampered{Problems: kept, More: len(problems) - len(kept)}
	digest, err := records.CanonicalDigest(body)
	if err != nil {
		return fmt.Errorf("what is wrong with the ledger: %w", err)
	}
	entry, err := records.NewEntry(records.Entry{
		Organization: c.Organization, Kind: records.KindEvent, Type: records.TypeLedgerTampered,
		Subject: records.Subject{Kind: records.SubjectLedger, ID: c.Origin}, At: c.Clock.Now(), Actor: records.SystemActor,
		Reason: kept[0], Codes: []string{string(gates.LedgerTampered)},
	}, digest.String(), body)
	if err != nil {
		return err
	}
	if _, err := c.Store.Entry(ctx, c.Organization, entry.ID); !errors.Is(err, store.ErrNotFound) {
		return err // it was said, or cannot be known
	}
	_, err = c.Store.Append(ctx, entry)
	if errors.As(err, new(*store.EntryConflict)) {
		return nil // another process said it meanwhile
	}
	return err
}
