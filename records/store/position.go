package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

const (
	findPositionSQL = `SELECT leaf FROM positions WHERE consumer = ?`
	savePositionSQL = `INSERT INTO positions (consumer, leaf) VALUES (?, ?)
		ON CONFLICT (consumer) DO UPDATE SET leaf = excluded.leaf WHERE positions.leaf < excluded.leaf`
)

// Position returns the leaf from which a consumer of the log goes on: 0 for one that
// has not begun. What it did and did not save it does again.
func (s *Store) Position(ctx context.Context, consumer string) (int64, error) {
	var leaf int64
	err := s.reader.GetContext(ctx, &leaf, s.reader.Rebind(findPositionSQL), consumer)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, s.readFault(ctx, "read the position of "+consumer, err)
	}
	return leaf, nil
}

// SavePosition keeps the leaf from which a consumer goes on. It never goes back: of
// several processes that consume, the one that is furthest counts.
func (s *Store) SavePosition(ctx context.Context, consumer string, leaf int64) error {
	_, err := s.writer.ExecContext(ctx, s.writer.Rebind(savePositionSQL), consumer, leaf)
	return s.dialect.fault("save the position of "+consumer, err)
}

// LeavesOfAll returns up to limit entries of every organization from leaf number from
// on, in order. It is for consumers within Orgo, and for nothing that an organization
// is shown.
func (s *Store) LeavesOfAll(ctx context.Context, from int64, limit int) ([]Leaf, error) {
	var rows []leafRow
	err := s.reader.SelectContext(ctx, &rows, s.reader.Rebind(`SELECT l.leaf, `+qualifiedEntryColumns+`
		FROM ledger_leaves l JOIN entries e ON e.entry_id = l.entry_id AND e.organization = l.organization
		WHERE l.leaf >= ? ORDER BY l.leaf LIMIT ?`), from, limit)
	if err != nil {
		return nil, s.readFault(ctx, fmt.Sprintf("read leaves from %d", from), err)
	}
	leaves := make([]Leaf, len(rows))
	for i, row := range rows {
		stored, err := row.stored()
		if err != nil {
			return nil, err
		}
		leaves[i] = Leaf{Number: row.Leaf, Stored: stored}
	}
	return leaves, nil
}
