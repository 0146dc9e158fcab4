// Package recurrence says when something that recurs takes place: the recurrence
// rules of RFC 5545 (iCalendar), section 3.3.10, as far as they pick days.
//
// It differs from the RFC in one place, and on purpose. The RFC ignores a
// recurrence whose local time a clock change leaves out; here it takes place, at
// the time that section 3.3.5 gives such a DTSTART. What recurs here is what must
// not happen at a time, and a day without it would be a hole.
//
// Everything is bounded, for rules come from operators and are asked in workflows:
// what is refused stands in the constants and tables of parse.go. A rule is asked
// for a time directly: how long ago it began costs nothing, as it would with
// iterators that count from the beginning.
package recurrence

import (
	"fmt"
	"slices"
	"time"

	"github.com/initkoa/orgo/gates/zone"
)

// Rule is a recurrence rule with its start and zone. It is made by Parse, and may
// be used by several goroutines at once.
type Rule struct {
	frequency frequency
	interval  int
	weekStart time.Weekday
	months    []int
	yearDays  []int
	monthDays []int
	weekdays  []weekday
	positions []int

	zone  *time.Location
	first day
	clock time.Duration // of the day, on which an occurrence starts
	last  day           // none after it, where count says how many there are
	until time.Time     // none after it, if it is not zero
}

// The names of what Parse reads, for Error.
const (
	PartRule  = "rrule"
	PartStart = "start"
)

// Error says which part of a recurrence is wrong, and what is wrong with it.
type Error struct {
	Part    string
	Problem string
}

func (e *Error) Error() string { return e.Part + " " + e.Problem }

func wrong(part, format string, args ...any) *Error {
	return &Error{Part: part, Problem: fmt.Sprintf(format, args...)}
}

// Within returns the starts of the occurrences in [from, to), the earliest first.
// The work is linear in the days between the two.
func (r Rule) Within(from, to time.Time) []time.Time {
	const reach = 2 // days that a clock is at most away from UTC, gaps included
	var starts []time.Time
	for _, d := range r.days(dayOf(from)-reach, dayOf(to)+reach) {
		start := zone.Instant(d.time().Add(r.clock), r.zone)
		if !start.Before(from) && start.Before(to) && (r.until.IsZero() || !start.After(r.until)) {
			starts = append(starts, start)
		}
	}
	// A time in a gap is read as one after it, and may pass the next.
	slices.SortFunc(starts, time.Time.Compare)
	return starts
}

// days returns the days from low to high, both included, on which an occurrence
// starts by the clock of the zone.
func (r Rule) days(low, high day) []day {
	low, high = max(low, r.first), min(high, r.last)
	if low > high {
		return nil
	}
	origin := r.frequency.period(r.first, r.weekStart)
	at := r.frequency.period(low, r.weekStart)
	at -= (at - origin) % r.interval
	var found []day
	for ; r.frequency.begin(at, r.weekStart) <= high; at += r.interval {
		begin, end := r.frequency.begin(at, r.weekStart), r.frequency.begin(at+1, r.weekStart)
		if len(r.positions) == 0 { // else all of the period has a place
			begin, end = max(begin, low), min(end, high+1)
		}
		var set []day
		for d := begin; d < end; d++ {
			if r.admits(d) {
				set = append(set, d)
			}
		}
		for i, d := range set {
			if low <= d && d <= high && (len(r.positions) == 0 || slices.Contains(r.positions, i+1) || slices.Contains(r.positions, i-len(set))) {
				found = append(found, d)
			}
		}
	}
	return found
}

// admits reports whether every part of the rule that picks days picks d. That is
// all there is to "expand" and "limit" in the RFC's table, since a period is
// looked at day by day.
func (r Rule) admits(d day) bool {
	date := d.time()
	year, month, ofMonth := date.Date()
	nextMonth := dateDay(year, int(month)+1, 1)
	nextYear := dateDay(year+1, 1, 1)
	return picks(r.months, int(month), 0) &&
		picks(r.yearDays, date.YearDay(), int(d-nextYear)) &&
		picks(r.monthDays, ofMonth, int(d-nextMonth)) &&
		r.picksWeekday(d, date, nextMonth, nextYear)
}

// picks reports whether a list has a place, counted from the front or (below 0)
// from the back. No list picks all.
func picks(list []int, place, fromBack int) bool {
	return len(list) == 0 || slices.Contains(list, place) || slices.Contains(list, fromBack)
}

// picksWeekday is picks for days of the week, whose ordinals are within the month
// or, in a yearly rule that names no month, within the year.
func (r Rule) picksWeekday(d day, date time.Time, nextMonth, nextYear day) bool {
	place, fromBack := date.Day(), int(nextMonth-d)
	if r.frequency.name == yearly && len(r.months) == 0 {
		place, fromBack = date.YearDay(), int(nextYear-d)
	}
	return len(r.weekdays) == 0 || slices.ContainsFunc(r.weekdays, func(w weekday) bool {
		return w.day == date.Weekday() && (w.ordinal == 0 || w.ordinal == (place+6)/7 || w.ordinal == -(fromBack+6)/7)
	})
}

// weekday is a day of the week, the ordinal-th if that is not 0.
type weekday struct {
	ordinal int
	day     time.Weekday
}
