package telemetry

import "math"

// maxCount is the largest number that canonical JSON holds exactly (RFC 8785,
// section 3.2.2.3). Counts do not come near it; a sum stops there.
const maxCount = 1<<53 - 1

// Metric is what samples say about one thing. Durations are in milliseconds, and
// the values of health signals in thousandths.
type Metric struct {
	Samples  int64 `json:"samples"`
	Failures int64 `json:"failures"`
	// Sum is that of the measured values, or 2^53-1 if it is that or more.
	Sum int64 `json:"sum"`
	// Sketch holds the measured values: a sample may have none, or one that is
	// negative or above MaxValue, which is not measured.
	Sketch Sketch `json:"sketch"`
}

// observation is what one sample says about one metric.
type observation struct {
	metric   string
	failed   bool
	value    int64
	measured bool
}

func (m *Metric) add(o observation) {
	m.Samples++
	if o.failed {
		m.Failures++
	}
	if o.measured {
		m.Sum = saturated(m.Sum, o.value)
		m.Sketch = m.Sketch.with(bucketOf(o.value), 1)
	}
}

// Merge returns the metric of the samples of both, which must have none in common.
func (m Metric) Merge(other Metric) Metric {
	return Metric{
		Samples: m.Samples + other.Samples, Failures: m.Failures + other.Failures,
		Sum: saturated(m.Sum, other.Sum), Sketch: m.Sketch.Merge(other.Sketch),
	}
}

func (m Metric) valid() bool {
	return m.Samples > 0 && m.Samples <= maxCount && m.Failures >= 0 && m.Failures <= m.Samples &&
		m.Sum >= 0 && m.Sum <= maxCount && m.Sketch.valid() && m.Sketch.Count() <= m.Samples
}

func (m Metric) contains(earlier Metric) bool {
	return m.Samples >= earlier.Samples && m.Failures >= earlier.Failures && m.Sum >= earlier.Sum && m.Sketch.contains(earlier.Sketch)
}

// saturated adds what is not negative. Stopping at a bound keeps the order of
// additions without influence.
func saturated(a, b int64) int64 {
	if a > maxCount-b {
		return maxCount
	}
	return a + b
}

// SignalMetric returns the name of the metric of a health signal.
func SignalMetric(signal string) string { return "signal." + signal }

// observe returns what a sample says about metrics, and its phase. Of health
// signals only those in wanted are looked at.
//
// A node repeats its last attempt in every state that it reports, so a state says
// nothing about how many attempts there were: samples of other kinds do.
func (s Sample) observe(wanted map[string]bool) ([]observation, Phase) {
	switch s.Kind {
	case KindNodeState:
		phase := s.NodeState.phase()
		return append(s.NodeState.Health.observe(wanted), observation{metric: string(s.Kind), failed: bad(phase)}), phase
	case KindHealth:
		return append(s.Health.observe(wanted), observation{metric: string(s.Kind), failed: bad(s.Health.Status)}), s.Health.Status
	default:
		return []observation{s.Outcome.observe(s.Kind)}, outcomePhases[s.Kind][s.Outcome.Status]
	}
}

// outcomePhases are those of outcomes that say how a node is. One use of a pack
// that failed does not: how many did, its metric says.
var outcomePhases = map[Kind]map[Status]Phase{
	KindActivation:   {Failed: PhaseFailed},
	KindVerification: {Failed: PhaseFailed},
}

// bad reports whether a phase counts as a failure.
func bad(phase Phase) bool { return phaseRanks[phase] >= phaseRanks[Unhealthy] }

func (n *NodeState) phase() Phase {
	if n.LastAttempt != nil && n.LastAttempt.Status == Failed {
		return PhaseFailed
	}
	return n.Health.Status
}

func (o *Outcome) observe(kind Kind) observation {
	seen := observation{metric: string(kind), failed: o.Status == Failed}
	if o.DurationMS != nil {
		seen.value, seen.measured = *o.DurationMS, true
	}
	return seen
}

func (h *Health) observe(wanted map[string]bool) []observation {
	var seen []observation
	for _, signal := range h.Signals {
		if !wanted[signal.Name] {
			continue
		}
		o := observation{metric: SignalMetric(signal.Name)}
		if thousandths := math.Round(signal.Value * 1000); thousandths >= 0 && thousandths <= MaxValue {
			o.value, o.measured = int64(thousandths), true
		}
		seen = append(seen, o)
	}
	return seen
}
