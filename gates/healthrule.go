package gates

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// healthConfig is the config of a rule of type "rollout_health".
type healthConfig struct {
	Metrics             []metricRule `json:"metrics"`
	MinReportingPercent int64        `json:"min_reporting_percent"`
	MaxAge              duration     `json:"max_age"` // of the window's end: silence beyond it is stale
	// SilenceBudget is how long a member that counts as reporting may be silent.
	SilenceBudget *duration `json:"silence_budget,omitempty"`
	// Window is how long a cohort must have been looked at.
	Window     *duration  `json:"window,omitempty"`
	OnDeadline OnDeadline `json:"on_deadline,omitempty"`
}

type metricRule struct {
	Name       string   `json:"name"`
	Max        *float64 `json:"max,omitempty"`
	Min        *float64 `json:"min,omitempty"`
	MinSamples int64    `json:"min_samples"`
	// MaxConsecutiveFailures is how many windows in a row may be out of bounds without
	// a FAIL. None of them is a PASS.
	MaxConsecutiveFailures int64        `json:"max_consecutive_failures,omitempty"`
	Compare                *compareRule `json:"compare,omitempty"`
}

func readHealth(raw json.RawMessage) (ruleMade, error) {
	config := healthConfig{OnDeadline: DeadlineRollBack}
	if err := strict(raw, &config); err != nil {
		return ruleMade{}, err
	}
	if err := config.check(); err != nil {
		return ruleMade{}, err
	}
	made, err := forGate(GateHealth, func(json.RawMessage) (func(Context, Window) []Finding, error) { return config.findings, nil })(raw)
	made.deadline = config.OnDeadline
	made.compares = slices.ContainsFunc(config.Metrics, func(m metricRule) bool { return m.Compare != nil })
	return made, err
}

// check returns what is wrong with a config, or nil.
func (config healthConfig) check() error {
	switch {
	case len(config.Metrics) == 0:
		return wrong("/metrics", "must list at least one: otherwise the rule could never refuse")
	case config.MinReportingPercent < 1 || config.MinReportingPercent > 100:
		return wrong("/min_reporting_percent", "must be 1 to 100")
	case config.MaxAge <= 0:
		return wrong("/max_age", "must be a duration above zero, such as 5m")
	case config.SilenceBudget != nil && *config.SilenceBudget <= 0:
		return wrong("/silence_budget", "must be a duration above zero, such as 2m")
	case config.Window != nil && *config.Window <= 0:
		return wrong("/window", "must be a duration above zero, such as 30m")
	case !slices.Contains(onDeadlines(), config.OnDeadline):
		return wrong("/on_deadline", "must be one of %v", onDeadlines())
	}
	for i, metric := range config.Metrics {
		if err := metric.check(fmt.Sprintf("/metrics/%d", i)); err != nil {
			return err
		}
	}
	return nil
}

func (rule metricRule) check(at string) error {
	bounded := rule.Max != nil || rule.Min != nil
	switch {
	case rule.Name == "":
		return wrong(at+"/name", "must name a metric")
	case !bounded && rule.Compare == nil:
		return wrong(at, "must have max, min or compare: a metric without a condition would always pass")
	case rule.MinSamples < 1:
		return wrong(at+"/min_samples", "must be at least 1: no sample is no pass")
	case rule.MaxConsecutiveFailures < 0 || rule.MaxConsecutiveFailures > maxCounted:
		return wrong(at+"/max_consecutive_failures", "must be 0 or more")
	case rule.MaxConsecutiveFailures > 0 && !bounded:
		return wrong(at+"/max_consecutive_failures", "needs max or min: what is compared is judged over all windows")
	default:
		return rule.Compare.check(at + "/compare")
	}
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
	case config.Window != nil && w.To.Sub(w.From) < time.Duration(*config.Window):
		found(Pending, AnalysisIncomplete, "length", "the window is %s long, must be %s", w.To.Sub(w.From), time.Duration(*config.Window))
	}
	if config.SilenceBudget != nil {
		switch budget := time.Duration(*config.SilenceBudget); {
		case w.HeardSince.IsZero() || w.HeardSince.Before(w.ActivatedAt) || w.HeardSince.After(c.At):
			found(NoData, EvidenceMissing, "silence", "it is not known since when each member was heard of")
		case !c.At.Before(w.HeardSince.Add(budget)):
			found(Stale, SilenceBudgetExceeded, "silence", "a member is silent since %s, for more than %s", w.HeardSince.UTC().Format(time.RFC3339), budget)
		}
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
		rule.find(w, found)
	}
	return findings
}

// find says what a rule objects to in its metric.
func (rule metricRule) find(w Window, found func(verdict Verdict, code Code, target, format string, args ...any)) {
	metric, there := w.metric(rule.Name)
	target := metricTarget(rule.Name)
	switch value, known := metric.value(); {
	case !there || !known:
		found(NoData, MetricNoData, target, "%s has no value", rule.Name)
	case rule.Max != nil && !(value <= *rule.Max), rule.Min != nil && !(value >= *rule.Min):
		verdict := Fail
		if metric.failedBefore() && *metric.FailedBefore < rule.MaxConsecutiveFailures {
			verdict = Pending // it may recover, and is no pass until it has
		}
		found(verdict, MetricOutOfBounds, target, "%s is %v, out of bounds", rule.Name, value)
	}
	if !there {
		return
	}
	if metric.Samples > 0 && metric.Samples < rule.MinSamples {
		found(Insufficient, MetricTooFewSamples, target, "%s has %d samples, must have %d", rule.Name, metric.Samples, rule.MinSamples)
	}
	if rule.MaxConsecutiveFailures > 0 {
		switch {
		case !metric.failedBefore():
			found(NoData, MetricNoData, "failures of "+rule.Name, "it is not known how many windows before had %s out of bounds", rule.Name)
		case *metric.FailedBefore > rule.MaxConsecutiveFailures: // in every phase, not only while it fails
			found(Fail, MetricOutOfBounds, "failures of "+rule.Name, "%s was out of bounds in %d windows in a row, at most %d admitted", rule.Name, *metric.FailedBefore, rule.MaxConsecutiveFailures)
		}
	}
	if rule.Compare != nil {
		rule.Compare.find(w, metric, found)
	}
}

func metricTarget(name string) string { return "metric " + name }

// failedBefore reports whether the count of failed windows is one.
func (m Metric) failedBefore() bool {
	return m.FailedBefore != nil && *m.FailedBefore >= 0 && *m.FailedBefore <= maxCounted
}
