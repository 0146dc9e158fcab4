package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
	"github.com/initkoa/orgo/records/evidence"
	"github.com/initkoa/orgo/records/ledger"
)

// Leaf is an entry with its place in the log.
type Leaf struct {
	Number int64
	Stored
}

// Event returns the leaf as an event.
func (l Leaf) Event() event.Event {
	return event.Of(l.Number, event.Entry{Entry: l.Entry, Sequence: l.Stored.Sequence})
}

// InboxSize returns how many entries wait for their leaf.
func (s *Store) InboxSize(ctx context.Context) (int64, error) {
	var waiting int64
	err := s.reader.GetContext(ctx, &waiting, `SELECT count(*) FROM ledger_inbox`)
	if err != nil {
		return 0, s.readFault(ctx, "count the ledger's inbox", err)
	}
	return waiting, nil
}

// LogSize returns the number of leaves.
func (s *Store) LogSize(ctx context.Context) (int64, error) {
	size, err := logSize(ctx, s.reader)
	if err != nil {
		return 0, s.readFault(ctx, "read the size of the ledger", err)
	}
	return size, nil
}

// Checkpoint returns the newest signed checkpoint; ErrNotFound while the log is
// empty.
func (s *Store) Checkpoint(ctx context.Context) ([]byte, error) {
	var text []byte
	err := s.reader.QueryRowxContext(ctx, `SELECT note FROM ledger_checkpoints ORDER BY size DESC LIMIT 1`).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("checkpoint of the ledger: %w", ErrNotFound)
	}
	if err != nil {
		return nil, s.readFault(ctx, "read the newest checkpoint", err)
	}
	return text, nil
}

// Hashes returns the reader of the log's hashes, for proofs.
func (s *Store) Hashes(ctx context.Context) *ledger.HashReader {
	return ledger.NewHashReader(&leafRows{ctx: ctx, db: s.reader})
}

// LeafOf returns the leaf number of an entry; ErrNotFound while it has none.
func (s *Store) LeafOf(ctx context.Context, organization, entryID string) (int64, error) {
	var leaf int64
	err := s.reader.GetContext(ctx, &leaf, s.reader.Rebind(
		`SELECT leaf FROM ledger_leaves WHERE entry_id = ? AND organization = ?`), entryID, organization)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("leaf of entry %s: %w", entryID, ErrNotFound)
	}
	if err != nil {
		return 0, s.readFault(ctx, "find the leaf of entry "+entryID, err)
	}
	return leaf, nil
}

// Leaves returns up to limit entries of an organization from leaf number from
// on, in order, and the number of the leaf from which to go on. Leaves of others
// are passed over: no more than scan of them are looked at, so that a call is
// bounded.
func (s *Store) Leaves(ctx context.Context, organization string, from int64, limit int) (leaves []Leaf, next int64, err error) {
	const scan = 4096
	size, err := s.LogSize(ctx)
	if err != nil {
		return nil, from, err
	}
	end := min(size, from+scan)
	if end <= from {
		return nil, from, nil
	}
	var rows []leafRow
	err = s.reader.SelectContext(ctx, &rows, s.reader.Rebind(`SELECT l.leaf, `+qualifiedEntryColumns+`
		FROM ledger_leaves l JOIN entries e ON e.entry_id = l.entry_id AND e.organization = l.organization
		WHERE l.leaf >= ? AND l.leaf < ? AND l.organization = ? ORDER BY l.leaf LIMIT ?`), from, end, organization, limit)
	if err != nil {
		return nil, from, s.readFault(ctx, fmt.Sprintf("read leaves from %d", from), err)
	}
	leaves = make([]Leaf, len(rows))
	for i, row := range rows {
		stored, err := row.stored()
		if err != nil {
			return nil, from, err
		}
		leaves[i] = Leaf{Number: row.Leaf, Stored: stored}
	}
	if len(rows) == limit {
		return leaves, leaves[len(leaves)-1].Number + 1, nil
	}
	return leaves, end, nil
}

// Sequenced returns a channel that is closed when this process next learns of
// leaves that were added. Take it
// before reading the leaves that are there.
func (s *Store) Sequenced() <-chan struct{} { return s.sequenced.wait() }

// Listen learns of leaves that other processes add, until ctx ends. Without it a
// process learns only of its own. It needs a connection beside those of the pool.
func (s *Store) Listen(ctx context.Context) { s.dialect.listen(ctx, s.location, s.sequenced.wake) }

// leafRow is a leaf with its entry.
type leafRow struct {
	Leaf   int64  `db:"leaf"`
	Hashes []byte `db:"hashes"`
	entryRow
}

// leafRows reads the stored hashes of leaves.
type leafRows struct {
	ctx context.Context
	db  sqlx.ExtContext
}

// Hashes implements ledger.Rows.
func (r *leafRows) Hashes(leaves []int64) (map[int64][]byte, error) {
	found := make(map[int64][]byte, len(leaves))
	err := wideChunks(len(leaves), func(from, size int) error {
		query, args, err := sqlx.In(`SELECT leaf, hashes FROM ledger_leaves WHERE leaf IN (?)`, leaves[from:from+size])
		if err != nil {
			return err
		}
		var rows []leafRow
		if err := sqlx.SelectContext(r.ctx, r.db, &rows, sqlx.Rebind(sqlx.BindType(r.db.DriverName()), query), args...); err != nil {
			return fmt.Errorf("read hashes of the ledger: %w", err)
		}
		for _, row := range rows {
			found[row.Leaf] = row.Hashes
		}
		return nil
	})
	return found, err
}

// History returns the entries of a subject in order, each with its leaf, or -1
// while it has none.
func (s *Store) History(ctx context.Context, organization string, subject records.Subject) ([]evidence.Sequenced, error) {
	var rows []struct {
		Leaf sql.NullInt64 `db:"leaf"`
		entryRow
	}
	err := s.reader.SelectContext(ctx, &rows, s.reader.Rebind(`SELECT l.leaf, `+qualifiedEntryColumns+`
		FROM entries e LEFT JOIN ledger_leaves l ON l.entry_id = e.entry_id AND l.organization = e.organization
		WHERE e.organization = ? AND e.subject_kind = ? AND e.subject_id = ? ORDER BY e.sequence`), organization, subject.Kind, subject.ID)
	if err != nil {
		return nil, s.readFault(ctx, fmt.Sprintf("read the history of %s %s", subject.Kind, subject.ID), err)
	}
	history := make([]evidence.Sequenced, len(rows))
	for i, row := range rows {
		stored, err := row.stored()
		if err != nil {
			return nil, err
		}
		history[i] = evidence.Sequenced{Entry: stored.Entry, Sequence: stored.Sequence, Erased: row.Erased, Leaf: -1}
		if history[i].Salt, err = row.salt(); err != nil {
			return nil, err
		}
		if row.Leaf.Valid {
			history[i].Leaf = row.Leaf.Int64
		}
	}
	return history, nil
}

// LeafContent returns what the leaf of an entry is the hash of, in canonical
// JSON, from the entry as it is stored now; ErrNotFound for an entry that the
// organization does not have.
func (s *Store) LeafContent(ctx context.Context, organization, entryID string) ([]byte, error) {
	row, err := s.entryRow(ctx, organization, entryID)
	if err != nil {
		return nil, err
	}
	leaf, err := row.leaf()
	if err != nil {
		return nil, err
	}
	return leaf.Bytes()
}
