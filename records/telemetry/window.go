package telemetry

import (
	"fmt"
	"maps"
	"time"

	"github.com/initkoa/orgo/records"
)

// Window is everything that was reported of one cohort of a release since it was
// activated, up to Sequence.
//
// Samples are bulk data: they are not entries, and the ledger has no leaf for each.
// What is decided on a window becomes an entry with the window's digest in it, and
// that has one. From the stored samples the window of any sequence can be made
// again, and so can its digest.
type Window struct {
	Organization string `json:"organization"`
	ReleaseID    string `json:"release_id"`
	Cohort       string `json:"cohort"`
	// Sequence is the position, among the stored samples of the release, of the last
	// one that is in the window. The window of a sequence is thereby one and the same,
	// whoever makes it, and when.
	Sequence    int64     `json:"sequence"`
	ActivatedAt time.Time `json:"activated_at"`
	From        time.Time `json:"from,omitzero"` // of the earliest sample that counts
	To          time.Time `json:"to,omitzero"`   // of the latest one
	Expected    int64     `json:"expected"`      // members of the frozen cohort
	Reporting   int64     `json:"reporting"`     // of them, those of which a sample counts
	// Active are the members whose newest state shows that they run the release's
	// pack, switched to since the activation. Nothing else proves that.
	Active int64 `json:"active"`
	// Counted is how many samples count.
	Counted    int64             `json:"counted"`
	Metrics    map[string]Metric `json:"metrics"`
	WorstPhase Phase             `json:"worst_phase,omitempty"`
	// Refused is how many samples do not count, by their code.
	Refused map[Code]int64 `json:"refused"`
	// Digest is that of the canonical JSON of all the rest.
	Digest records.Digest `json:"digest"`
}

// Total returns how many samples are in the window, whether they count or not.
func (w Window) Total() int64 {
	total := w.Counted
	for _, n := range w.Refused {
		total += n
	}
	return total
}

// sealed returns w with its digest.
func (w Window) sealed() (Window, error) {
	digest, err := w.digest()
	if err != nil {
		return Window{}, fmt.Errorf("digest of the window of cohort %s of release %s: %w", w.Cohort, w.ReleaseID, err)
	}
	w.Digest = digest
	return w, nil
}

func (w Window) digest() (records.Digest, error) {
	w.Digest = records.Digest{}
	return records.CanonicalDigest(w)
}

// Refusal says why a window is not taken.
type Refusal struct {
	Code    Code
	Cohort  string
	Message string
}

// Error names the cohort and what is wrong.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: window of cohort %s: %s", r.Code, r.Cohort, r.Message)
}

// windowRules are what every window holds to. A window may come from anywhere.
var windowRules = []struct {
	holds   func(Window) bool
	message string
}{
	{func(w Window) bool { return w.Organization != "" && w.ReleaseID != "" && w.Cohort != "" }, "it does not say of what cohort it is"},
	{func(w Window) bool { return w.Sequence > 0 && w.Sequence <= maxCount }, "it has no sequence"},
	{func(w Window) bool { return w.Counted >= 0 && w.Total() > 0 && w.Total() <= w.Sequence }, "it has other than 1 sample to sequence samples"},
	{func(w Window) bool { return 0 <= w.Active && w.Active <= w.Reporting && w.Reporting <= w.Expected },
		"its active, reporting and expected nodes do not go together"},
	{func(w Window) bool { return w.Reporting <= w.Counted && (w.Reporting > 0) == (w.Counted > 0) }, "its reporting nodes and samples do not go together"},
	{func(w Window) bool { return !w.ActivatedAt.IsZero() }, "its cohort was not activated"},
	{func(w Window) bool { return w.Counted == 0 || !w.From.Before(w.ActivatedAt) && !w.To.Before(w.From) },
		"its samples are not from after the activation"},
	{func(w Window) bool { _, known := phaseRanks[w.WorstPhase]; return known }, "its worst phase is none"},
	{func(w Window) bool {
		for _, metric := range w.Metrics {
			if !metric.valid() || metric.Samples > w.Counted {
				return false
			}
		}
		return true
	}, "it has a metric that samples cannot have made"},
	{func(w Window) bool {
		counted := int64(0)
		for kind := range kindRules {
			counted += w.Metrics[string(kind)].Samples
		}
		return counted == w.Counted
	}, "its metrics are made from more or fewer samples than count"},
	{func(w Window) bool {
		for code, n := range w.Refused {
			if !kept[code] || n <= 0 || n > maxCount {
				return false
			}
		}
		return true
	}, "it has a count of refused samples that cannot be"},
	{func(w Window) bool { digest, err := w.digest(); return err == nil && digest == w.Digest }, "it is not what its digest says"},
}

// Check returns a *Refusal with WindowInvalid if w is not a window that samples can
// have made, or not the one that its digest names.
func (w Window) Check() error {
	for _, rule := range windowRules {
		if !rule.holds(w) {
			return &Refusal{Code: WindowInvalid, Cohort: w.Cohort, Message: rule.message}
		}
	}
	return nil
}

// clone returns a window that shares nothing with w.
func (w Window) clone() Window {
	w.Refused = maps.Clone(w.Refused)
	metrics := make(map[string]Metric, len(w.Metrics))
	for name, metric := range w.Metrics {
		metric.Sketch = append(Sketch{}, metric.Sketch...)
		metrics[name] = metric
	}
	w.Metrics = metrics
	return w
}
