package relay

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/initkoa/orgo/records/telemetry"
)

// state is what a relay keeps of a release.
type state struct {
	release  Release
	known    telemetry.Release
	position int64 // of the last sample reduced
	cohorts  map[string]*cohort
	changed  time.Time // when it was last found to have something new
	tried    time.Time // when the last signal was sent, or failed
	failed   bool      // the last signal
}

// cohort is a cohort that was activated.
type cohort struct {
	reducer   *telemetry.Reducer
	signalled int64 // sequence of the last window that was signalled
	crossed   bool  // a threshold, and that was signalled
}

// newState returns the state before the first sample. What was signalled from the
// state before it is kept.
func newState(release Release, known telemetry.Release, before *state) *state {
	s := &state{release: release, known: known, cohorts: map[string]*cohort{}}
	for name, frozen := range known.Cohorts {
		if frozen.ActivatedAt.IsZero() {
			continue
		}
		s.cohorts[name] = &cohort{reducer: telemetry.NewReducer(release.Organization, known, name)}
		// One that was held back and is activated anew has windows of its own.
		if before != nil && before.cohorts[name] != nil && before.known.Cohorts[name].ActivatedAt.Equal(frozen.ActivatedAt) {
			s.cohorts[name].signalled, s.cohorts[name].crossed = before.cohorts[name].signalled, before.cohorts[name].crossed
		}
	}
	if before != nil {
		s.tried, s.failed, s.changed = before.tried, before.failed, before.changed
	}
	return s
}

// outdated reports whether a cohort was activated since, or anew: its window then
// begins with the samples that are reduced already.
func (s *state) outdated(known telemetry.Release) bool {
	for name, frozen := range known.Cohorts {
		if !s.known.Cohorts[name].ActivatedAt.Equal(frozen.ActivatedAt) {
			return true
		}
	}
	return false
}

// add reduces samples, and returns how many of them had no refusal.
func (s *state) add(page []telemetry.Stored) (counted int) {
	for _, sample := range page {
		if sample.Code == telemetry.Counts {
			counted++
		}
		if c, active := s.cohorts[sample.Cohort]; active {
			c.reducer.Add(sample)
		}
		s.position = sample.Position
	}
	return counted
}

// settled reports whether every window was signalled.
func (s *state) settled() bool {
	for _, c := range s.cohorts {
		if c.reducer.Sequence() > c.signalled {
			return false
		}
	}
	return true
}

// rested reports whether the interval since the last signal is over.
func (s *state) rested(now time.Time, interval time.Duration) bool {
	return s.tried.IsZero() || !now.Before(s.tried.Add(interval))
}

// signal sends the windows that changed, if the interval is over or one of them
// crosses a threshold for the first time.
func (r *Relay) signal(ctx context.Context, s *state) error {
	if s.settled() {
		return nil
	}
	now := r.Clock.Now()
	s.changed = now
	if s.failed && now.Before(s.tried.Add(r.Poll)) {
		return nil // an alarm that was not heard is repeated, but not with every sample
	}
	due := s.rested(now, r.Interval)
	reason := ReasonInterval
	var windows []telemetry.Window
	crossed := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(s.cohorts)) {
		c := s.cohorts[name]
		if c.reducer.Sequence() <= c.signalled {
			continue
		}
		window, err := c.reducer.Window()
		if err != nil {
			return err
		}
		if crossed[name] = c.crossed || r.Threshold.Crossed(s.release, window); crossed[name] && !c.crossed {
			reason = ReasonThreshold
		}
		windows = append(windows, window)
	}
	if !due && reason == ReasonInterval {
		return nil
	}
	err := r.Signaller.Signal(ctx, s.release, windows)
	s.tried, s.failed = now, err != nil
	r.Observer.Signalled(reason, err != nil)
	if err != nil {
		return err
	}
	for _, window := range windows {
		s.cohorts[window.Cohort].signalled, s.cohorts[window.Cohort].crossed = window.Sequence, crossed[window.Cohort]
		r.Log.DebugContext(ctx, "a window was signalled", "organization", s.release.Organization, "release_id", s.release.ID,
			"cohort", window.Cohort, "sequence", window.Sequence, "samples", window.Total(), "reason", string(reason), "digest", window.Digest.String())
	}
	return nil
}
