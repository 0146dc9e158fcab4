package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/initkoa/orgo/records"
)

// Build returns the current state of a build. It returns ErrNotFound for one
// that the organization does not have.
func (s *Store) Build(ctx context.Context, organization, buildID string) (records.BuildView, error) {
	var encoded []byte
	err := s.reader.QueryRowxContext(ctx, s.reader.Rebind(findBuildSQL), organization, buildID).Scan(&encoded)
	if errors.Is(err, sql.ErrNoRows) {
		return records.BuildView{}, fmt.Errorf("build %s of organization %s: %w", buildID, organization, ErrNotFound)
	}
	if err != nil {
		return records.BuildView{}, s.readFault(ctx, "read build "+buildID, err)
	}
	return decodeView(buildID, encoded)
}

// EntryQuery selects entries of a subject. The zero EntryQuery selects all.
type EntryQuery struct {
	After int64               // only sequences above it
	Kinds []records.EntryKind // only these; empty: all
	Types []string            // only these; empty: all
	Limit int                 // at most so many; 0: all
	// Newest turns the order round: with Limit 1 it is the newest that is selected.
	Newest bool
}

// Entries returns the entries of a subject in order of their sequence, or with
// Newest in the reverse of it. A subject that does not exist has none.
func (s *Store) Entries(ctx context.Context, organization string, subject records.Subject, q EntryQuery) ([]Stored, error) {
	query := `SELECT ` + entryColumns + ` FROM entries
		WHERE organization = ? AND subject_kind = ? AND subject_id = ? AND sequence > ?`
	args := []any{organization, subject.Kind, subject.ID, q.After}
	if len(q.Kinds) > 0 {
		query, args = query+` AND kind IN (?)`, append(args, q.Kinds)
	}
	if len(q.Types) > 0 {
		query, args = query+` AND type IN (?)`, append(args, q.Types)
	}
	query += ` ORDER BY sequence`
	if q.Newest {
		query += ` DESC`
	}
	if q.Limit > 0 {
		query, args = query+` LIMIT ?`, append(args, q.Limit)
	}
	var rows []entryRow
	if err := selectIn(ctx, s.reader, &rows, query, args...); err != nil {
		return nil, s.readFault(ctx, fmt.Sprintf("read entries of %s %s", subject.Kind, subject.ID), err)
	}
	return storedRows(rows)
}

// Entry returns an entry; ErrNotFound for one that the organization does not have.
func (s *Store) Entry(ctx context.Context, organization, entryID string) (Stored, error) {
	row, err := s.entryRow(ctx, organization, entryID)
	if err != nil {
		return Stored{}, err
	}
	return row.stored()
}

func (s *Store) entryRow(ctx context.Context, organization, entryID string) (row entryRow, err error) {
	err = s.reader.GetContext(ctx, &row, s.reader.Rebind(findEntrySQL), organization, entryID)
	if errors.Is(err, sql.ErrNoRows) {
		return row, fmt.Errorf("entry %s: %w", entryID, ErrNotFound)
	}
	if err != nil {
		return row, s.readFault(ctx, "read entry "+entryID, err)
	}
	return row, nil
}

// Output returns the authoritative output under a stage's idempotency key, and
// whether there is one.
func (s *Store) Output(ctx context.Context, organization, key string) (records.Entry, bool, error) {
	var row entryRow
	err := s.reader.GetContext(ctx, &row, s.reader.Rebind(`SELECT `+entryColumns+` FROM entries
		WHERE organization = ? AND entry_id = (SELECT entry_id FROM stage_outputs WHERE organization = ? AND stage_key = ?)`),
		organization, organization, key)
	if errors.Is(err, sql.ErrNoRows) {
		return records.Entry{}, false, nil
	}
	if err != nil {
		return records.Entry{}, false, s.readFault(ctx, "read the output of stage key "+key, err)
	}
	stored, err := row.stored()
	return stored.Entry, err == nil, err
}

// selectIn is sqlx's Select for a query with lists.
func selectIn(ctx context.Context, db *sqlx.DB, dest any, query string, args ...any) error {
	query, args, err := sqlx.In(query, args...)
	if err != nil {
		return err
	}
	return db.SelectContext(ctx, dest, db.Rebind(query), args...)
}

// readFault is dialect.fault for a read, which may have failed because its
// context ended or because the schema is not there.
func (s *Store) readFault(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", op, ctx.Err())
	}
	if s.dialect.classify(err) == classOther {
		var mismatch *SchemaMismatch
		if check := s.CheckSchema(ctx); errors.As(check, &mismatch) {
			return mismatch
		}
	}
	return s.dialect.fault(op, err)
}
