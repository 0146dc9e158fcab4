package gates_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/zone"
	"github.com/initkoa/orgo/records"
)

// recurring is the config of a window that recurs.
func recurring(rule, start, length, zone string) string {
	return fmt.Sprintf(`{"rrule":%q,"start":%q,"duration":%q,"time_zone":%q,"reason":"r"}`, rule, start, length, zone)
}

func freezeRule(windows ...string) string {
	return `freeze_window {"windows":[` + strings.Join(windows, ",") + `]}`
}

func frozenAt(t require.TestingT, rules gates.Ruleset, text, action string) gates.Decision {
	c := context(records.Activate)
	now, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	c.Rules, c.At = rules, now
	return gates.Freeze(c, gates.Action{Kind: action})
}

// From the first instant of a recurrence until before its end, by the clock of the
// zone; and until when.
func TestRecurringFreezes(t *testing.T) {
	t.Parallel()
	weekends := recurring("FREQ=WEEKLY;BYDAY=FR", "2026-03-06T16:00:00", "64h", "Europe/Berlin")
	nightly := recurring("FREQ=DAILY", "2026-03-01T02:30:00", "1h", "Europe/Berlin")
	for _, c := range []struct{ name, rule, at, earliest string }{
		{"before it", freezeRule(weekends), "2026-03-06T14:59:59Z", ""},
		{"its first instant", freezeRule(weekends), "2026-03-06T15:00:00Z", "2026-03-09T07:00:00Z"},
		{"its last second", freezeRule(weekends), "2026-03-09T06:59:59Z", "2026-03-09T07:00:00Z"},
		{"its end", freezeRule(weekends), "2026-03-09T07:00:00Z", ""},
		{"before the start of all", freezeRule(weekends), "2026-02-28T12:00:00Z", ""},
		{"64 hours when the clock goes forward", freezeRule(weekends), "2026-03-28T12:00:00Z", "2026-03-30T07:00:00Z"},
		{"summer", freezeRule(weekends), "2026-07-03T14:00:00Z", "2026-07-06T06:00:00Z"},
		{"years later", freezeRule(weekends), "2096-07-06T14:00:00Z", "2096-07-09T06:00:00Z"},
		{"not yet in the gap", freezeRule(nightly), "2026-03-29T01:29:59Z", ""},
		{"in the gap", freezeRule(nightly), "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"},
		{"the first of two", freezeRule(nightly), "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
		{"not the second", freezeRule(nightly), "2026-10-25T01:30:00Z", ""},
		{"adjoining", freezeRule(recurring("FREQ=DAILY;COUNT=3", "2026-03-06T00:00:00", "24h", "UTC")), "2026-03-06T12:00:00Z", "2026-03-09T00:00:00Z"},
		{"overlapping themselves", freezeRule(recurring("FREQ=DAILY;COUNT=3", "2026-03-06T00:00:00", "60h", "UTC")), "2026-03-06T12:00:00Z", "2026-03-10T12:00:00Z"},
		{"with one that does not recur", freezeRule(weekends, `{"from":"2026-03-09T07:00:00Z","to":"2026-03-13T16:00:00Z","reason":"r"}`), "2026-03-07T00:00:00Z", "2026-03-16T07:00:00Z"},
		{"without end", freezeRule(recurring("FREQ=DAILY", "2026-03-06T00:00:00", "24h", "UTC")), "2026-03-06T12:00:00Z", "never"},
	} {
		rules := parsed(t, c.rule)
		d := frozenAt(t, rules, c.at, gates.ActionPromote)
		require.Equal(t, c.earliest == "", d.Permits(), c.name)
		for _, unmet := range gates.WhyNot(d) {
			earliest := "never"
			if unmet.Earliest != nil {
				earliest = unmet.Earliest.Format(time.RFC3339)
				require.True(t, frozenAt(t, rules, earliest, gates.ActionPromote).Permits(), c.name)
			}
			require.Equal(t, c.earliest, earliest, c.name)
		}
	}
	d := frozenAt(t, parsed(t, freezeRule(weekends)), "2026-03-07T00:00:00Z", gates.ActionPromote)
	require.Contains(t, gates.WhyNot(d)[0].Messages[0], zone.Version, "the time zone database is on record")
}

// Two rules that take turns for ever end too, and say that they know no end.
func TestFreezesThatTakeTurnsAreBounded(t *testing.T) {
	t.Parallel()
	rules := parsed(t, freezeRule(recurring("FREQ=DAILY", "2026-03-01T00:00:00", "12h", "UTC")), freezeRule(recurring("FREQ=DAILY", "2026-03-01T12:00:00", "12h", "UTC")))
	unmet := gates.WhyNot(frozenAt(t, rules, "2026-03-06T12:00:00Z", gates.ActionPromote))
	require.Len(t, unmet, 1)
	require.Nil(t, unmet[0].Earliest)
}

// Trap 8: promotion windows that block rollbacks too.
func TestFailOpen08FreezesNeverBlockContainment(t *testing.T) {
	t.Parallel()
	rules := parsed(t, freezeRule(recurring("FREQ=DAILY", "2026-03-01T00:00:00", "24h", "Asia/Tokyo")))
	require.False(t, frozenAt(t, rules, "2026-03-06T12:00:00Z", gates.ActionPromote).Permits())
	for _, action := range []string{gates.ActionRollback, gates.ActionRevoke, gates.ActionAbort, gates.ActionHold} {
		require.True(t, frozenAt(t, rules, "2026-03-06T12:00:00Z", action).Permits(), action)
	}
}

// Over days around a clock change, at pairs of minutes, a window covers what a naive
// expansion marks: all occurrences that another implementation counts from the
// start, each put on the line of time by a search for the minute at which the
// zone's clock reads it.
func TestFreezesCoverWhatANaiveExpansionMarks(t *testing.T) {
	t.Parallel()
	db, err := zone.Open()
	require.NoError(t, err)
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"}).Draw(t, "zone")
		in, err := db.Load(name)
		require.NoError(t, err)
		text := rapid.SampledFrom([]string{"FREQ=DAILY", "FREQ=DAILY;INTERVAL=2", "FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=SA,SU", "FREQ=MONTHLY;BYDAY=-1SU,1SU", "FREQ=MONTHLY;BYMONTHDAY=-3,29,1"}).Draw(t, "rule")
		wall := time.Date(2025, 11, 1, rapid.IntRange(0, 4).Draw(t, "hour"), rapid.SampledFrom([]int{0, 15, 30}).Draw(t, "minute"), 0, 0, time.UTC)
		peer, err := rrule.StrToRRule("DTSTART:" + wall.Format("20060102T150405Z") + "\nRRULE:" + text)
		require.NoError(t, err)
		first := peer.After(wall, true)
		length := time.Duration(rapid.SampledFrom([]int{1, 45, 60, 90, 1440, 3840}).Draw(t, "length")) * time.Minute
		day := rapid.SampledFrom([]string{"2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-04-04", "2026-10-03"}).Draw(t, "day")
		from, err := time.Parse(time.DateOnly, day)
		require.NoError(t, err)
		to := from.Add(60 * time.Hour)

		marked := map[int64]bool{}
		for _, wall := range peer.Between(from.Add(-length-72*time.Hour), to.Add(72*time.Hour), true) {
			start := naiveInstant(wall, in)
			for at := start; at.Before(start.Add(length)); at = at.Add(time.Minute) {
				marked[at.Unix()] = true
			}
		}
		rules := parsed(outer, freezeRule(recurring(text, first.Format("2006-01-02T15:04:05"), length.String(), name)))
		c := context(records.Activate)
		c.Rules = rules
		for at := from; at.Before(to); at = at.Add(45 * time.Minute) {
			for _, c.At = range []time.Time{at, at.Add(-time.Minute)} {
				require.Equal(t, !marked[c.At.Unix()], gates.Freeze(c, gates.Action{Kind: gates.ActionPromote}).Permits(), "%s %s at %s", text, name, c.At)
			}
		}
	})
}

// naiveInstant looks for the minute at which the clock of a zone reads wall, or
// jumps over it: then the clock is read as if it had not jumped.
func naiveInstant(wall time.Time, in *time.Location) time.Time {
	read := func(at time.Time) time.Time {
		local := at.In(in)
		return time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
	}
	for at := wall.Add(-15 * time.Hour); ; at = at.Add(time.Minute) {
		switch before, now := read(at.Add(-time.Minute)), read(at); {
		case now.Equal(wall):
			return at
		case before.Before(wall) && now.After(wall):
			return at.Add(wall.Sub(before) - time.Minute)
		}
	}
}
