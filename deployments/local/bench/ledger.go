package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/initkoa/orgo/cmd/stack"
	"github.com/initkoa/orgo/deployments/local/harness"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// ledgerCost measures what the log costs a build: the same worker on the same stores,
// in short rounds with and without the sequencer. What disturbs the machine disturbs
// both rounds of a pair, and the order turns around (ABBA), so that what grows does
// not count for one side. Without the sequencer entries still get their hash and
// their place in the inbox, which is written with them: what is measured is leaves,
// tree and signatures.
type ledgerCost struct {
	harness   *harness.Harness
	sequencer *store.Sequencer
	build     opened
	numbers   atomic.Int64
}

// round is what was done in one round.
type round struct {
	builds  int
	elapsed time.Duration
	cpu     time.Duration
}

func (r round) rate() float64 { return float64(r.builds) / r.elapsed.Seconds() }

func (r round) cpuPerBuild() float64 { return r.cpu.Seconds() / float64(r.builds) }

// pair is a round with the log and one without, next to each other.
type pair struct{ with, without round }

// compareLedger measures at each concurrency, and prints as it goes.
func (e environment) compareLedger(ctx context.Context, s settings) (err error) {
	dir, err := os.MkdirTemp(e.dir, "orgo-")
	if err != nil {
		return err
	}
	h, build, err := openBuilds(ctx, e, dir, records.ExecuteInline, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	l := &ledgerCost{harness: h, build: build}
	if l.sequencer, err = h.Stack.Sequencer(); err != nil {
		return err
	}
	for _, concurrency := range s.concurrency {
		pairs, err := l.pairs(ctx, concurrency, s)
		if err != nil {
			return err
		}
		if err := writePairs(s.outputWriter, concurrency, pairs, s); err != nil {
			return err
		}
	}
	return nil
}

// pairs measures as many pairs as the settings say: with, without, without, with.
func (l *ledgerCost) pairs(ctx context.Context, concurrency int, s settings) ([]pair, error) {
	if _, err := l.round(ctx, concurrency, s.warmUp, true); err != nil {
		return nil, err
	}
	pairs := make([]pair, s.pairs)
	for i := range pairs {
		order := []bool{true, false}
		if i%2 == 1 {
			order = []bool{false, true}
		}
		for _, logged := range order {
			r, err := l.round(ctx, concurrency, s.round, logged)
			if err != nil {
				return nil, err
			}
			if logged {
				pairs[i].with = r
			} else {
				pairs[i].without = r
			}
		}
	}
	return pairs, nil
}

// round makes builds for a time. With the log it ends when the log has them all;
// without it, that is done afterwards and not counted, so that the next round finds
// nothing that waits.
func (l *ledgerCost) round(ctx context.Context, concurrency int, duration time.Duration, logged bool) (r round, err error) {
	runtime.GC() // what was thrown away before is not this round's
	before, err := processorTime()
	if err != nil {
		return r, err
	}
	begin := time.Now()
	stop := func() {}
	if logged {
		stop = stack.Beside(l.sequencer.Run)
	}
	latencies, err := repeat(ctx, l.build, &l.numbers, concurrency, duration)
	stop()
	if err == nil && logged {
		err = l.sequencer.Drain(ctx)
	}
	if err != nil {
		return r, err
	}
	r.builds, r.elapsed = len(latencies), time.Since(begin)
	after, err := processorTime()
	if err != nil {
		return r, err
	}
	r.cpu = after - before
	if !logged {
		err = l.sequencer.Drain(ctx)
	}
	return r, err
}

// writePairs prints the medians of both sides, and of the ratios of pairs.
func writePairs(out io.Writer, concurrency int, pairs []pair, s settings) error {
	rate := ratios(pairs, round.rate)
	cpu := ratios(pairs, round.cpuPerBuild)
	_, err := fmt.Fprintf(out, "%d at once, %d pairs of rounds of %s, in the order ABBA\n"+
		"%-14s %10s %10s   with/without\n%s%s"+
		"the log costs %.1f %% of the throughput (%.1f to %.1f), and adds %.1f %% of processor time to a build (%.1f to %.1f); %.0f %% sure\n\n",
		concurrency, len(pairs), s.round, "median", "with", "without",
		ratioLine("builds/s", pairs, round.rate, 1, rate),
		ratioLine("cpu/build ms", pairs, round.cpuPerBuild, 1000, cpu),
		100*(1-rate.median), 100*(1-rate.high), 100*(1-rate.low),
		100*(cpu.median-1), 100*(cpu.low-1), 100*(cpu.high-1), 100*rate.coverage)
	return err
}

func ratioLine(name string, pairs []pair, of func(round) float64, unit float64, ratio estimate) string {
	var with, without []float64
	for _, p := range pairs {
		with, without = append(with, of(p.with)*unit), append(without, of(p.without)*unit)
	}
	return fmt.Sprintf("%-14s %10.2f %10.2f   %.3f [%.3f, %.3f]\n",
		name, estimateOf(with).median, estimateOf(without).median, ratio.median, ratio.low, ratio.high)
}

// ratios estimates with/without of a quantity.
func ratios(pairs []pair, of func(round) float64) estimate {
	var values []float64
	for _, p := range pairs {
		values = append(values, of(p.with)/of(p.without))
	}
	return estimateOf(values)
}
