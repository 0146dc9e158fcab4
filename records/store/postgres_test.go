package store_test

import (
	"database/sql"
	"os"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

func TestPostgres(t *testing.T) {
	t.Parallel()
	storetest.Postgres(t)
	storetest.Run(t, newPostgres)
}

func newPostgres(t testing.TB) storetest.Database {
	dsn := storetest.Postgres(t)
	raw, err := sql.Open("postgres", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, raw.Close()) })
	return storetest.Database{
		DSN: dsn,
		Raw: raw,
		Tampering: map[string]string{
			`TRUNCATE entries, stage_outputs, ledger_leaves`: "entries is append-only",
			`TRUNCATE ledger_leaves`:                         "ledger_leaves is append-only",
			`TRUNCATE ledger_checkpoints`:                    "ledger_checkpoints is append-only",
			`TRUNCATE entries CASCADE`:                       "entries is append-only",
			`TRUNCATE stage_outputs`:                         "stage_outputs is append-only",
			`SET session_replication_role = replica; UPDATE entries SET reason = 'another'`: "entries is append-only",
			`SET session_replication_role = replica; DELETE FROM stage_outputs`:             "stage_outputs is append-only",
			`WITH gone AS (DELETE FROM entries RETURNING *) SELECT count(*) FROM gone`:      "entries is append-only",
		},
		Unguard: []string{
			`ALTER TABLE entries DISABLE TRIGGER ALL`, `ALTER TABLE ledger_leaves DISABLE TRIGGER ALL`,
			`ALTER TABLE ledger_checkpoints DISABLE TRIGGER ALL`,
		},
	}
}

// TestPostgresRoles runs what postgres-roles.sql says and works as its writer.
func TestPostgresRoles(t *testing.T) {
	t.Parallel()
	db := newPostgres(t)
	require.NoError(t, storetest.Open(t, db.DSN).Migrate(t.Context()))
	roles, err := os.ReadFile("postgres-roles.sql")
	require.NoError(t, err)
	for range 2 { // it may be run again
		_, err = db.Raw.Exec(string(roles))
		require.NoError(t, err)
	}

	s := storetest.Open(t, db.DSN+"&role=orgo_writer")
	require.NoError(t, s.CheckSchema(t.Context()))
	b := storetest.NewBuilder(t, crashOrganization, "roles")
	for _, entries := range b.Life() {
		_, err := s.Append(t.Context(), entries...)
		require.NoError(t, err)
	}
	_, err = storetest.Open(t, db.DSN+"&role=orgo_reader").Build(t.Context(), crashOrganization, b.BuildID)
	require.NoError(t, err)

	signer, _ := storetest.LogKey(t)
	require.NoError(t, storetest.Sequencer(t, s, signer, nil).Drain(t.Context()))
	by := store.Erasing{Actor: "office", Reason: "request", At: time.Now()}
	_, err = s.Erase(t.Context(), crashOrganization, b.Requested().ID, by)
	require.ErrorContains(t, err, "permission denied", "a writer erases nothing")
	eraser := storetest.Open(t, db.DSN+"&role=orgo_eraser")
	_, err = eraser.Erase(t.Context(), crashOrganization, b.Requested().ID, by)
	require.NoError(t, err)
	raw, err := sql.Open("postgres", db.DSN+"&role=orgo_eraser")
	require.NoError(t, err)
	defer raw.Close()
	_, err = raw.Exec(`UPDATE entries SET reason = 'another'`)
	require.ErrorContains(t, err, "entries is append-only", "nor does an eraser anything else")

	for role, statements := range map[string][]string{
		"orgo_writer": {
			`UPDATE entries SET reason = 'another'`, `DELETE FROM entries`, `TRUNCATE entries CASCADE`,
			`UPDATE ledger_leaves SET leaf = leaf`, `DELETE FROM ledger_leaves`, `TRUNCATE ledger_leaves`,
			`UPDATE ledger_checkpoints SET note = note`, `DELETE FROM ledger_checkpoints`, `TRUNCATE ledger_checkpoints`,
			`UPDATE stage_outputs SET alg = 'another'`, `DELETE FROM stage_outputs`, `DELETE FROM builds`,
			`DROP TABLE entries CASCADE`, `DROP TRIGGER entries_append_only ON entries`,
			`ALTER TABLE entries DISABLE TRIGGER ALL`, `INSERT INTO schema_versions (version_id, is_applied) VALUES (9, true)`,
		},
		"orgo_eraser": {
			`UPDATE entries SET type = 'another'`, `UPDATE entries SET sequence = 7`, `DELETE FROM entries`, `TRUNCATE entries CASCADE`,
			`DROP TRIGGER entries_erasure_only ON entries`,
		},
		"orgo_reader": {`INSERT INTO entries SELECT * FROM entries`, `UPDATE builds SET state = 'PASSED'`, `INSERT INTO subjects VALUES ('a', 'b', 'c', 1)`},
	} {
		raw, err := sql.Open("postgres", db.DSN+"&role="+role)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, raw.Close()) })
		for _, statement := range statements {
			_, err := raw.Exec(statement)
			var denied *pq.Error
			require.ErrorAs(t, err, &denied, statement)
			require.EqualValues(t, "42501", denied.Code, statement) // insufficient_privilege
		}
	}
}

// TestDeadlock makes a deadlock between an append and somebody else's
// transaction, whose victim is the append. It must be tried again.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	db := newPostgres(t)
	s := storetest.Open(t, db.DSN)
	require.NoError(t, s.Migrate(t.Context()))
	first := []records.Entry{
		storetest.Note(t, crashOrganization, "note", "a", "1"), storetest.Note(t, crashOrganization, "note", "b", "1"),
	}
	_, err := s.Append(t.Context(), first...)
	require.NoError(t, err)

	tx, err := db.Raw.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.Exec(`SET LOCAL deadlock_timeout = '1h'; UPDATE subjects SET sequence = sequence WHERE subject_id = 'b'`)
	require.NoError(t, err)
	ended := make(chan error)
	go func() {
		_, err := s.Append(t.Context(), storetest.Note(t, crashOrganization, "note", "a", "2"), storetest.Note(t, crashOrganization, "note", "b", "2"))
		ended <- err
	}()
	require.Eventually(t, func() bool {
		var waiting int
		err := db.Raw.QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		return err == nil && waiting == 1
	}, 30*time.Second, 10*time.Millisecond, "the append must wait for subject b")
	_, err = tx.Exec(`UPDATE subjects SET sequence = sequence WHERE subject_id = 'a'`)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	require.NoError(t, <-ended)

	var deadlocks int
	require.Eventually(t, func() bool {
		// A backend reports what it counted when it is done with something.
		require.NoError(t, s.Ping(t.Context()))
		err := db.Raw.QueryRow(`SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&deadlocks)
		return err == nil && deadlocks >= 1
	}, time.Minute, 10*time.Millisecond, "the planted fault must have struck")
	differences, err := s.VerifyReadModel(t.Context())
	require.NoError(t, err)
	require.Empty(t, differences)
}
