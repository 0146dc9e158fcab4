package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// listing is a page of a list that is being asked for.
type listing struct {
	table, id, document string // what is listed: the columns of its id and its document
	organization        string
	order               CaseOrder
	cursor              string
	limit               int

	// searched is the table that has what the list is filtered and sorted by.
	searched   string
	conditions []string
	args       []any
	// either are conditions of which one must hold; none is no condition. Each is searched
	// on its own, in the order of the list: an index can then stop where the page ends, as
	// it cannot with an OR.
	either []condition
}

func newListing(table, id, document, organization string) *listing {
	l := &listing{table: table, id: id, document: document, organization: organization, searched: table}
	l.where("organization = ?", organization)
	return l
}

// condition is one of SQL, with its arguments.
type condition struct {
	text string
	args []any
}

// listedRow is a row of a list: the document, and where it is in the order.
type listedRow struct {
	ID       string `db:"id"`
	Place    string `db:"place"`
	Document string `db:"document"`
}

func (l *listing) where(condition string, args ...any) {
	l.conditions, l.args = append(l.conditions, condition), append(l.args, args...)
}

// together makes one condition of what either has.
func (l *listing) together() {
	if len(l.either) > 0 {
		text, args := anyOf(l.either)
		l.where(text, args...)
		l.either = nil
	}
}

// anyOf returns the condition that one of several holds.
func anyOf(conditions []condition) (text string, args []any) {
	texts := make([]string, len(conditions))
	for i, c := range conditions {
		texts[i], args = c.text, append(args, c.args...)
	}
	return "(" + strings.Join(texts, " OR ") + ")", args
}

// only keeps what has one of values in a column; none is no condition.
func (l *listing) only(column string, values []string) {
	if len(values) > 0 {
		l.where(column+" IN (?)", values)
	}
}

// common has the conditions that all lists have.
func (l *listing) common(open bool, label, dueBefore string) {
	if open {
		l.where("open = 1")
	}
	if label != "" {
		// A range, which an index can check. No label has letters that come so late.
		l.where("label >= ? AND label < ?", label, label+string(utf8.MaxRune))
	}
	if dueBefore != "" {
		l.where("due_at < ?", dueBefore)
	}
}

func dueBefore(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(timeLayout)
}

// orders has the column that each order is by, how it is compared with where a page
// ended, and its direction.
var orders = map[CaseOrder]struct{ column, after, direction string }{
	NewestFirst: {"created_at", "<", "DESC"},
	DueFirst:    {"due_at", ">", "ASC"},
}

// list reads a page.
func (s *Store) list(ctx context.Context, l *listing) ([]listedRow, string, error) {
	by, known := orders[l.order]
	if !known {
		by = orders[NewestFirst]
	}
	limit := l.limit
	if limit <= 0 {
		limit = DefaultPage
	}
	limit = min(limit, MaxPage)
	if l.cursor != "" {
		after, err := parseCursor(l.cursor)
		if err != nil {
			return nil, "", err
		}
		l.where("("+by.column+", "+l.id+") "+by.after+" (?, ?)", after.CreatedAt, after.ID)
	}
	var rows []listedRow
	// One more than the page says whether there is a next one.
	query, args := l.query(by.column, by.direction, limit+1)
	if err := selectIn(ctx, s.reader, &rows, query, args...); err != nil {
		return nil, "", s.readFault(ctx, "list "+l.table, err)
	}
	if len(rows) <= limit {
		return rows, "", nil
	}
	rows = rows[:limit]
	return rows, position{CreatedAt: rows[limit-1].Place, ID: rows[limit-1].ID}.cursor(), nil
}

// query returns what selects the first rows of the list, at most so many.
func (l *listing) query(column, direction string, limit int) (query string, args []any) {
	order := " ORDER BY place " + direction + ", id " + direction
	places := "SELECT " + l.id + " AS id, " + column + " AS place"
	from := " FROM " + l.searched + " WHERE " + strings.Join(l.conditions, " AND ")
	if len(l.either) == 0 {
		return places + ", " + l.document + " AS document" + from + order + " LIMIT ?", append(slices.Clone(l.args), limit)
	}
	args = append(args, l.organization)
	parts := make([]string, len(l.either))
	for i, one := range l.either {
		parts[i] = fmt.Sprintf("SELECT * FROM (%s%s AND %s%s LIMIT ?) part%d", places, from, one.text, order, i)
		args = append(slices.Concat(args, l.args, one.args), limit)
	}
	// Documents are read of what is on the page alone: of each part an index has the rest.
	return "SELECT id, place, (SELECT " + l.document + " FROM " + l.table + " d WHERE d." + l.id + " = page.id AND d.organization = ?) AS document FROM (" +
		strings.Join(parts, " UNION ") + order + " LIMIT ?) page" + order, append(args, limit)
}
