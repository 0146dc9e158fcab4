package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

// benchDatabases are those that are measured.
var benchDatabases = []struct {
	name string
	open func(testing.TB) storetest.Database
}{{"SQLite", newSQLite}, {"Postgres", newPostgres}}

// BenchmarkAppend measures appends as a stage makes them: start, output and two
// decisions, to a build that has run some stages; one entry alone, too. The rate of
// several writers is that of all together. Next to it is what the same rows of
// entries cost a program that only inserts them (see plain), and the ratio of both
// rates. Commits on SQLite are on disk when they return; those on the Postgres of
// tests are not, on either side of the ratio.
func BenchmarkAppend(b *testing.B) {
	for _, database := range benchDatabases {
		for _, entries := range []int{1, 4} {
			for _, writers := range []int{1, 8, 32} {
				b.Run(fmt.Sprintf("%s/entries=%d/writers=%d", database.name, entries, writers), func(b *testing.B) {
					db := database.open(b)
					s := storetest.Open(b, db.DSN)
					require.NoError(b, s.Migrate(b.Context()))
					queues := appendQueues(b, s, writers, entries)
					b.ResetTimer()
					rate := rateOf(b, queues, func(entries []records.Entry) error {
						_, err := s.Append(b.Context(), entries...)
						return err
					})
					b.StopTimer()
					baseline := plain(b, db, database.open(b), queues)
					b.ReportMetric(rate, "appends/s")
					b.ReportMetric(baseline, "plain/s")
					b.ReportMetric(rate/baseline, "ratio")
				})
			}
		}
	}
}

// appendQueues returns b.N appends, split among callers.
func appendQueues(b *testing.B, s *store.Store, callers, entries int) [][][]records.Entry {
	queues := make([][][]records.Entry, callers)
	for i := range b.N {
		caller := i % callers
		// A new build every so often, as a build has a bounded number of entries.
		number := len(queues[caller])
		build := storetest.NewBuilder(b, records.DefaultOrganization, fmt.Sprintf("%d/%d", caller, number/appendsPerBuild))
		if number%appendsPerBuild == 0 {
			opening := []records.Entry{build.Requested(), build.Pinned("bench"),
				build.Finished(records.Ingest, 1, "a", 1), build.Finished(records.Extract, 1, "b", 1), build.Finished(records.Resolve, 1, "c", 1)}
			_, err := s.Append(b.Context(), opening...)
			require.NoError(b, err)
		}
		generation := number%appendsPerBuild + 1
		queues[caller] = append(queues[caller], []records.Entry{
			build.Started(records.Validate, generation, 1),
			build.Finished(records.Validate, generation, "d", 1),
			build.Gate(records.Validate, generation, "contract"),
			build.Gate(records.Validate, generation, "integrity"),
		}[:entries])
	}
	return queues
}

// rateOf does all that is queued, each queue in a goroutine of its own, and returns
// how many were done each second.
func rateOf[T any](b *testing.B, queues [][]T, do func(T) error) float64 {
	var group errgroup.Group
	start := time.Now()
	for _, queue := range queues {
		group.Go(func() error {
			for _, one := range queue {
				if err := do(one); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(b, group.Wait())
	return float64(b.N) / time.Since(start).Seconds()
}

// plain inserts the entries that were appended to one database into another, each
// append in one transaction and one statement: with no leaf, salt, inbox, lock or
// read model, and nothing checked. It returns the appends per second.
func plain(b *testing.B, appended, empty storetest.Database, queues [][][]records.Entry) float64 {
	require.NoError(b, storetest.Open(b, empty.DSN).Migrate(b.Context()))
	rows, columns := storedRowsOf(b, appended.Raw)
	plainQueues := make([][][][]any, len(queues))
	for i, queue := range queues {
		for _, entries := range queue {
			var inserted [][]any
			for _, entry := range entries {
				inserted = append(inserted, rows[entry.ID])
			}
			plainQueues[i] = append(plainQueues[i], inserted)
		}
	}
	db := plainDatabase(b, empty, len(queues))
	tuple := "(?" + strings.Repeat(", ?", len(columns)-1) + ")"
	statement := func(rows int) string {
		return db.Rebind("INSERT INTO entries (" + strings.Join(columns, ", ") + ") VALUES " + tuple + strings.Repeat(", "+tuple, rows-1))
	}
	insert, err := db.PreparexContext(b.Context(), statement(len(queues[0][0])))
	require.NoError(b, err)
	defer insert.Close()
	return rateOf(b, plainQueues, func(rows [][]any) error {
		tx, err := db.BeginTxx(b.Context(), nil)
		if err != nil {
			return err
		}
		if _, err := tx.StmtxContext(b.Context(), insert).ExecContext(b.Context(), slices.Concat(rows...)...); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	})
}

// plainDatabase opens a database as a program would that has so many writers: as
// durable as the store has it, and on SQLite with the one writer that can be.
func plainDatabase(b *testing.B, db storetest.Database, writers int) *sqlx.DB {
	driver, dsn := "postgres", db.DSN
	if path, found := strings.CutPrefix(db.DSN, "sqlite://"); found {
		driver, writers = "sqlite", 1
		dsn = "file:" + path + "?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_busy_timeout=10000"
	}
	opened, err := sqlx.Open(driver, dsn)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, opened.Close()) })
	opened.SetMaxOpenConns(writers)
	opened.SetMaxIdleConns(writers)
	return opened
}

// storedRowsOf returns the rows of table entries by the id of the entry, and the
// names of their columns.
func storedRowsOf(b *testing.B, db *sql.DB) (rows map[string][]any, columns []string) {
	result, err := db.QueryContext(b.Context(), "SELECT * FROM entries")
	require.NoError(b, err)
	defer result.Close()
	columns, err = result.Columns()
	require.NoError(b, err)
	id := slices.Index(columns, "entry_id")
	rows = map[string][]any{}
	for result.Next() {
		row, err := sqlx.SliceScan(result)
		require.NoError(b, err)
		for i, value := range row {
			if text, isBytes := value.([]byte); isBytes {
				row[i] = string(text)
			}
		}
		rows[row[id].(string)] = row
	}
	require.NoError(b, result.Err())
	return rows, columns
}

// appendsPerBuild is how many measured appends a build gets.
const appendsPerBuild = 20

// BenchmarkVerifyLog checks a whole log, of ORGO_BENCH_LEAVES leaves or 20,000, and
// reports how much memory the process had at most meanwhile (on Postgres without the
// server's).
func BenchmarkVerifyLog(b *testing.B) {
	for _, database := range benchDatabases {
		b.Run(database.name, func(b *testing.B) { benchmarkVerifyLog(b, database.open(b)) })
	}
}

func benchmarkVerifyLog(b *testing.B, db storetest.Database) {
	leaves := 20_000
	if text := os.Getenv("ORGO_BENCH_LEAVES"); text != "" {
		var err error
		leaves, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	s := storetest.Open(b, db.DSN)
	require.NoError(b, s.Migrate(b.Context()))
	signer, verifier := storetest.LogKey(b)
	sequencer := storetest.Sequencer(b, s, signer, nil)
	const together = 500
	for first := 0; first < leaves; first += together {
		var entries []records.Entry
		for i := range min(together, leaves-first) {
			entries = append(entries, storetest.Note(b, records.DefaultOrganization, "note", fmt.Sprint((first+i)/8), fmt.Sprint(first+i)))
		}
		_, err := s.Append(b.Context(), entries...)
		require.NoError(b, err)
	}
	require.NoError(b, sequencer.Drain(b.Context()))
	debug.FreeOSMemory()
	// The kernel forgets the peak so far (proc(5), clear_refs).
	require.NoError(b, os.WriteFile("/proc/self/clear_refs", []byte("5"), 0))
	b.ResetTimer()
	for b.Loop() {
		report, err := s.VerifyLog(b.Context(), store.VerifyOptions{Origin: storetest.LogOrigin, Verifiers: note.VerifierList(verifier)})
		require.NoError(b, err)
		require.Empty(b, report.Findings)
		require.EqualValues(b, leaves, report.Size)
	}
	b.ReportMetric(float64(leaves)*float64(b.N)/b.Elapsed().Seconds(), "leaves/s")
	b.ReportMetric(peakMemory(b), "peak-MB")
}

// peakMemory returns the most memory that the process had, in MB.
func peakMemory(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(b, err)
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	require.True(b, found)
	kilobytes, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	require.NoError(b, err)
	return kilobytes / 1024
}
