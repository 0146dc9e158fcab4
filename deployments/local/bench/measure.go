package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// result is what one case did at one concurrency.
type result struct {
	name        string
	concurrency int
	latencies   []time.Duration // of each run, sorted
	elapsed     time.Duration
	cpu         time.Duration // user and system time of this process: server, worker and client together
}

// perSecond returns how many runs ended each second.
func (r result) perSecond() float64 { return float64(len(r.latencies)) / r.elapsed.Seconds() }

// quantile returns the latency that a fraction q of the runs did not exceed (nearest rank).
func (r result) quantile(q float64) time.Duration {
	rank := int(q*float64(len(r.latencies))+0.5) - 1
	return r.latencies[min(max(rank, 0), len(r.latencies)-1)]
}

// cpuPerRun returns the processor time of one run.
func (r result) cpuPerRun() time.Duration { return r.cpu / time.Duration(len(r.latencies)) }

// measure opens a case, runs it at each concurrency, and adds a line to the table for each.
func (e environment) measure(ctx context.Context, c benchCase, s settings, table *table) error {
	o, err := c.open(ctx, e)
	if err != nil {
		return err
	}
	defer o.close()
	var numbers atomic.Int64
	for _, concurrency := range s.concurrency {
		if _, err := repeat(ctx, o, &numbers, concurrency, s.warmUp); err != nil {
			return err
		}
		before, err := processorTime()
		if err != nil {
			return err
		}
		begin := time.Now()
		latencies, err := repeat(ctx, o, &numbers, concurrency, s.duration)
		if err != nil {
			return err
		}
		elapsed := time.Since(begin)
		after, err := processorTime()
		if err != nil {
			return err
		}
		slices.Sort(latencies)
		if err := table.add(result{
			name: c.name, concurrency: concurrency, latencies: latencies, elapsed: elapsed, cpu: after - before,
		}); err != nil {
			return err
		}
	}
	return nil
}

// repeat keeps concurrency runs going for a time and returns how long each took. Runs that have begun are
// awaited and counted; there is always at least one each.
func repeat(ctx context.Context, o opened, numbers *atomic.Int64, concurrency int, duration time.Duration) ([]time.Duration, error) {
	end := time.Now().Add(duration)
	perLoop := make([][]time.Duration, concurrency)
	group, ctx := errgroup.WithContext(ctx)
	for i := range concurrency {
		group.Go(func() error {
			for begin := time.Now(); begin.Before(end) || perLoop[i] == nil; begin = time.Now() {
				number := int(numbers.Add(1))
				if err := o.run(ctx, number); err != nil {
					return fmt.Errorf("run %d: %w", number, err)
				}
				perLoop[i] = append(perLoop[i], time.Since(begin))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(perLoop...), nil
}

// processorTime returns the user and system time that this process has used (getrusage(2)).
func processorTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}
