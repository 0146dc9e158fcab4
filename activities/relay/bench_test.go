package relay_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
	"github.com/initkoa/orgo/records/telemetry"
)

// BenchmarkRelay stores b.N samples in batches of 500, as calls of the API would,
// and has the relay reduce them as they come: the rate is that of both together,
// with samples read from JSON. Next to it is that of a program which only inserts
// the same rows, without the rest, in as many transactions; and the ratio of both.
// Commits on SQLite are on disk when they return; those on the Postgres of tests are
// not, on either side of the ratio.
func BenchmarkRelay(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) { benchmarkRelay(b, "sqlite", newSQLite) })
	b.Run("Postgres", func(b *testing.B) { benchmarkRelay(b, "postgres", storetest.Postgres) })
}

func benchmarkRelay(b *testing.B, driver string, newDatabase func(testing.TB) string) {
	const batch = 500
	relayed := setupOn(b, newDatabase(b))
	var sent [][]byte
	for i := range b.N {
		sent = append(sent, fmt.Appendf(nil, `{"release_id":"r0","cohort":"canary","node_id":"n%d","kind":"execution","at":%q,"outcome":{"status":"SUCCEEDED","duration_ms":%d}}`,
			i%nodes, activated.Add(time.Duration(i)*time.Microsecond).Format(time.RFC3339Nano), i%5000))
	}
	read := make([]store.TelemetryItem, len(sent))
	b.ResetTimer()
	for from := 0; from < len(sent); from += batch {
		to := min(from+batch, len(sent))
		for i := from; i < to; i++ {
			item, err := telemetry.Read(sent[i])
			require.NoError(b, err)
			read[i] = store.TelemetryItem{Item: item, ReceivedAt: activated}
		}
		relayed.report(b, read[from:to])
		relayed.now = relayed.now.Add(100 * time.Millisecond)
	}
	rate := float64(b.N) / b.Elapsed().Seconds()
	b.StopTimer()
	relayed.now = relayed.now.Add(10 * time.Second)
	require.NoError(b, relayed.relay.Pass(b.Context()))
	require.NoError(b, relayed.account("r0", int64(b.N)))
	b.ReportMetric(rate, "samples/s")

	baseline := insertPlainly(b, driver, newDatabase(b), read, batch)
	b.ReportMetric(baseline, "plain/s")
	b.ReportMetric(rate/baseline, "ratio")
}
