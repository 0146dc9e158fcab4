package store

import (
	"context"
	"time"
)

// OpenCases is how many Cases of a severity have not ended.
type OpenCases struct {
	Severity string `db:"severity"`
	Count    int64  `db:"count"`
	Overdue  int64  `db:"overdue"` // of these, with a deadline that was before a time
}

// CountOpenCases counts the open Cases of all organizations, by severity.
func (s *Store) CountOpenCases(ctx context.Context, at time.Time) ([]OpenCases, error) {
	counts := []OpenCases{}
	query := s.reader.Rebind(`SELECT severity, COUNT(*) AS count, COUNT(CASE WHEN due_at < ? THEN 1 END) AS overdue
		FROM cases WHERE open = 1 GROUP BY severity ORDER BY severity`)
	if err := s.reader.SelectContext(ctx, &counts, query, at.UTC().Format(timeLayout)); err != nil {
		return nil, s.readFault(ctx, "count open cases", err)
	}
	return counts, nil
}
