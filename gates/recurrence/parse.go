package recurrence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of a rule. All of COUNT, and the first occurrence of any rule, are
// found while it is parsed, so that nothing is left to be searched for later.
const (
	maxLength   = 512  // of the text, in bytes
	maxCount    = 1000 // COUNT
	maxInterval = 366  // INTERVAL
	maxYears    = 50   // in which COUNT is reached, and the first occurrence found
	minYear     = 1970 // of the start: zones are vague before
	maxYear     = 2199
)

const (
	formWall  = "2006-01-02T15:04:05"
	formUntil = "20060102T150405Z"
)

// part is a part of a rule.
type part struct {
	name string
	read func(r *Rule, value string) error
}

// parts has every part that is known, in the order in which they are read: BYDAY
// asks what BYMONTH was.
func parts(count *int) []part {
	return []part{
		{"INTERVAL", func(r *Rule, value string) (err error) {
			r.interval, err = number(value, 1, maxInterval, false)
			return
		}},
		{"COUNT", func(_ *Rule, value string) (err error) { *count, err = number(value, 1, maxCount, false); return }},
		{"UNTIL", readUntil},
		{"WKST", readWeekStart},
		{"BYMONTH", func(r *Rule, value string) (err error) { r.months, err = numbers(value, 12, false); return }},
		{"BYYEARDAY", func(r *Rule, value string) (err error) { r.yearDays, err = numbers(value, 366, true); return }},
		{"BYMONTHDAY", func(r *Rule, value string) (err error) { r.monthDays, err = numbers(value, 31, true); return }},
		{"BYDAY", readWeekdays},
		{"BYSETPOS", func(r *Rule, value string) (err error) { r.positions, err = numbers(value, 31, true); return }},
	}
}

// Parse reads a rule, such as "FREQ=WEEKLY;BYDAY=FR", and the local time at which
// it starts, such as "2026-03-06T16:00:00", which must be its first occurrence. What
// the RFC does not define, or this package does not know, is refused, and so is a
// rule that yields nothing. Every error is an *Error.
func Parse(rule, start string, in *time.Location) (Rule, error) {
	wall, err := time.Parse(formWall, start)
	if err != nil || wall.Format(formWall) != start {
		return Rule{}, wrong(PartStart, "must be a local time such as %s, without an offset", formWall)
	}
	if wall.Year() < minYear || wall.Year() > maxYear {
		return Rule{}, wrong(PartStart, "must be in the years from %d to %d", minYear, maxYear)
	}
	r := Rule{zone: in, interval: 1, weekStart: time.Monday, first: dayOf(wall)}
	r.clock = wall.Sub(r.first.time())
	r.last = dayOf(wall.AddDate(maxYears, 0, 0))

	values, problem := split(rule)
	if problem != nil {
		return Rule{}, problem
	}
	count := 0
	if problem := r.read(values, &count); problem != nil {
		return Rule{}, problem
	}
	r.complete(wall)
	return r, r.bound(count)
}

// split returns the values of a rule by the names of their parts.
func split(rule string) (map[string]string, *Error) {
	if len(rule) > maxLength {
		return nil, wrong(PartRule, "has more than %d bytes", maxLength)
	}
	values := map[string]string{}
	for text := range strings.SplitSeq(rule, ";") {
		name, value, found := strings.Cut(text, "=")
		if _, twice := values[name]; !found || value == "" || twice {
			return nil, wrong(PartRule, "has %q where one NAME=VALUE of each name is asked for, separated by semicolons", text)
		}
		values[name] = value
	}
	return values, nil
}

// read takes the parts of a rule in.
func (r *Rule) read(values map[string]string, count *int) *Error {
	all := frequencies()
	at := slices.IndexFunc(all, func(f frequency) bool { return f.name == values["FREQ"] })
	if at < 0 {
		return wrong(PartRule, "must have FREQ=DAILY, WEEKLY, MONTHLY or YEARLY")
	}
	r.frequency = all[at]
	known := 1
	for _, part := range parts(count) {
		value, there := values[part.name]
		if !there {
			continue
		}
		known++
		if strings.HasPrefix(part.name, "BY") && !slices.Contains(r.frequency.picks, part.name) {
			return wrong(PartRule, "has %s, which is not for FREQ=%s", part.name, r.frequency.name)
		}
		if err := part.read(r, value); err != nil {
			return wrong(PartRule, "has %s=%s: %v", part.name, value, err)
		}
	}
	switch {
	case known < len(values):
		return wrong(PartRule, "has a part that is not known here; there are FREQ, INTERVAL, COUNT, UNTIL, WKST, BYMONTH, BYYEARDAY, BYMONTHDAY, BYDAY and BYSETPOS")
	case *count > 0 && !r.until.IsZero():
		return wrong(PartRule, "has both COUNT and UNTIL")
	case len(r.positions) > 0 && len(r.monthDays)+len(r.weekdays) == 0:
		return wrong(PartRule, "has BYSETPOS without BYDAY or BYMONTHDAY")
	}
	return nil
}

// complete takes from the start what the rule leaves open (RFC 5545, section
// 3.3.10: "Information, not contained in the rule, … is derived from DTSTART").
func (r *Rule) complete(start time.Time) {
	if len(r.yearDays)+len(r.monthDays)+len(r.weekdays) > 0 {
		return
	}
	switch r.frequency.name {
	case weekly:
		r.weekdays = []weekday{{day: start.Weekday()}}
	case yearly:
		if len(r.months) == 0 {
			r.months = []int{int(start.Month())}
		}
		r.monthDays = []int{start.Day()}
	case monthly:
		r.monthDays = []int{start.Day()}
	}
}

// bound checks that the rule begins with its start and finds where it ends. The
// rule does not look further than maxYears while this runs.
func (r *Rule) bound(count int) error {
	horizon := r.last
	r.last = min(r.first, horizon)
	if len(r.days(r.first, r.first)) == 0 {
		r.last = horizon
		later := r.days(r.first, horizon)
		if len(later) == 0 {
			return wrong(PartRule, "yields no day within %d years of the start", maxYears)
		}
		return wrong(PartStart, "is no occurrence of the rule, which RFC 5545 leaves undefined; the first is on %s", later[0].time().Format(time.DateOnly))
	}
	r.last = horizon
	if count > 0 {
		days := r.days(r.first, horizon)
		if len(days) < count {
			return wrong(PartRule, "has COUNT=%d, which it does not reach within %d years", count, maxYears)
		}
		r.last = days[count-1]
		return nil
	}
	if start := r.first.time(); len(r.Within(start.Add(-48*time.Hour), start.Add(72*time.Hour))) == 0 {
		return wrong(PartRule, "has an UNTIL before the start: it yields nothing")
	}
	r.last = dateDay(farYear, 1, 1)
	return nil
}

// farYear is after all times that RFC 3339 can write.
const farYear = 10000

func readUntil(r *Rule, value string) error {
	until, err := time.Parse(formUntil, value)
	if err != nil {
		return fmt.Errorf("must be a time in UTC such as %s, as the start has a zone", formUntil)
	}
	r.until = until
	return nil
}

func readWeekStart(r *Rule, value string) (err error) {
	r.weekStart, err = dayOfWeek(value)
	return err
}

func readWeekdays(r *Rule, value string) error {
	limits := map[string]int{monthly: 5, yearly: 53}
	limit := limits[r.frequency.name]
	if len(r.months) > 0 {
		limit = min(limit, 5)
	}
	for text := range strings.SplitSeq(value, ",") {
		at := max(len(text)-2, 0)
		day, err := dayOfWeek(text[at:])
		if err != nil {
			return err
		}
		w := weekday{day: day}
		if at > 0 {
			if w.ordinal, err = number(text[:at], 1, limit, true); err != nil {
				return err
			}
		}
		r.weekdays = append(r.weekdays, w)
	}
	return nil
}

func dayOfWeek(text string) (time.Weekday, error) {
	at := slices.Index([]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}, text)
	if at < 0 {
		return 0, fmt.Errorf("%q is none of MO, TU, WE, TH, FR, SA, SU", text)
	}
	return time.Weekday(at), nil
}

// numbers reads a list of numbers from 1 to limit, or counted from the end too.
func numbers(value string, limit int, fromEnd bool) ([]int, error) {
	var list []int
	for text := range strings.SplitSeq(value, ",") {
		n, err := number(text, 1, limit, fromEnd)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}

func number(text string, low, high int, fromEnd bool) (int, error) {
	n, err := strconv.Atoi(text)
	size := n
	if fromEnd {
		size = max(n, -n)
	}
	if err != nil || size < low || size > high {
		return 0, fmt.Errorf("%q is no number from %d to %d%s", text, low, high, map[bool]string{true: ", or from the end with a minus"}[fromEnd && high > 0])
	}
	return n, nil
}
