package store_test

import (
	"database/sql"
	"os"
	"testing"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

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
		Tampering: []string{
			`TRUNCATE entries CASCADE`,
			`TRUNCATE stage_outputs`,
			`SET session_replication_role = replica; UPDATE entries SET reason = 'another'`,
			`WITH gone AS (DELETE FROM entries RETURNING *) SELECT count(*) FROM gone`,
			`MERGE INTO entries USING (SELECT 'kept' AS id) AS s ON entry_id = s.id WHEN MATCHED THEN DELETE`,
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

	for role, statements := range map[string][]string{
		"orgo_writer": {
			`UPDATE entries SET reason = 'another'`, `DELETE FROM entries`, `TRUNCATE entries CASCADE`,
			`UPDATE stage_outputs SET alg = 'another'`, `DELETE FROM stage_outputs`, `DELETE FROM builds`,
			`DROP TABLE entries CASCADE`, `DROP TRIGGER entries_append_only ON entries`,
			`ALTER TABLE entries DISABLE TRIGGER ALL`, `INSERT INTO schema_versions (version_id, is_applied) VALUES (9, true)`,
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
