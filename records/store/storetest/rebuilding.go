package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// testRebuild changes, removes and invents rows of the read models. A rebuild must
// say so, make them what they were, and find nothing the second time.
func testRebuild(t *testing.T, f fixture) {
	var builders []Builder
	for i := range 8 {
		b := NewBuilder(t, acme, fmt.Sprintf("rebuilt %d", i))
		builders = append(builders, b)
		for _, entries := range b.Life() {
			must(f.store.Append(t.Context(), entries...))(t)
		}
	}
	require.Empty(t, must(f.store.Rebuild(t.Context()))(t), "a store that is whole")
	read := func() (rows []string) {
		result, err := f.Raw.Query(`SELECT organization || build_id || version || state || pipeline_id || created_at || updated_at || view
			FROM builds UNION ALL SELECT organization || subject_kind || subject_id || sequence FROM subjects ORDER BY 1`)
		require.NoError(t, err)
		defer result.Close()
		for result.Next() {
			var row string
			require.NoError(t, result.Scan(&row))
			rows = append(rows, row)
		}
		require.NoError(t, result.Err())
		return rows
	}
	before := read()
	for i, statement := range []string{
		`UPDATE builds SET view = '{}' WHERE build_id = '%s'`,
		`UPDATE builds SET state = 'RUNNING' WHERE build_id = '%s'`,
		`DELETE FROM builds WHERE build_id = '%s'`,
		`UPDATE subjects SET sequence = 1 WHERE subject_id = '%s'`,
		`DELETE FROM subjects WHERE subject_id = '%s'`,
		`INSERT INTO subjects (organization, subject_kind, subject_id, sequence) VALUES ('` + other + `', 'note', '%s', 1)`,
		`INSERT INTO builds (organization, build_id, version, state, pipeline_id, created_at, updated_at, view)
			VALUES ('` + other + `', '%s', 1, 'PASSED', '', '', '', '{}')`,
	} {
		_, err := f.Raw.Exec(fmt.Sprintf(statement, builders[i].BuildID))
		require.NoError(t, err)
	}
	require.NotEqual(t, before, read())
	require.Len(t, must(f.store.Rebuild(t.Context()))(t), 7)
	require.Equal(t, before, read())
	require.Empty(t, must(f.store.Rebuild(t.Context()))(t))

	// Who appends goes on where the entries are.
	b := NewBuilder(t, acme, "after")
	must(f.store.Append(t.Context(), b.Requested()))(t)
	requireWhole(t, f.store)
}
