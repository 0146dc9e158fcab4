package store

import (
	"context"
	"fmt"
	"time"
)

// Span is a set of entries that lies across the subjects of an organization.
type Span string

// The spans. Each has an index of its own, so that reading it does not read the
// organization.
const (
	Decisions Span = "decisions" // every decision of every gate
	Policies  Span = "policies"  // everything about policy bundles
	Releases  Span = "releases"  // the first entry of every release
	Channels  Span = "channels"  // the first entry of every channel
)

// conditions of the spans. They stand in the text of a query, not in its arguments:
// only then do planners know that the partial index has all that is asked for.
var conditions = map[Span]string{
	Decisions: `kind = 'decision'`,
	Policies:  `subject_kind = 'policy'`,
	Releases:  `type = 'orgo.release.requested'`,
	Channels:  `subject_kind = 'channel' AND type = 'orgo.channel.opened'`,
}

// AcrossQuery selects entries of a span. The zero AcrossQuery selects the newest.
type AcrossQuery struct {
	Since  time.Time // only at or after it; zero: all
	Cursor string    // the page after the one that returned it; empty: the first
	Limit  int       // page size; 0 is DefaultPage, more than MaxPage is MaxPage
}

// Across returns a page of the entries of a span, newest first, and the cursor of
// the next page, which is empty after the last. Entries that are appended while pages
// are read, and are not older than those that were, come before the first page, so
// that no page repeats or misses an entry. A cursor that no page returned is
// *InvalidCursor.
func (s *Store) Across(ctx context.Context, organization string, span Span, q AcrossQuery) ([]Stored, string, error) {
	condition, known := conditions[span]
	if !known {
		return nil, "", fmt.Errorf("read across an organization: there is no span %q", span)
	}
	limit := q.Limit
	if limit <= 0 {
		limit = DefaultPage
	}
	limit = min(limit, MaxPage)
	query, args := `SELECT `+entryColumns+` FROM entries WHERE organization = ? AND `+condition, []any{organization}
	if !q.Since.IsZero() {
		query, args = query+` AND at >= ?`, append(args, q.Since.UTC().Format(timeLayout))
	}
	if q.Cursor != "" {
		after, err := parseCursor(q.Cursor)
		if err != nil {
			return nil, "", err
		}
		query, args = query+` AND (at, entry_id) < (?, ?)`, append(args, after.CreatedAt, after.ID)
	}
	// One more than the page says whether there is a next one.
	query, args = query+` ORDER BY at DESC, entry_id DESC LIMIT ?`, append(args, limit+1)
	var rows []entryRow
	if err := s.reader.SelectContext(ctx, &rows, s.reader.Rebind(query), args...); err != nil {
		return nil, "", s.readFault(ctx, fmt.Sprintf("read the %s of organization %s", span, organization), err)
	}
	next := ""
	if len(rows) > limit {
		rows = rows[:limit]
		next = position{CreatedAt: rows[limit-1].At, ID: rows[limit-1].EntryID}.cursor()
	}
	stored, err := storedRows(rows)
	return stored, next, err
}
