package store_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, newSQLite)
}

func newSQLite(t testing.TB) storetest.Database {
	path := filepath.Join(t.TempDir(), "orgo.db")
	raw, err := sql.Open("sqlite", "file:"+path+"?_busy_timeout=10000")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, raw.Close()) })
	return storetest.Database{
		DSN: store.SQLiteDSN(path),
		Raw: raw,
		Tampering: map[string]string{
			`INSERT OR REPLACE INTO entries SELECT organization, entry_id, kind, type, subject_kind, subject_id, sequence, at,
				actor, on_behalf_of, 'another', codes, correlation, body, alg, digest, salt, erased FROM entries WHERE entry_id = 'kept'`: "entries is append-only",
			`INSERT OR REPLACE INTO entries SELECT organization, entry_id, kind, type, subject_kind, 'another', sequence, at,
				actor, on_behalf_of, reason, codes, correlation, body, alg, digest, salt, erased FROM entries WHERE entry_id = 'kept'`: "entries is append-only",
			`INSERT OR REPLACE INTO entries SELECT organization, 'another', kind, type, subject_kind, subject_id, sequence, at,
				actor, on_behalf_of, reason, codes, correlation, body, alg, digest, salt, erased FROM entries WHERE entry_id = 'kept'`: "entries is append-only",
			`REPLACE INTO stage_outputs SELECT organization, stage_key, entry_id, alg, 'another' FROM stage_outputs`:      "stage_outputs is append-only",
			`REPLACE INTO stage_outputs SELECT organization, 'another', entry_id, alg, outputs_digest FROM stage_outputs`: "stage_outputs is append-only",
			`UPDATE OR REPLACE entries SET entry_id = 'kept'`:                                                             "entries is append-only",
			`UPDATE entries SET rowid = 1`: "no such column",
		},
		Unguard: []string{
			`PRAGMA foreign_keys = OFF`,
			`DROP TRIGGER entries_no_replace`, `DROP TRIGGER entries_no_update`, `DROP TRIGGER entries_no_delete`,
			`DROP TRIGGER ledger_leaves_no_replace`, `DROP TRIGGER ledger_leaves_no_update`, `DROP TRIGGER ledger_leaves_no_delete`,
			`DROP TRIGGER ledger_checkpoints_no_replace`, `DROP TRIGGER ledger_checkpoints_no_update`,
			`DROP TRIGGER ledger_checkpoints_no_delete`,
		},
	}
}
