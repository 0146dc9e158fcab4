package store

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/initkoa/orgo/records"
)

// Bounds of a page of builds.
const (
	DefaultPage = 50
	MaxPage     = 500
)

// BuildQuery selects builds of an organization. The zero BuildQuery selects the
// newest ones.
type BuildQuery struct {
	States     []records.BuildState // only these; empty: all
	PipelineID string               // only of this pipeline; empty: all
	Cursor     string               // the page after the one that returned it; empty: the first
	Limit      int                  // page size; 0 is DefaultPage, more than MaxPage is MaxPage
}

// position is where a page ended. Its JSON, in base64, is the cursor.
type position struct {
	CreatedAt string `json:"t"`
	ID        string `json:"b"`
}

// Builds returns a page of builds, newest first, and the cursor of the next
// page, which is empty after the last. Builds that begin while pages are read
// come before the first page, so that no page repeats or misses a build. A
// cursor that no page returned is *InvalidCursor.
func (s *Store) Builds(ctx context.Context, organization string, q BuildQuery) ([]records.BuildView, string, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = DefaultPage
	}
	limit = min(limit, MaxPage)
	query, args := `SELECT `+buildColumns+` FROM builds WHERE organization = ?`, []any{organization}
	if len(q.States) > 0 {
		query, args = query+` AND state IN (?)`, append(args, q.States)
	}
	if q.PipelineID != "" {
		query, args = query+` AND pipeline_id = ?`, append(args, q.PipelineID)
	}
	if q.Cursor != "" {
		after, err := parseCursor(q.Cursor)
		if err != nil {
			return nil, "", err
		}
		query, args = query+` AND (created_at, build_id) < (?, ?)`, append(args, after.CreatedAt, after.ID)
	}
	// One more than the page says whether there is a next one.
	query, args = query+` ORDER BY created_at DESC, build_id DESC LIMIT ?`, append(args, limit+1)
	var rows []buildRow
	if err := selectIn(ctx, s.reader, &rows, query, args...); err != nil {
		return nil, "", s.readFault(ctx, "list builds", err)
	}
	next := ""
	if len(rows) > limit {
		rows = rows[:limit]
		next = position{CreatedAt: rows[limit-1].CreatedAt, ID: rows[limit-1].BuildID}.cursor()
	}
	views := make([]records.BuildView, len(rows))
	for i, row := range rows {
		var err error
		if views[i], err = decodeView(row.BuildID, []byte(row.View)); err != nil {
			return nil, "", err
		}
	}
	return views, next, nil
}

func (p position) cursor() string {
	// Marshal cannot fail: position holds two strings.
	encoded, _ := json.Marshal(p)
	return base64.RawURLEncoding.EncodeToString(encoded)
}

func parseCursor(text string) (position, error) {
	var after position
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(decoded, &after) != nil || after.CreatedAt == "" || after.ID == "" {
		return position{}, &InvalidCursor{Cursor: text}
	}
	return after, nil
}
