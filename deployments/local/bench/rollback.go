package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/initkoa/orgo/deployments/local/harness"
	"github.com/initkoa/orgo/deployments/local/races"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/telemetry"
)

// rollbackTime measures how long it takes from a sample that crosses a threshold, when
// it is handed to the API's control, until the index that takes the release back is the
// current one on the disk of the target. The baseline, in turn with it, is the same
// from an operator's rollback: what is between the two is relay, judge and release.
type rollbackTime struct {
	rig     *races.Rig
	channel records.ChannelName
	build   string
	number  int
}

// rollbackCauses are what begins a rollback. The second is the baseline.
var rollbackCauses = []struct {
	name  string
	begin func(context.Context, *rollbackTime, release.Record) error
}{
	{"threshold crossed", func(ctx context.Context, b *rollbackTime, of release.Record) error {
		return b.rig.Report(ctx, races.Execution(of, of.Stages[0].Cohorts[0], telemetry.Failed))
	}},
	{"operator's rollback", func(ctx context.Context, b *rollbackTime, _ release.Record) error {
		_, err := b.rig.Act(ctx, b.channel, "olga", fmt.Sprint("rollback ", b.number), release.ActionRollback, release.Rollback{})
		return err
	}},
}

// compareRollbacks measures so many rollbacks of each cause, in turn.
func (e environment) compareRollbacks(ctx context.Context, s settings) error {
	dir, err := os.MkdirTemp(e.dir, "orgo-")
	if err != nil {
		return err
	}
	h, err := harness.Open(ctx, harness.Options{Server: e.server, Dir: dir, Relay: 10 * time.Second})
	if err != nil {
		return err
	}
	defer func() { _ = h.Close() }()
	b := &rollbackTime{rig: races.New(h, dir), channel: records.ChannelName{Environment: "production", Name: "main"}}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	took := make([][]time.Duration, len(rollbackCauses))
	for range s.rollbacks {
		for i, cause := range rollbackCauses {
			elapsed, err := b.once(ctx, cause.begin)
			if err != nil {
				return fmt.Errorf("%s, run %d: %w", cause.name, b.number, err)
			}
			took[i] = append(took[i], elapsed)
		}
	}
	return writeRollbacks(s.outputWriter, took)
}

// prepare gives the channel a release that rollbacks go to.
func (b *rollbackTime) prepare(ctx context.Context) error {
	good, err := b.rig.Build(ctx, "Europa")
	if err != nil {
		return err
	}
	if b.build, err = b.rig.Build(ctx, "Ganymede"); err != nil {
		return err
	}
	_, err = b.rig.CloseWell(ctx, races.Order{Key: "good", BuildID: good, Version: "1.0.0", Channel: b.channel, Observe: time.Second, Soak: time.Second})
	return err
}

// once takes a release to where it is watched, and back.
func (b *rollbackTime) once(ctx context.Context, begin func(context.Context, *rollbackTime, release.Record) error) (time.Duration, error) {
	b.number++
	asked, err := b.rig.Release(ctx, races.Order{Key: fmt.Sprint("run ", b.number), BuildID: b.build, Version: "1.1.0", Channel: b.channel, Observe: time.Hour})
	if err != nil {
		return 0, err
	}
	watched, err := b.rig.Await(ctx, asked.ReleaseID, rollout.PhaseObserving)
	if err != nil {
		return 0, err
	}
	before, err := b.rig.Current(b.channel)
	if err != nil {
		return 0, err
	}
	switched := make(chan error, 1)
	began := time.Now()
	go func() { switched <- begin(ctx, b, watched) }()
	if err := b.rig.Switched(ctx, b.channel, before); err != nil {
		return 0, err
	}
	elapsed := time.Since(began)
	if err := <-switched; err != nil {
		return 0, err
	}
	if _, err := b.rig.Await(ctx, watched.ReleaseID, rollout.PhaseRolledBack); err != nil {
		return 0, err
	}
	_, err = b.rig.Act(ctx, b.channel, "olga", fmt.Sprint("lift ", b.number), release.ActionLift, release.Lift{Owner: rollout.AfterRollback})
	return elapsed, err
}

func writeRollbacks(out io.Writer, took [][]time.Duration) error {
	if _, err := fmt.Fprintf(out, "%-22s %6s %10s %10s %10s %10s\n", "until the index is on", "runs", "p50", "p95", "p99", "max"); err != nil {
		return err
	}
	results := make([]result, len(took))
	for i, cause := range rollbackCauses {
		r := result{name: cause.name, latencies: slices.Sorted(slices.Values(took[i]))}
		results[i] = r
		if _, err := fmt.Fprintf(out, "%-22s %6d %10s %10s %10s %10s\n", r.name, len(r.latencies),
			milliseconds(r.quantile(0.5)), milliseconds(r.quantile(0.95)), milliseconds(r.quantile(0.99)), milliseconds(r.quantile(1))); err != nil {
			return err
		}
	}
	var ratios []float64
	for n := range took[0] {
		ratios = append(ratios, took[0][n].Seconds()/took[1][n].Seconds())
	}
	of := estimateOf(ratios)
	_, err := fmt.Fprintf(out, "threshold/operator, of pairs in turn: %.2f [%.2f, %.2f], %.0f %% sure\n", of.median, of.low, of.high, 100*of.coverage)
	return err
}
