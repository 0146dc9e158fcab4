package extract_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/extract"
	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/records"
)

// table returns a CSV table of six columns.
func table(rows int) string {
	var text strings.Builder
	text.WriteString("id,name,country,length,opened,website\n")
	for i := range rows {
		fmt.Fprintf(&text, "%d,Bridge %d,Country %d,%d.5,19%02d-03-%02d,https://example.org/bridges/%d\n", i, i, i%200, i, i%100, i%28+1, i)
	}
	return text.String()
}

// BenchmarkCSV reports rows per second and heap bytes per row, the artifact
// store included.
func BenchmarkCSV(b *testing.B) {
	for _, rows := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			bench := reftest.New(b)
			content := table(rows)
			input := take(b, bench, source{"table.csv", content})
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				result := bench.Run(b, extract.New(bench.Store), bench.Request(records.Extract, `{}`, input))
				require.EqualValues(b, rows, result.Metrics["documents"])
			}
			total := float64(rows) * float64(b.N)
			b.ReportMetric(total/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric((cpu(b)-before).Seconds()*1e6/total, "cpu-µs/row")
		})
	}
}

// cpu returns the processor time that this process has used: on a machine that
// others use too, it says more than the clock.
func cpu(b *testing.B) time.Duration {
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkJSON(b *testing.B) {
	const rows = 20_000
	var text strings.Builder
	text.WriteString(`{"items":[`)
	for i := range rows {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"id":%d,"name":"Bridge %d","length":%d.5,"tags":["a","b"],"opened":"1990-03-%02d"}`, i, i, i, i%28+1)
	}
	text.WriteString(`]}`)
	bench := reftest.New(b)
	input := take(b, bench, source{"items.json", text.String()})
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		bench.Run(b, extract.New(bench.Store), bench.Request(records.Extract, `{}`, input))
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
