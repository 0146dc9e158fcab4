package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store/storetest"
)

// BenchmarkAppend measures appends as a stage makes them: start, output and two
// decisions, to a build that has run some stages. "alone" is the latency of one
// caller, "together" the throughput of 32 callers on builds of their own.
func BenchmarkAppend(b *testing.B) {
	for name, newDatabase := range map[string]func(testing.TB) storetest.Database{"SQLite": newSQLite, "Postgres": newPostgres} {
		for _, entries := range []int{1, 4} {
			b.Run(fmt.Sprintf("%s/alone/entries=%d", name, entries), func(b *testing.B) { benchmarkAppend(b, newDatabase(b), 1, entries) })
			b.Run(fmt.Sprintf("%s/together/entries=%d", name, entries), func(b *testing.B) { benchmarkAppend(b, newDatabase(b), 32, entries) })
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
