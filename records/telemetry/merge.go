package telemetry

import "fmt"

// Merge returns the one of two windows of a cohort that contains the other: the
// later. In whatever order windows come, how often, and from whom, the result is
// the same.
//
// A *Refusal with WindowInvalid is the error if either fails Check or they are of
// different cohorts; one with WindowConflict if neither contains the other, as when
// somebody made one of them up.
func Merge(a, b Window) (Window, error) {
	for _, w := range []Window{a, b} {
		if err := w.Check(); err != nil {
			return Window{}, err
		}
	}
	if a.Organization != b.Organization || a.ReleaseID != b.ReleaseID || a.Cohort != b.Cohort {
		return Window{}, &Refusal{Code: WindowInvalid, Cohort: b.Cohort,
			Message: fmt.Sprintf("it is of release %s, and not of cohort %s of release %s", b.ReleaseID, a.Cohort, a.ReleaseID)}
	}
	earlier, later := a, b
	if a.Sequence > b.Sequence {
		earlier, later = b, a
	}
	if earlier.Sequence == later.Sequence && earlier.Digest != later.Digest || !later.contains(earlier) {
		return Window{}, &Refusal{Code: WindowConflict, Cohort: later.Cohort,
			Message: fmt.Sprintf("sequence %d does not contain sequence %d", later.Sequence, earlier.Sequence)}
	}
	return later, nil
}

// contains reports whether w can have come of earlier by more samples. What is
// newest of each node (Active) may go either way.
func (w Window) contains(earlier Window) bool {
	if !w.ActivatedAt.Equal(earlier.ActivatedAt) || w.Expected != earlier.Expected || w.Reporting < earlier.Reporting || w.Counted < earlier.Counted ||
		phaseRanks[w.WorstPhase] < phaseRanks[earlier.WorstPhase] {
		return false
	}
	if earlier.Counted > 0 && (w.From.After(earlier.From) || w.To.Before(earlier.To)) {
		return false
	}
	for name, metric := range earlier.Metrics {
		if later, there := w.Metrics[name]; !there || !later.contains(metric) {
			return false
		}
	}
	for code, n := range earlier.Refused {
		if w.Refused[code] < n {
			return false
		}
	}
	return true
}
