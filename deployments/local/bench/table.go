package main

import (
	"fmt"
	"io"
	"time"
)

// table prints results as they come. The first case is the baseline at its concurrency.
type table struct {
	out      io.Writer
	baseline map[int]result // by concurrency
	started  bool
}

func newTable(out io.Writer) *table { return &table{out: out, baseline: map[int]result{}} }

const (
	headFormat = "%-36s %4s %7s %9s %9s %9s %9s %8s %8s\n"
	lineFormat = "%-36s %4d %7d %9.1f %9s %9s %9s %8.2f %8.2f\n"
)

func (t *table) add(r result) error {
	if !t.started {
		t.started = true
		if _, err := fmt.Fprintf(t.out, headFormat, "case", "at", "runs", "runs/s", "p50", "p99", "cpu/run", "× rate", "× cpu"); err != nil {
			return err
		}
	}
	base, ok := t.baseline[r.concurrency]
	if !ok {
		t.baseline[r.concurrency], base = r, r
	}
	_, err := fmt.Fprintf(t.out, lineFormat, r.name, r.concurrency, len(r.latencies), r.perSecond(),
		milliseconds(r.quantile(0.50)), milliseconds(r.quantile(0.99)), milliseconds(r.cpuPerRun()),
		r.perSecond()/base.perSecond(), r.cpuPerRun().Seconds()/base.cpuPerRun().Seconds())
	return err
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
