// Command bench measures builds per second on an embedded server in this process, next to what bare
// Temporal workflows of the same number of steps reach on it. It passes no judgement: numbers depend on
// the machine, ratios between the lines much less.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/initkoa/orgo/cmd/stack"
	"github.com/initkoa/orgo/deployments/local/temporal"
)

// settings say what to measure.
type settings struct {
	only         string        // measure cases whose name contains this
	concurrency  []int         // runs at once
	duration     time.Duration // of each measurement
	warmUp       time.Duration // before each measurement
	untuned      bool
	ledger       bool          // instead, what the log costs
	pairs        int           // of rounds with and without it
	round        time.Duration // of each
	rollbacks    int           // instead, so many rollbacks of each cause
	dataDir      string        // "" for one that is removed at the end
	outputWriter io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s := settings{outputWriter: os.Stdout}
	flag.StringVar(&s.only, "only", "", "measure only cases whose name contains `TEXT`")
	concurrency := flag.String("concurrency", "1,32", "runs at once, as a comma-separated `LIST`")
	flag.DurationVar(&s.duration, "duration", 10*time.Second, "length of each measurement")
	flag.DurationVar(&s.warmUp, "warm-up", 2*time.Second, "length of the warm-up before each")
	flag.BoolVar(&s.untuned, "untuned", false, "leave the server's own default settings")
	flag.BoolVar(&s.ledger, "ledger", false, "measure what the log costs a build instead: rounds with and without it, in turn")
	flag.IntVar(&s.pairs, "pairs", 24, "with -ledger, pairs of rounds")
	flag.DurationVar(&s.round, "round", 5*time.Second, "with -ledger, length of each round")
	flag.IntVar(&s.rollbacks, "rollbacks", 0, "measure instead how long rollbacks take: `N` of each cause, in turn")
	flag.StringVar(&s.dataDir, "data", "", "empty `DIR` to use and keep; default a temporary one")
	profile := flag.String("cpuprofile", "", "write a CPU profile to `FILE`")
	flag.Parse()

	if *profile != "" {
		file, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(file)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		defer pprof.StopCPUProfile()
	}
	for _, text := range strings.Split(*concurrency, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 {
			fmt.Fprintf(os.Stderr, "-concurrency %q: not a list of positive numbers\n", *concurrency)
			os.Exit(2)
		}
		s.concurrency = append(s.concurrency, n)
	}
	if s.pairs < 1 {
		fmt.Fprintf(os.Stderr, "-pairs %d: not a positive number\n", s.pairs)
		os.Exit(2)
	}
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures every selected case at every concurrency and prints a line for each.
func run(ctx context.Context, s settings) (err error) {
	dir := s.dataDir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "orgo-bench-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	server, err := temporal.Start(ctx, temporal.Options{
		DBPath:           filepath.Join(dir, "temporal.db"),
		FrontendAddr:     "127.0.0.1:0",
		SearchAttributes: stack.SearchAttributes(),
		Untuned:          s.untuned,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()

	bench := environment{server: server, dir: dir}
	if s.ledger {
		return bench.compareLedger(ctx, s)
	}
	if s.rollbacks > 0 {
		return bench.compareRollbacks(ctx, s)
	}
	table := newTable(s.outputWriter)
	for _, c := range cases() {
		if !strings.Contains(c.name, s.only) {
			continue
		}
		if err := bench.measure(ctx, c, s, table); err != nil {
			return fmt.Errorf("case %s: %w", c.name, err)
		}
	}
	return nil
}
