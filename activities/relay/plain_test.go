package relay_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/store"
)

// insertPlainly inserts the rows of samples into a table without triggers, as
// durably as the store does, and returns the rows per second.
func insertPlainly(b *testing.B, items []store.TelemetryItem, batch int) float64 {
	path := filepath.Join(b.TempDir(), "plain.db")
	db, err := sqlx.Open("sqlite", "file:"+path+"?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate")
	require.NoError(b, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`CREATE TABLE plain (organization TEXT, release_id TEXT, position INTEGER, sample_id TEXT, code TEXT, digest TEXT, received_at TEXT, body TEXT,
		PRIMARY KEY (release_id, organization, position)) WITHOUT ROWID`)
	require.NoError(b, err)
	const together = 100
	start := time.Now()
	for from := 0; from < len(items); from += batch {
		tx, err := db.BeginTxx(b.Context(), nil)
		require.NoError(b, err)
		to := min(from+batch, len(items))
		for at := from; at < to; at += together {
			var args []any
			rows := items[at:min(at+together, to)]
			for i, item := range rows {
				args = append(args, acme, item.ReleaseID, at+i+1, item.ID, string(item.Code), item.Digest.String(), item.ReceivedAt.Format(time.RFC3339Nano), string(item.Body))
			}
			_, err := tx.Exec(`INSERT INTO plain VALUES `+strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?, ?), ", len(rows)), ", "), args...)
			require.NoError(b, err)
		}
		require.NoError(b, tx.Commit())
	}
	return float64(len(items)) / time.Since(start).Seconds()
}
