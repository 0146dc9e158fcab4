package gates

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/initkoa/orgo/gates/sequential"
	"github.com/initkoa/orgo/records/telemetry"
)

// Comparison is how often a metric's executions failed in a cohort and in what
// still runs the version before. Counts grow from window to window: what came in
// one is what its counts have beyond those in Before.
type Comparison struct {
	// Since is when counting began, on both sides: the cohort's activation. What was
	// before is of another version.
	Since   time.Time `json:"since,omitzero"`
	Canary  Counts    `json:"canary,omitzero"`
	Control Counts    `json:"control,omitzero"`
	// Before is what the windows before this one amount to (Carried), or
	// sequential.Start in the first.
	Before sequential.State `json:"before,omitzero"`
	// NoControl says that there is nothing to compare with: no cohort of the channel runs
	// an earlier version, or none does any more.
	NoControl bool `json:"no_control,omitempty"`
}

// failureRate ends the name of the metric that has the share of executions that failed.
const failureRate = ".failure_rate"

// Against returns the window with a comparison of every metric that counts failures:
// the counts of the relayed window that it is the evidence of, with those of the
// control, by metric of the relayed window. A nil control says that there is none; a
// metric that it lacks was not reported by it.
func (w Window) Against(relayed telemetry.Window, control map[string]Counts) Window {
	next := w
	next.Metrics = slices.Clone(w.Metrics)
	for i, metric := range next.Metrics {
		name, counts := strings.CutSuffix(metric.Name, failureRate)
		of, there := relayed.Metrics[name]
		if !counts || !there {
			continue
		}
		if control == nil {
			next.Metrics[i].Comparison = &Comparison{NoControl: true}
			continue
		}
		failures := of.Failures
		next.Metrics[i].Comparison = &Comparison{Since: w.ActivatedAt, Canary: Counts{Samples: of.Samples, Failures: &failures}, Control: control[name]}
	}
	return next
}

// Compares reports whether any rule of the policy compares with a control.
func (r Ruleset) Compares() bool {
	return slices.ContainsFunc(r.rules[GateHealth], func(rule compiledRule) bool { return rule.compares })
}

// Counts is how many executions there were and how many of them failed. No count
// of failures is not none.
type Counts struct {
	Samples  int64  `json:"samples"`
	Failures *int64 `json:"failures,omitempty"`
}

func (c Counts) known() bool { return c.Samples > 0 && c.Failures != nil }

// look returns what the windows amount to, this one included, and whether the
// comparison is one.
func (c *Comparison) look(activated time.Time) (sequential.State, bool) {
	if c == nil || c.Since.IsZero() || !c.Since.Equal(activated) || !c.Canary.known() || !c.Control.known() {
		return sequential.State{}, false
	}
	state, err := c.Before.Look(sequential.Counts{Samples: c.Canary.Samples, Failures: *c.Canary.Failures},
		sequential.Counts{Samples: c.Control.Samples, Failures: *c.Control.Failures})
	return state, err == nil
}

// compareRule is the part of a metric's rule that compares it with the control.
type compareRule struct {
	// Alpha is the probability at most with which a canary that is no worse is ever
	// found to be, over all windows of its stage.
	Alpha sequential.Decimal `json:"alpha"`
	// MinEffect is by how much its rate of failures must be above the control's to
	// matter.
	MinEffect  *sequential.Decimal `json:"min_effect,omitempty"`
	MinSamples int64               `json:"min_samples"` // on each side
	// RequireControl makes it no pass that there is no control. Otherwise there is then
	// nothing to object to: in the last stage of every release nothing is left to compare
	// with.
	RequireControl bool `json:"require_control,omitempty"`
}

func (rule *compareRule) check(at string) error {
	switch {
	case rule == nil:
		return nil
	case !rule.Alpha.Valid():
		return wrong(at+"/alpha", `must be a decimal between 0 and 1, written as "0.01"`)
	case rule.MinSamples < 1:
		return wrong(at+"/min_samples", "must be at least 1: no sample is no pass")
	case rule.MinEffect != nil && !rule.MinEffect.Valid():
		return wrong(at+"/min_effect", `must be a decimal between 0 and 1, written as "0.005"`)
	default:
		return nil
	}
}

func (rule *compareRule) find(w Window, metric Metric, found func(verdict Verdict, code Code, target, format string, args ...any)) {
	target := "comparison of " + metric.Name
	if metric.Comparison != nil && metric.Comparison.NoControl {
		if rule.RequireControl {
			found(NoData, MetricNoData, target, "%s has no control to be compared with", metric.Name)
		}
		return
	}
	state, known := metric.Comparison.look(w.ActivatedAt)
	if !known {
		found(NoData, MetricNoData, target, "%s has no counts of both sides since activation, or they do not follow those before", metric.Name)
		return
	}
	canary, control := state.Counts()
	taken := canary.Samples == metric.Comparison.Canary.Samples && control.Samples == metric.Comparison.Control.Samples
	switch few := min(canary.Samples, control.Samples); {
	case state.Exceeds(rule.Alpha) && (rule.MinEffect == nil || rule.MinEffect.Apart(canary, control)):
		// However few samples: the test holds at every number of them.
		found(Fail, MetricWorse, target, "%s: %d of %d failed, of the control %d of %d", metric.Name, canary.Failures, canary.Samples, control.Failures, control.Samples)
	case !taken:
		found(NoData, MetricNoData, target, "%s has nothing new on one side to compare the other with", metric.Name)
	case few < rule.MinSamples:
		found(Insufficient, MetricTooFewSamples, target, "%s is compared over %d samples, must have %d on each side", metric.Name, few, rule.MinSamples)
	}
}

// Carry is what the next window says of those before it, for one metric.
type Carry struct {
	FailedBefore int64
	// Before is absent if the metric was not compared: the next look, over counts
	// that have grown, then takes in what this one missed.
	Before *sequential.State
}

// Carried returns what the window after w must carry of each of its metrics, given
// what was decided on w. A window without data does not end a row of failed ones.
// Its error is that of a decision on something else.
func Carried(w Window, d Decision) (map[string]Carry, error) {
	digest, err := inputsDigest(normalWindow(w))
	if err != nil || d.Gate != GateHealth || d.InputsDigest != digest {
		return nil, fmt.Errorf("decision of gate %s on %s is not about this window", d.Gate, d.InputsDigest)
	}
	carried := map[string]Carry{}
	for _, metric := range w.Metrics {
		var carry Carry
		failed, unknown := metric.judged(d)
		switch {
		case failed && metric.failedBefore():
			carry.FailedBefore = *metric.FailedBefore + 1
		case failed:
			carry.FailedBefore = 1
		case unknown && metric.failedBefore():
			carry.FailedBefore = *metric.FailedBefore
		}
		if state, known := metric.Comparison.look(w.ActivatedAt); known {
			carry.Before = &state
		}
		carried[metric.Name] = carry
	}
	return carried, nil
}

// judged reports whether a decision found the metric out of bounds, or could not
// tell.
func (m Metric) judged(d Decision) (failed, unknown bool) {
	for _, f := range d.Findings {
		if f.Target == metricTarget(m.Name) {
			failed = failed || f.Code == MetricOutOfBounds
			unknown = unknown || f.Verdict != Pass
		}
	}
	return failed, unknown
}
