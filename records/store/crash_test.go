package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

// crashDSN is set for the process that TestKilledWriter kills: it then writes
// to this database until that happens.
const crashDSN = "ORGO_STORE_TEST_CRASH_DSN"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(crashDSN); dsn != "" {
		fmt.Fprintln(os.Stderr, writeForEver(dsn))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// TestKilledWriter kills a process in the middle of its appends: all that it was
// told is stored is there, nothing is half there, and the next process goes on.
func TestKilledWriter(t *testing.T) {
	t.Parallel()
	for name, newDatabase := range map[string]func(testing.TB) storetest.Database{"SQLite": newSQLite, "Postgres": newPostgres} {
		for _, acknowledgements := range []int{1, 40, 200} {
			t.Run(fmt.Sprintf("%s after %d", name, acknowledgements), func(t *testing.T) {
				t.Parallel()
				db := newDatabase(t)
				require.NoError(t, storetest.Open(t, db.DSN).Migrate(t.Context()))
				acknowledged := writeAndKill(t, db.DSN, acknowledgements)

				s := storetest.Open(t, db.DSN)
				for _, line := range acknowledged {
					subject, id, found := strings.Cut(line, " ")
					require.True(t, found)
					entries, err := s.Entries(t.Context(), crashOrganization, records.Subject{Kind: records.SubjectBuild, ID: subject}, store.EntryQuery{})
					require.NoError(t, err)
					require.Condition(t, func() bool {
						for _, entry := range entries {
							if entry.ID == id {
								return true
							}
						}
						return false
					}, "entry %s of build %s was acknowledged and is lost", id, subject)
				}
				differences, err := s.VerifyReadModel(t.Context())
				require.NoError(t, err)
				require.Empty(t, differences)

				b := storetest.NewBuilder(t, crashOrganization, "after the crash")
				_, err = s.Append(t.Context(), b.Requested())
				require.NoError(t, err)
			})
		}
	}
}

const crashOrganization = "7ba7b810-9dad-11d1-80b4-00c04fd430c8"

// writeAndKill runs a writer, kills it after so many acknowledgements, and
// returns all that it has made, each "build entry".
func writeAndKill(t *testing.T, dsn string, acknowledgements int) []string {
	program, err := os.Executable()
	require.NoError(t, err)
	writer := exec.CommandContext(t.Context(), program)
	writer.Env = append(os.Environ(), crashDSN+"="+dsn)
	writer.Stderr = os.Stderr
	output, err := writer.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, writer.Start())
	var acknowledged []string
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		acknowledged = append(acknowledged, lines.Text())
		if len(acknowledged) == acknowledgements {
			require.NoError(t, writer.Process.Kill())
		}
	}
	require.Error(t, writer.Wait(), "the writer was to be killed")
	require.GreaterOrEqual(t, len(acknowledged), acknowledgements)
	return acknowledged
}

// writeForEver appends to several builds at once and prints what was stored
// once it is.
func writeForEver(dsn string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, dsn)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for writer := range 4 {
		go func() { failed <- writeBuilds(ctx, s, fmt.Sprint("writer ", writer)) }()
	}
	return <-failed
}

func writeBuilds(ctx context.Context, s *store.Store, writer string) error {
	for i := 0; ; i++ {
		b := storetest.NewBuilder(panicking{}, crashOrganization, fmt.Sprint(writer, " build ", i))
		for _, entries := range b.Life() {
			stored, err := s.Append(ctx, entries...)
			if err != nil {
				return err
			}
			for _, entry := range stored {
				// One write for each line, so that a kill cannot tear it.
				if _, err := fmt.Println(b.BuildID, entry.ID); err != nil {
					return err
				}
			}
		}
	}
}

// panicking stands in for a test in a process that runs none.
type panicking struct{ testing.TB }

func (panicking) Helper()                   {}
func (panicking) Errorf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (panicking) FailNow()                  { panic("failed") }
