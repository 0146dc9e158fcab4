package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// latencies are how long each of many calls took, sorted.
type latencies []time.Duration

// timed makes so many calls, one after another. What prepares each is not counted.
func timed(b *testing.B, calls int, prepare func(number int) (call func() error)) latencies {
	all := make(latencies, calls)
	for i := range all {
		call := prepare(i)
		began := time.Now()
		err := call()
		all[i] = time.Since(began)
		require.NoError(b, err)
	}
	slices.Sort(all)
	return all
}

// of returns what so many of a thousand calls took at most, in milliseconds.
func (l latencies) of(thousandth int) float64 {
	at := min(len(l)*thousandth/1000, len(l)-1)
	return float64(l[at]) / float64(time.Millisecond)
}

// report reports them, and their median as a multiple of that of a baseline.
func (l latencies) report(b *testing.B, baseline latencies) {
	b.ReportMetric(0, "ns/op") // the mean says little of what people wait for
	b.ReportMetric(l.of(500), "p50-ms")
	b.ReportMetric(l.of(950), "p95-ms")
	b.ReportMetric(l.of(990), "p99-ms")
	b.ReportMetric(l.of(1000), "max-ms")
	b.ReportMetric(l.of(500)/baseline.of(500), "ratio")
}
