package gates

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/initkoa/orgo/records"
)

// Window is what telemetry says of one cohort of a release, from when it was
// activated. It is what the rollout-health gate looks at.
type Window struct {
	Digest      records.Digest `json:"digest"` // of the window as it was relayed
	ActivatedAt time.Time      `json:"activated_at,omitzero"`
	From        time.Time      `json:"from,omitzero"`
	To          time.Time      `json:"to,omitzero"`
	// Ended says that the analysis had the time it was given. One that was ended
	// early is no pass.
	Ended     bool     `json:"ended"`
	Expected  int64    `json:"expected"`  // members of the frozen cohort
	Reporting int64    `json:"reporting"` // of them, those heard of in the window
	Metrics   []Metric `json:"metrics"`
	Measured  int      `json:"measured"` // how many metrics: each must be listed, once
}

// Metric is one number and how many samples it is made from. Value is absent if
// there were none.
type Metric struct {
	Name    string   `json:"name"`
	Samples int64    `json:"samples"`
	Value   *float64 `json:"value,omitempty"`
}

const ruleWindow = "orgo/telemetry-window"

// Health decides whether a cohort is well. Absent, stale, early and thin
// telemetry is never a pass.
func Health(c Context, w Window) Decision { return evaluate(GateHealth, c, w) }

func healthFindings(c Context, w Window) []Finding {
	var findings []Finding
	bad := func(verdict Verdict, code Code, target, message string) {
		findings = append(findings, Finding{RuleID: ruleWindow, Verdict: verdict, Code: code, Message: message, Evidence: &w.Digest}.about(target))
	}
	if !w.Digest.Valid() || !w.counted() {
		bad(NoData, EvidenceMissing, "window", "the window is not that of a cohort that reports")
	}
	if !w.timely(c) {
		bad(NoData, EvidenceMissing, "time", "the window does not lie between activation and now")
	}
	if !w.Ended {
		bad(Pending, AnalysisIncomplete, "analysis", "the analysis has not ended")
	}
	nameless := func(m Metric) bool { return m.Name == "" }
	if len(w.Metrics) == 0 || w.Measured != len(w.Metrics) || slices.ContainsFunc(w.Metrics, nameless) {
		bad(NoData, EvidenceMissing, "metrics", fmt.Sprintf("%d metrics were measured, %d are listed, each must be with its name", w.Measured, len(w.Metrics)))
	}
	seen := map[string]bool{}
	for _, metric := range w.Metrics {
		if seen[metric.Name] {
			bad(Error, EvidenceMissing, "metric "+metric.Name, fmt.Sprintf("metric %s is there twice", metric.Name))
		}
		seen[metric.Name] = true
	}
	if len(findings) == 0 {
		findings = append(findings, pass(ruleWindow, &w.Digest))
	}
	return findings
}

// maxCounted is the largest count that canonical JSON holds exactly (RFC 8785,
// section 3.2.2.3: numbers are doubles). A larger one could not be decided again.
const maxCounted = 1 << 53

// counted reports whether the window's counts are those of a cohort of which
// anybody was heard.
func (w Window) counted() bool {
	return w.Expected > 0 && w.Expected <= maxCounted && w.Reporting > 0 && w.Reporting <= w.Expected
}

// timely reports whether the window lies between activation and now.
func (w Window) timely(c Context) bool {
	return !w.ActivatedAt.IsZero() && !w.From.Before(w.ActivatedAt) && w.From.Before(w.To) && !w.To.After(c.At)
}

// healthConfig is the config of a rule of type "rollout_health".
type healthConfig struct {
	Metrics             []metricRule `json:"metrics"`
	MinReportingPercent int64        `json:"min_reporting_percent"`
	MaxAge              duration     `json:"max_age"` // of the window's end: silence beyond it is stale
}

type metricRule struct {
	Name       string   `json:"name"`
	Max        *float64 `json:"max,omitempty"`
	Min        *float64 `json:"min,omitempty"`
	MinSamples int64    `json:"min_samples"`
}

func readHealth(raw json.RawMessage) (func(Context, Window) []Finding, error) {
	var config healthConfig
	if err := strict(raw, &config); err != nil {
		return nil, err
	}
	switch {
	case len(config.Metrics) == 0:
		return nil, wrong("/metrics", "must list at least one: otherwise the rule could never refuse")
	case config.MinReportingPercent < 1 || config.MinReportingPercent > 100:
		return nil, wrong("/min_reporting_percent", "must be 1 to 100")
	case config.MaxAge <= 0:
		return nil, wrong("/max_age", "must be a duration above zero, such as 5m")
	}
	for i, metric := range config.Metrics {
		switch at := fmt.Sprintf("/metrics/%d", i); {
		case metric.Name == "":
			return nil, wrong(at+"/name", "must name a metric")
		case metric.Max == nil && metric.Min == nil:
			return nil, wrong(at, "must have max or min: a metric without a condition would always pass")
		case metric.MinSamples < 1:
			return nil, wrong(at+"/min_samples", "must be at least 1: no sample is no pass")
		}
	}
	return func(c Context, w Window) []Finding { return config.findings(c, w) }, nil
}

func (config healthConfig) findings(c Context, w Window) []Finding {
	var findings []Finding
	found := func(verdict Verdict, code Code, target, format string, args ...any) {
		findings = append(findings, Finding{Verdict: verdict, Code: code, Message: fmt.Sprintf(format, args...), Evidence: &w.Digest}.about(target))
	}
	// What is no window of a cohort is refused for that, under the same target as
	// by the gate itself: its age and share are no further conditions.
	switch {
	case !w.timely(c):
		found(NoData, EvidenceMissing, "time", "the window does not lie between activation and now")
	case !c.At.Before(w.To.Add(time.Duration(config.MaxAge))):
		found(Stale, TelemetryStale, "time", "the window ended at %s, more than %s ago", w.To.UTC().Format(time.RFC3339), time.Duration(config.MaxAge))
	}
	switch {
	case !w.counted():
		found(NoData, EvidenceMissing, "window", "the window is not that of a cohort that reports")
	case tooFew(w.Reporting, w.Expected, config.MinReportingPercent):
		found(Insufficient, ReportingTooLow, "reporting", "%d of %d members reported, must be %d %%", w.Reporting, w.Expected, config.MinReportingPercent)
	}
	if len(w.Metrics) == 0 {
		found(NoData, EvidenceMissing, "metrics", "nothing was measured")
		return findings
	}
	for _, rule := range config.Metrics {
		metric, there := w.metric(rule.Name)
		target := "metric " + rule.Name
		switch value, known := metric.value(); {
		case !there || !known:
			found(NoData, MetricNoData, target, "%s has no value", rule.Name)
		case rule.Max != nil && !(value <= *rule.Max), rule.Min != nil && !(value >= *rule.Min):
			found(Fail, MetricOutOfBounds, target, "%s is %v, out of bounds", rule.Name, value)
		}
		if there && metric.Samples > 0 && metric.Samples < rule.MinSamples {
			found(Insufficient, MetricTooFewSamples, target, "%s has %d samples, must have %d", rule.Name, metric.Samples, rule.MinSamples)
		}
	}
	return findings
}

// tooFew reports whether reporting is less than percent of expected, none of
// which is negative. Products have 128 bits: one that overflowed might pass.
func tooFew(reporting, expected, percent int64) bool {
	haveHigh, have := bits.Mul64(uint64(reporting), 100)
	wantHigh, want := bits.Mul64(uint64(expected), uint64(percent))
	return haveHigh < wantHigh || haveHigh == wantHigh && have < want
}

func (w Window) metric(name string) (Metric, bool) {
	for _, metric := range w.Metrics {
		if metric.Name == name {
			return metric, true
		}
	}
	return Metric{}, false
}

// value returns the metric's value, and whether it has a finite one that was
// made from samples.
func (m Metric) value() (float64, bool) {
	if m.Value == nil || m.Samples <= 0 || math.IsNaN(*m.Value) || math.IsInf(*m.Value, 0) {
		return 0, false
	}
	return *m.Value, true
}

var healthFacts = []factOf[Window]{
	{"expected", intFact, "members of the cohort", func(_ Context, w Window) any { return w.Expected }},
	{"reporting", intFact, "of them, those heard of", func(_ Context, w Window) any { return w.Reporting }},
}
