package store_test

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

// BenchmarkAppend measures appends as a stage makes them: start, output and two
// decisions, to a build that has run some stages; one entry alone, too. The rate of
// several writers is that of all together.
func BenchmarkAppend(b *testing.B) {
	for _, database := range []struct {
		name string
		open func(testing.TB) storetest.Database
	}{{"SQLite", newSQLite}, {"Postgres", newPostgres}} {
		for _, entries := range []int{1, 4} {
			for _, writers := range []int{1, 8, 32} {
				b.Run(fmt.Sprintf("%s/entries=%d/writers=%d", database.name, entries, writers), func(b *testing.B) {
					benchmarkAppend(b, database.open(b), writers, entries)
				})
			}
		}
	}
}

func benchmarkAppend(b *testing.B, db storetest.Database, callers, entries int) {
	s := storetest.Open(b, db.DSN)
	require.NoError(b, s.Migrate(b.Context()))
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
	var failures atomic.Int64
	done := make(chan struct{}, callers)
	b.ResetTimer()
	start := time.Now()
	for _, queue := range queues {
		go func() {
			defer func() { done <- struct{}{} }()
			for _, entries := range queue {
				if _, err := s.Append(b.Context(), entries...); err != nil {
					failures.Add(1)
				}
			}
		}()
	}
	for range callers {
		<-done
	}
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "appends/s")
	b.StopTimer()
	require.Zero(b, failures.Load())
}

// appendsPerBuild is how many measured appends a build gets.
const appendsPerBuild = 20

// BenchmarkVerifyLog checks a whole log, of ORGO_BENCH_LEAVES leaves or 20,000, and
// reports how much memory the process had at most meanwhile.
func BenchmarkVerifyLog(b *testing.B) {
	leaves := 20_000
	if text := os.Getenv("ORGO_BENCH_LEAVES"); text != "" {
		var err error
		leaves, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	db := newSQLite(b)
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
