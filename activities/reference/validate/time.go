package validate

import (
	"strconv"
	"time"

	"github.com/initkoa/orgo/activities/reference/claim"
)

// possible reports whether the date of t is one of the proleptic Gregorian
// calendar. Month and day may be 00 where the precision says that they are not
// known. The time of day is not looked at, nor are other calendars.
func possible(t claim.Time) bool {
	if t.Calendar != "" {
		return true
	}
	text := t.ISO8601
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	if len(text) < len("2006-01-02") || text[4] != '-' || text[7] != '-' {
		return false
	}
	year, errYear := strconv.Atoi(text[:4])
	month, errMonth := strconv.Atoi(text[5:7])
	day, errDay := strconv.Atoi(text[8:10])
	if errYear != nil || errMonth != nil || errDay != nil {
		return false
	}
	switch {
	case month == 0:
		return day == 0 && t.Precision == "year"
	case day == 0:
		return month <= 12 && (t.Precision == "year" || t.Precision == "month")
	default:
		date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
		return date.Month() == time.Month(month) && date.Day() == day
	}
}
