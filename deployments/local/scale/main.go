// Command scale builds CSV files of growing size and prints, for each, the time
// of every stage and the peak memory of the process: worker, embedded Temporal
// server and stores together. Time should grow with the rows, memory should not.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/initkoa/orgo/deployments/local/harness"
	"github.com/initkoa/orgo/records"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	rows := flag.String("rows", "100000,1000000", "how many rows, as a comma-separated `LIST`")
	one := flag.Int("one", 0, "build this many rows in this process, and print one line")
	flag.Parse()
	var err error
	if *one > 0 {
		err = measure(ctx, *one)
	} else {
		err = each(ctx, strings.Split(*rows, ","))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// each measures every size in a process of its own, since peak memory is that of
// a process's whole life.
func each(ctx context.Context, sizes []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Printf("%10s %10s %10s %9s   %s\n", "rows", "seconds", "rows/s", "peak", "stages")
	for _, size := range sizes {
		child := exec.CommandContext(ctx, self, "-one", strings.TrimSpace(size))
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Run(); err != nil {
			return fmt.Errorf("%s rows: %w", size, err)
		}
	}
	return nil
}

func measure(ctx context.Context, rows int) error {
	return harness.Run(ctx, harness.Options{}, func(ctx context.Context, h *harness.Harness, dir string) error {
		input := filepath.Join(dir, "rows.csv")
		if err := write(input, rows); err != nil {
			return err
		}
		return build(ctx, h, input, rows)
	})
}

func build(ctx context.Context, h *harness.Harness, input string, rows int) error {
	pipeline, err := harness.Pipeline(records.ExecuteAuto)
	if err != nil {
		return err
	}
	documents, err := h.Store(ctx, pipeline)
	if err != nil {
		return err
	}
	began := time.Now()
	view, err := h.Start(ctx, documents, input, "scale")
	if err != nil {
		return err
	}
	outcome, err := h.Wait(ctx, view.BuildID)
	if err != nil {
		return err
	}
	if outcome.State != records.BuildPassed {
		return fmt.Errorf("the build is %s: %v", outcome.State, outcome.Codes)
	}
	return print(ctx, h, view.BuildID, rows, time.Since(began))
}

// write writes rows that are all different, with values of several kinds.
func write(path string, rows int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, "id,name,mass,observed,site,note")
	for i := range rows {
		fmt.Fprintf(w, "B%07d,Body %d,%d.5,20%02d-%02d-%02d,https://example.org/bodies/%d,seen %d times\n",
			i, i, i%100000, i%30, i%12+1, i%28+1, i, i%97)
	}
	return errors.Join(w.Flush(), file.Close())
}

func print(ctx context.Context, h *harness.Harness, buildID string, rows int, took time.Duration) error {
	view, err := h.Stack.Store().Build(ctx, records.DefaultOrganization, buildID)
	if err != nil {
		return err
	}
	stages := []string{}
	for _, step := range view.Steps {
		if records.BuildIndex(step.Stage) >= 0 && step.StartedAt != nil && step.EndedAt != nil {
			stages = append(stages, fmt.Sprintf("%s %.1f s", step.Stage, step.EndedAt.Sub(*step.StartedAt).Seconds()))
		}
	}
	peak, err := peakMemory()
	if err != nil {
		return err
	}
	fmt.Printf("%10d %10.1f %10.0f %6d MB   %s\n", rows, took.Seconds(), float64(rows)/took.Seconds(), peak>>20, strings.Join(stages, ", "))
	return nil
}

// peakMemory returns the largest resident set of this process so far, in bytes
// (VmHWM of proc_pid_status(5)).
func peakMemory() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(status), "\n") {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, errors.New("/proc/self/status has no VmHWM")
}
