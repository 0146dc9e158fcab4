package gates

import (
	"fmt"
	"strings"
	"time"

	"github.com/initkoa/orgo/gates/sequential"
	"github.com/initkoa/orgo/records/telemetry"
)

// MetricProven is the share of a cohort's members whose own state shows that they run
// the release's pack.
const MetricProven = "activation.proven"

// quantiles are those that a metric has, in thousandths.
var quantiles = []struct {
	name     string
	permille int64
}{{".p50", 500}, {".p90", 900}, {".p99", 990}}

// WindowOf returns the evidence of the health gate that a relayed window is, for a
// decision at a time about an analysis that lasts until ends. What samples cannot have
// made (telemetry.Window.Check) is none.
//
// Of a metric NAME of the window there is NAME.failure_rate and, once anything was
// measured, NAME.p50, .p90, .p99 (within 1/64) and .mean: durations in milliseconds.
// A health signal does not fail, so it has no failure_rate; its values are in its own
// unit, to the thousandth, and not known if any was out of range. There is
// MetricProven besides.
//
// A window does not have when each member was last heard of. HeardSince is the time of
// its first sample: no member that reports was last heard of before that, while the
// last sample would be that of the one that is heard best.
func WindowOf(w telemetry.Window, ends, at time.Time) Window {
	if w.Check() != nil {
		return Window{}
	}
	evidence := Window{
		Digest: w.Digest, ActivatedAt: w.ActivatedAt.UTC(), From: w.From.UTC(), To: w.To.UTC(), HeardSince: w.From.UTC(),
		Ended:    ends.After(w.ActivatedAt) && !at.Before(ends),
		Expected: w.Expected, Reporting: w.Reporting,
		Metrics: []Metric{ratio(MetricProven, w.Active, w.Expected)},
	}
	for name, metric := range w.Metrics {
		evidence.Metrics = append(evidence.Metrics, metricsOf(name, metric)...)
	}
	evidence.Measured = len(evidence.Metrics)
	return normalWindow(evidence) // sorted: a map has no order
}

// metricsOf returns what one metric of a relayed window says.
func metricsOf(name string, m telemetry.Metric) []Metric {
	signal, unit := strings.HasPrefix(name, telemetry.SignalMetric("")), int64(1)
	var metrics []Metric
	if signal {
		unit = 1000
	} else {
		metrics = append(metrics, ratio(name+failureRate, m.Failures, m.Samples))
	}
	count := m.Sketch.Count()
	if count == 0 {
		return metrics
	}
	// A sum that has reached its bound may be anything above it.
	mean := Metric{Name: name + ".mean", Samples: count}
	if m.Sum < maxCounted-1 {
		mean = ratio(mean.Name, m.Sum, count).per(unit)
	}
	metrics = append(metrics, mean)
	for _, q := range quantiles {
		value, _ := m.Sketch.Quantile(q.permille)
		quantile := ratio(name+q.name, value, 1).per(unit)
		quantile.Samples = count
		metrics = append(metrics, quantile)
	}
	if signal && count != m.Samples {
		for i := range metrics {
			metrics[i].Value = nil
		}
	}
	return metrics
}

// ratio is a metric whose value is how much there is for each of samples. Both are
// exact in a float64, and so their quotient is the nearest there is on every machine.
func ratio(name string, much, samples int64) Metric {
	m := Metric{Name: name, Samples: samples}
	if samples > 0 {
		value := float64(much) / float64(samples)
		m.Value = &value
	}
	return m
}

// per returns the metric in a unit that is as many times larger.
func (m Metric) per(unit int64) Metric {
	if unit != 1 && m.Value != nil {
		value := *m.Value / float64(unit)
		m.Value = &value
	}
	return m
}

// After returns the window with what it must carry of those before it (Carried), given
// the decision on the one before: nil if it is the first. The same window, looked at
// again, carries what it did. Its error says that what was decided on is not known, or
// is not what this window grew from.
func (w Window) After(d *Decision) (Window, error) {
	before, carried := Window{}, map[string]Carry{}
	if d != nil {
		var err error
		if before, carried, err = w.grownFrom(*d); err != nil {
			return Window{}, err
		}
	}
	next := w
	next.Metrics = make([]Metric, len(w.Metrics))
	for i, metric := range w.Metrics {
		next.Metrics[i] = metric.after(before, carried[metric.Name])
	}
	return next, nil
}

// grownFrom returns the window that was decided on, and what it leaves to w.
func (w Window) grownFrom(d Decision) (Window, map[string]Carry, error) {
	var before Window
	if err := strict(d.Inputs, &before); err != nil {
		return Window{}, nil, fmt.Errorf("window of the decision on %s: %w", d.InputsDigest, err)
	}
	carried, err := Carried(before, d)
	switch {
	case err != nil:
		return Window{}, nil, err
	case !before.ActivatedAt.Equal(w.ActivatedAt) || before.To.After(w.To) || before.Expected != w.Expected:
		return Window{}, nil, fmt.Errorf("window %s did not grow from %s", w.Digest, before.Digest)
	}
	for _, metric := range before.Metrics {
		if _, kept := w.metric(metric.Name); !kept {
			return Window{}, nil, fmt.Errorf("window %s has no metric %s, which the one before had", w.Digest, metric.Name)
		}
		if before.Digest == w.Digest && metric.FailedBefore != nil {
			carried[metric.Name] = Carry{FailedBefore: *metric.FailedBefore}
		}
	}
	return before, carried, nil
}

// after returns the metric with what it carries of those before.
func (m Metric) after(before Window, carry Carry) Metric {
	m.FailedBefore = &carry.FailedBefore
	if m.Comparison == nil || m.Comparison.NoControl {
		return m
	}
	comparison := *m.Comparison
	earlier, _ := before.metric(m.Name)
	switch {
	case carry.Before != nil:
		comparison.Before = *carry.Before
	case earlier.Comparison != nil:
		comparison.Before = earlier.Comparison.Before // not compared: this look takes in what it missed
	default:
		comparison.Before = sequential.Start()
	}
	m.Comparison = &comparison
	return m
}
