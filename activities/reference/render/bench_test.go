package render

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

// live renders a pack and returns the most memory that was in use meanwhile, in bytes.
func live(t testing.TB, stage *Stage, request runner.Request) (most uint64, rendered int64) {
	var memory runtime.MemStats
	result, err := stage.Run(context.Background(), request, func(done, _ int64) {
		if done%(16*progressEvery) == 0 {
			runtime.GC()
			runtime.ReadMemStats(&memory)
			most = max(most, memory.HeapAlloc)
		}
	})
	require.NoError(t, err)
	return most, result.Metrics["statements"]
}

// BenchmarkRender renders packs of growing size. What is in use must not grow with
// them, but for the names, whose room is small here.
func BenchmarkRender(b *testing.B) {
	bench := reftest.New(b)
	stage := &Stage{store: bench.Store, names: 256 << 10}
	var first uint64
	for _, documents := range []int{1_250, 12_500} {
		request := bench.Request(records.Render, ``, compiled(b, bench, documents)...)
		b.Run(fmt.Sprint(4*documents), func(b *testing.B) {
			for b.Loop() {
				most, statements := live(b, stage, request)
				require.EqualValues(b, 4*documents, statements)
				b.ReportMetric(float64(most)/(1<<20), "MiB/live")
				if first == 0 {
					first = most
				}
				require.Less(b, most, first+8<<20, "memory grows with the pack")
			}
		})
	}
}
