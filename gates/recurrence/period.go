package recurrence

import "time"

// day counts days of the Gregorian calendar; 0 is 1970-01-01, a Thursday.
type day int

func dayOf(t time.Time) day { return day(floor(int(t.Unix()), 24*60*60)) }

func dateDay(year, month, ofMonth int) day {
	return dayOf(time.Date(year, time.Month(month), ofMonth, 0, 0, 0, 0, time.UTC))
}

// time returns midnight of the day in UTC.
func (d day) time() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// The frequencies of a rule. One more frequent than daily is refused: what would be
// several windows in a day are as many rules.
const (
	daily   = "DAILY"
	weekly  = "WEEKLY"
	monthly = "MONTHLY"
	yearly  = "YEARLY"
)

// frequency cuts time into numbered periods of whole days.
type frequency struct {
	name string
	// period returns the number of the period of a day, begin the first day of one.
	// Weeks begin on a day of the rule's choice.
	period func(d day, weekStart time.Weekday) int
	begin  func(period int, weekStart time.Weekday) day
	// picks has the parts that may be used with the frequency (the table in RFC 5545,
	// section 3.3.10, without BYWEEKNO and what picks times of a day).
	picks []string
}

func frequencies() []frequency {
	return []frequency{
		{daily,
			func(d day, _ time.Weekday) int { return int(d) },
			func(period int, _ time.Weekday) day { return day(period) },
			[]string{"BYMONTH", "BYMONTHDAY", "BYDAY"}},
		{weekly,
			func(d day, weekStart time.Weekday) int { return floor(int(d)+sinceWeekStart(weekStart), 7) },
			func(period int, weekStart time.Weekday) day { return day(7*period - sinceWeekStart(weekStart)) },
			[]string{"BYMONTH", "BYDAY"}},
		{monthly,
			func(d day, _ time.Weekday) int {
				year, month, _ := d.time().Date()
				return 12*year + int(month) - 1
			},
			func(period int, _ time.Weekday) day { return dateDay(period/12, period%12+1, 1) },
			[]string{"BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS"}},
		{yearly,
			func(d day, _ time.Weekday) int { return d.time().Year() },
			func(period int, _ time.Weekday) day { return dateDay(period, 1, 1) },
			[]string{"BYMONTH", "BYYEARDAY", "BYMONTHDAY", "BYDAY"}},
	}
}

// sinceWeekStart returns how long before day 0 its week began.
func sinceWeekStart(weekStart time.Weekday) int { return (int(time.Thursday-weekStart) + 7) % 7 }

// floor divides and rounds down.
func floor(a, b int) int {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}
