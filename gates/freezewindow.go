package gates

import (
	"errors"
	"fmt"
	"time"

	"github.com/initkoa/orgo/gates/recurrence"
	"github.com/initkoa/orgo/gates/zone"
)

// freezeWindow is a time in which nothing is promoted, its end excluded: either
// once, from an instant to an instant, or again and again, each time for a duration
// from the local times on at which an RFC 5545 rule has it begin.
type freezeWindow struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	RRule    string    `json:"rrule"`
	Start    string    `json:"start"`
	Duration duration  `json:"duration"`
	TimeZone string    `json:"time_zone"`
	Reason   string    `json:"reason"`
}

// The limits of windows. A duration is elapsed time: 64 hours from Friday at four
// end on Monday at eight, or at seven or nine if the clock was changed.
const (
	minFreeze    = time.Minute
	maxFreeze    = 31 * 24 * time.Hour
	maxRecurring = 16  // windows of a rule that recur
	maxInARow    = 400 // freezes that are looked through for the end of all
)

// freezeEnd returns the end of a window that covers an instant, or no time: the
// latest end, if several of its recurrences do.
type freezeEnd func(at time.Time) time.Time

// recurs reports whether anything is said that only a window that recurs has.
func (w freezeWindow) recurs() bool {
	return w.RRule != "" || w.Start != "" || w.Duration != 0 || w.TimeZone != ""
}

// read checks a window. The pointer of its error is relative to the window.
func (w freezeWindow) read(zones zone.Database) (freezeEnd, error) {
	switch once := !w.From.IsZero() || !w.To.IsZero(); {
	case once && w.recurs():
		return nil, wrong("", "has from or to, and what a window that recurs has: one of the two")
	case w.Reason == "":
		return nil, wrong("/reason", "must say why")
	case w.recurs():
		return w.readRecurring(zones)
	case w.From.IsZero() || !w.From.Before(w.To):
		return nil, wrong("", "must begin before it ends")
	}
	return func(at time.Time) time.Time {
		if at.Before(w.From) || !at.Before(w.To) {
			return time.Time{}
		}
		return w.To
	}, nil
}

func (w freezeWindow) readRecurring(zones zone.Database) (freezeEnd, error) {
	length := time.Duration(w.Duration)
	if length < minFreeze || length > maxFreeze {
		return nil, wrong("/duration", "must be from %s to %s", minFreeze, maxFreeze)
	}
	in, err := zones.Load(w.TimeZone)
	if err != nil {
		return nil, wrong("/time_zone", "%v", err)
	}
	rule, err := recurrence.Parse(w.RRule, w.Start, in)
	var part *recurrence.Error
	switch {
	case errors.As(err, &part):
		return nil, wrong("/"+part.Part, "%s", part.Problem)
	case err != nil:
		return nil, wrong("/"+recurrence.PartRule, "%v", err)
	}
	return func(at time.Time) time.Time {
		// What began just after at-length has not ended; what begins at at has begun.
		starts := rule.Within(at.Add(1-length), at.Add(1))
		if len(starts) == 0 {
			return time.Time{}
		}
		return starts[len(starts)-1].Add(length)
	}, nil
}

// says is what a finding says of a window that covers until end.
func (w freezeWindow) says(end time.Time) string {
	text := fmt.Sprintf("frozen until %s: %s", end.UTC().Format(time.RFC3339), w.Reason)
	if w.recurs() {
		text += fmt.Sprintf(" (%s in %s, time zones of %s)", w.RRule, w.TimeZone, zone.Version)
	}
	return text
}
