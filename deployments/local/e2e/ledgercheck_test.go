//go:build linux

package e2e_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	_ "github.com/initkoa/orgo/records/store" // registers the driver
)

// Whoever has the database can change it. The server finds out by itself, and it is work
// for somebody.
func TestALogThatWasTamperedWithIsWork(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.begin(t, demoRequest(t, s, demoCorpus), "")
	s.end(t, id, records.BuildPassed)
	s.process.kill()

	db, err := sql.Open("sqlite", filepath.Join(s.dir, "orgo.db"))
	require.NoError(t, err)
	for _, statement := range []string{
		`DROP TRIGGER entries_no_update`,
		`UPDATE entries SET actor = 'nobody' WHERE subject_id = '` + id + `' AND sequence = 1`,
	} {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())

	s.start(t)
	var found cases.Case
	eventually(t, "the log is work", func() bool {
		list, err := s.orgo.Cases(t.Context(), client.CaseQuery{})
		if err != nil || len(list.Cases) == 0 {
			return false
		}
		found = list.Cases[0]
		return true
	})
	require.Equal(t, cases.CauseAudit, found.Cause.Kind)
	require.Equal(t, "SEV1", found.Route.Severity)
	require.Equal(t, []string{string(gates.LedgerTampered)}, found.Codes)
	require.Contains(t, found.Summary, "The log is not what was recorded, first: leaf ")
	listed := s.cli(t, "case", "list", "--cause", found.Cause.String())
	require.Contains(t, listed.out, found.CaseID)
}
