package relay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/store"
)

// insertPlainly inserts the rows of samples into a table without triggers, as
// durably as the store does, and returns the rows per second.
func insertPlainly(b *testing.B, driver, dsn string, items []store.TelemetryItem, batch int) float64 {
	if path, found := strings.CutPrefix(dsn, "sqlite://"); found {
		dsn = "file:" + path + "?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate"
	}
	db, err := sqlx.Open(driver, dsn)
	require.NoError(b, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`CREATE TABLE plain (organization TEXT, release_id TEXT, position BIGINT, sample_id TEXT, code TEXT, digest TEXT, received_at TEXT, body TEXT,
		PRIMARY KEY (release_id, organization, position))`)
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
			_, err := tx.Exec(tx.Rebind(`INSERT INTO plain VALUES `+strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?, ?), ", len(rows)), ", ")), args...)
			require.NoError(b, err)
		}
		require.NoError(b, tx.Commit())
	}
	return float64(len(items)) / time.Since(start).Seconds()
}
