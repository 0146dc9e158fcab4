package recurrence_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates/recurrence"
	"github.com/initkoa/orgo/gates/zone"
)

func location(t require.TestingT, name string) *time.Location {
	db, err := zone.Open()
	require.NoError(t, err)
	in, err := db.Load(name)
	require.NoError(t, err)
	return in
}

// The examples of RFC 5545, section 3.8.5.3, as far as they pick days. All start
// at 9 in New York.
func TestTheExamplesOfTheRFC(t *testing.T) {
	t.Parallel()
	newYork := location(t, "America/New_York")
	for _, c := range []struct{ rule, start, days string }{
		{"FREQ=DAILY;COUNT=10", "1997-09-02", "09-02 09-03 09-04 09-05 09-06 09-07 09-08 09-09 09-10 09-11"},
		{"FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02", "09-02 09-12 09-22 10-02 10-12"},
		{"FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", "1997-09-02", "09-02 09-04 09-09 09-11 09-16 09-18 09-23 09-25 09-30 10-02"},
		{"FREQ=WEEKLY;INTERVAL=2;UNTIL=19971024T000000Z;WKST=SU;BYDAY=MO,WE,FR", "1997-09-01", "09-01 09-03 09-05 09-15 09-17 09-19 09-29 10-01 10-03 10-13 10-15 10-17"},
		{"FREQ=MONTHLY;COUNT=5;BYDAY=1FR", "1997-09-05", "09-05 10-03 11-07 12-05 01-02"},
		{"FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "1997-09-22", "09-22 10-20 11-17 12-22 01-19 02-16"},
		{"FREQ=MONTHLY;BYMONTHDAY=-3;COUNT=6", "1997-09-28", "09-28 10-29 11-28 12-29 01-29 02-26"},
		{"FREQ=MONTHLY;COUNT=5;BYMONTHDAY=1,-1", "1997-09-30", "09-30 10-01 10-31 11-01 11-30"},
		{"FREQ=YEARLY;INTERVAL=3;COUNT=5;BYYEARDAY=1,100,200", "1997-01-01", "01-01 04-10 07-19 01-01 04-09"},
		{"FREQ=YEARLY;BYDAY=20MO;COUNT=3", "1997-05-19", "05-19 05-18 05-17"},
		{"FREQ=YEARLY;BYMONTH=6,7;COUNT=4", "1997-06-10", "06-10 07-10 06-10 07-10"},
		{"FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=4", "1998-02-13", "02-13 03-13 11-13 08-13"},
		{"FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=3", "1996-11-05", "11-05 11-07 11-02"},
		{"FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04", "09-04 10-07 11-06"},
		{"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=7", "1997-09-29", "09-29 10-30 11-27 12-30 01-29 02-26 03-30"},
		{"FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05", "08-05 08-10 08-19 08-24"},
		{"FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05", "08-05 08-17 08-19 08-31"},
	} {
		rule, err := recurrence.Parse(c.rule, c.start+"T09:00:00", newYork)
		require.NoError(t, err, c.rule)
		var days []string
		for _, start := range rule.Within(time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)) {
			require.Equal(t, "09:00:00", start.In(newYork).Format(time.TimeOnly), c.rule)
			days = append(days, start.In(newYork).Format("01-02"))
		}
		require.Equal(t, c.days, strings.Join(days, " "), c.rule)
	}
}

// A recurrence that a clock change leaves out takes place all the same, at the time
// of section 3.3.5. The fault planted is the RFC's own rule for recurrences, and
// that of taking the second of two equal times.
func TestClockChangesLeaveNoHole(t *testing.T) {
	t.Parallel()
	berlin := location(t, "Europe/Berlin")
	rule, err := recurrence.Parse("FREQ=DAILY", "2026-03-01T02:30:00", berlin)
	require.NoError(t, err)
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return parsed
	}
	spring := func(starts []time.Time) bool {
		return slices.EqualFunc(starts, []time.Time{at("2026-03-28T01:30:00Z"), at("2026-03-29T01:30:00Z"), at("2026-03-30T00:30:00Z")}, time.Time.Equal)
	}
	autumn := func(starts []time.Time) bool {
		return slices.EqualFunc(starts, []time.Time{at("2026-10-24T00:30:00Z"), at("2026-10-25T00:30:00Z"), at("2026-10-26T01:30:00Z")}, time.Time.Equal)
	}
	gap := rule.Within(at("2026-03-28T00:00:00Z"), at("2026-03-31T00:00:00Z"))
	twice := rule.Within(at("2026-10-24T00:00:00Z"), at("2026-10-27T00:00:00Z"))
	require.True(t, spring(gap), "%v", gap)
	require.True(t, autumn(twice), "%v", twice)

	left := slices.DeleteFunc(slices.Clone(gap), func(start time.Time) bool { return start.In(berlin).Format("15:04") != "02:30" })
	require.Len(t, left, 2)
	require.False(t, spring(left), "a recurrence that is left out is found")
	twice[1] = twice[1].Add(time.Hour)
	require.Equal(t, "02:30", twice[1].In(berlin).Format("15:04"))
	require.False(t, autumn(twice), "the second of two equal times is found")
}

// A start in a gap is an occurrence too, and UNTIL is an instant.
func TestTheStartMayBeInAGap(t *testing.T) {
	t.Parallel()
	rule, err := recurrence.Parse("FREQ=YEARLY;UNTIL=20260329T013000Z", "2026-03-29T02:30:00", location(t, "Europe/Berlin"))
	require.NoError(t, err)
	starts := rule.Within(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC))
	require.Len(t, starts, 1)
	require.Equal(t, "2026-03-29T01:30:00Z", starts[0].UTC().Format(time.RFC3339))
	_, err = recurrence.Parse("FREQ=YEARLY;UNTIL=20260329T012959Z", "2026-03-29T02:30:00", location(t, "Europe/Berlin"))
	require.Error(t, err)
}

func TestWhatIsNotBoundedIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, start, part string }{
		{"", "2026-03-06T16:00:00", recurrence.PartRule},
		{"BYDAY=FR", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=SECONDLY", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=MINUTELY", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=HOURLY", "2026-03-06T16:00:00", recurrence.PartRule},
		{"freq=weekly", "2026-03-06T16:00:00", recurrence.PartRule},
		{"RRULE:FREQ=WEEKLY", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=WEEKLY;FREQ=DAILY", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=WEEKLY;", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=WEEKLY;BYDAY=", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=WEEKLY;BYDAY=FR,", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=WEEKLY;BYDAY=1FR", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=WEEKLY;BYMONTHDAY=6", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=WEEKLY;BYEASTER=0", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=YEARLY;BYWEEKNO=10", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=DAILY;BYHOUR=1,2", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=DAILY;INTERVAL=0", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=DAILY;INTERVAL=367", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=DAILY;COUNT=0", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=DAILY;COUNT=1001", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=DAILY;COUNT=99999999999999999999", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=YEARLY;COUNT=1000", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=DAILY;UNTIL=20270101", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=DAILY;UNTIL=20270101T000000", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=DAILY;UNTIL=20260101T000000Z", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=MONTHLY;BYSETPOS=1", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=MONTHLY;BYDAY=FR;BYSETPOS=0", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=MONTHLY;BYDAY=FR;BYSETPOS=6", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=YEARLY;BYDAY=FR;BYSETPOS=1", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=MONTHLY;BYDAY=6FR", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=MONTHLY;BYDAY=0FR", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29", "2025-03-01T16:00:00", recurrence.PartRule},
		{"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=20", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=DAILY;BYMONTH=13", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=DAILY;BYMONTH=-1", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=WEEKLY;WKST=XX", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=WEEKLY;BYDAY=" + strings.Repeat("FR,", 300) + "FR", "2026-03-06T16:00:00", recurrence.PartRule},
		{"FREQ=WEEKLY;BYDAY=FR", "2026-03-05T16:00:00", recurrence.PartStart},
		{"FREQ=WEEKLY;BYDAY=FR", "2026-03-06T16:00:00Z", recurrence.PartStart},
		{"FREQ=WEEKLY;BYDAY=FR", "2026-03-06T16:00:00.5", recurrence.PartStart},
		{"FREQ=WEEKLY;BYDAY=FR", "2026-02-30T16:00:00", recurrence.PartStart},
		{"FREQ=WEEKLY;BYDAY=FR", "2026-03-06", recurrence.PartStart},
		{"FREQ=WEEKLY", "1969-03-06T16:00:00", recurrence.PartStart},
		{"FREQ=WEEKLY", "2200-03-06T16:00:00", recurrence.PartStart},
		{"FREQ=WEEKLY", "", recurrence.PartStart},
	} {
		_, err := recurrence.Parse(c.rule, c.start, time.UTC)
		var wrong *recurrence.Error
		require.ErrorAs(t, err, &wrong, "%s %s", c.rule, c.start)
		require.Equal(t, c.part, wrong.Part, "%s %s: %v", c.rule, c.start, err)
	}
	_, err := recurrence.Parse("FREQ=WEEKLY;BYDAY=FR", "2026-03-03T16:00:00", time.UTC)
	require.ErrorContains(t, err, "the first is on 2026-03-06")
}

// rrule-go is another implementation. It counts from the beginning, in UTC here.
func TestAnotherImplementationAgrees(t *testing.T) {
	t.Parallel()
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		text := drawRule(t)
		start := time.Date(2026, 1, 1, 16, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 800).Draw(t, "start"))
		peer, err := rrule.StrToRRule("DTSTART:" + start.Format("20060102T150405Z") + "\nRRULE:" + text)
		require.NoError(t, err, text)
		// A start that the rule does not pick is refused: take the first that it picks.
		horizon := start.AddDate(6, 0, 0)
		first := peer.After(start, true)
		if first.IsZero() || first.After(horizon) || strings.Contains(text, "INTERVAL") && !first.Equal(start) {
			return
		}
		peer.DTStart(first)
		rule, err := recurrence.Parse(text, first.Format("2006-01-02T15:04:05"), time.UTC)
		if err != nil && strings.Contains(text, "COUNT") {
			return // not reached within the limit
		}
		require.NoError(t, err, text)
		from := first.AddDate(0, 0, rapid.IntRange(-10, 1500).Draw(t, "from"))
		to := from.AddDate(0, 0, rapid.IntRange(1, 400).Draw(t, "days"))
		expected := peer.Between(from, to.Add(-time.Nanosecond), true)
		got := rule.Within(from, to)
		require.True(t, slices.EqualFunc(expected, got, time.Time.Equal), "%s from %s\nexpected %v\n     got %v", text, first, expected, got)
		found += len(got)
	})
	require.Positive(t, found)
}

// drawRule draws a rule that derives nothing from its start, so that it is the same
// from a later one.
func drawRule(t *rapid.T) string {
	list := func(label string, from *rapid.Generator[string]) string {
		return strings.Join(rapid.SliceOfNDistinct(from, 1, 4, rapid.ID).Draw(t, label), ",")
	}
	days := []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}
	maybe := func(part string) string {
		if rapid.Bool().Draw(t, part) {
			return ";" + part
		}
		return ""
	}
	frequency := rapid.SampledFrom([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}).Draw(t, "frequency")
	rule := "FREQ=" + frequency
	month := maybe("BYMONTH=" + list("months", rapid.SampledFrom([]string{"1", "2", "3", "6", "10", "12"})))
	monthDay := ";BYMONTHDAY=" + list("month days", rapid.SampledFrom([]string{"1", "13", "29", "31", "-1", "-7", "8"}))
	plain := ";BYDAY=" + list("days", rapid.SampledFrom(days))
	nth := ";BYDAY=" + list("nth", rapid.SampledFrom([]string{"1MO", "-1FR", "2TU", "5SU", "-2SA", "WE"}))
	forms := map[string][]string{
		"DAILY":   {"", monthDay, plain, monthDay + plain},
		"WEEKLY":  {plain, plain + ";WKST=SU", plain + ";WKST=WE"},
		"MONTHLY": {monthDay, plain, nth, monthDay + plain, plain + ";BYSETPOS=1,-1", plain + ";BYSETPOS=-2", monthDay + plain + ";BYSETPOS=1"},
		"YEARLY":  {monthDay, plain, nth, monthDay + plain, ";BYYEARDAY=1,60,366,-1,-200", ";BYYEARDAY=1,60,366,-1" + plain},
	}
	rule += month + rapid.SampledFrom(forms[frequency]).Draw(t, "form")
	rule += maybe(fmt.Sprintf("INTERVAL=%d", rapid.IntRange(1, 5).Draw(t, "interval")))
	return rule + rapid.SampledFrom([]string{"", "", ";COUNT=7", ";UNTIL=20300615T160000Z"}).Draw(t, "end")
}

// However a rule is asked, the answers are the same: parts of a time, and the times
// before and after.
func TestAnswersDoNotDependOnHowTheyAreAsked(t *testing.T) {
	t.Parallel()
	in := location(t, "America/New_York")
	rule, err := recurrence.Parse("FREQ=MONTHLY;BYDAY=SU;BYSETPOS=2", "2026-01-11T02:30:00", in)
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(-1000, 100000).Draw(t, "from")) * time.Hour)
		middle := from.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "middle")) * time.Hour)
		to := middle.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "to")) * time.Hour)
		require.Equal(t, rule.Within(from, to), append(rule.Within(from, middle), rule.Within(middle, to)...))
	})
}

// What is asked at the end of time takes no longer than what is asked today.
func BenchmarkFarFromTheStart(b *testing.B) {
	rule, err := recurrence.Parse("FREQ=DAILY", "1970-01-01T16:00:00", time.UTC)
	require.NoError(b, err)
	at := time.Date(9990, 1, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		rule.Within(at, at.Add(64*time.Hour))
	}
}
