package gates

import (
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
	Ended     bool  `json:"ended"`
	Expected  int64 `json:"expected"`  // members of the frozen cohort
	Reporting int64 `json:"reporting"` // of them, those heard of in the window
	// HeardSince is when that one of them was last heard of that has been silent the
	// longest.
	HeardSince time.Time `json:"heard_since,omitzero"`
	Metrics    []Metric  `json:"metrics"`
	Measured   int       `json:"measured"` // how many metrics: each must be listed, once
}

// Metric is one number and how many samples it is made from. Value is absent if
// there were none.
type Metric struct {
	Name    string   `json:"name"`
	Samples int64    `json:"samples"`
	Value   *float64 `json:"value,omitempty"`
	// FailedBefore is how many windows in a row, up to this one, had it out of bounds
	// (Carried). It is 0 in the first.
	FailedBefore *int64      `json:"failed_before,omitempty"`
	Comparison   *Comparison `json:"comparison,omitempty"`
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
