package extract

import (
	"strconv"
	"strings"

	"github.com/initkoa/orgo/activities/reference/claim"
)

// The precisions of a time.
const (
	precisionYear   = "year"
	precisionMonth  = "month"
	precisionDay    = "day"
	precisionHour   = "hour"
	precisionMinute = "minute"
	precisionSecond = "second"
)

// parseTime reads a full date, with or without a time of day, in the extended
// form of ISO 8601: 2024-02-29, 2024-02-29T13:45, 2024-02-29T13:45:00.5+01:00.
// Years have four digits; a minus before them means before the common era, with
// 0000 as the year before 0001. The text is kept as it is.
func parseTime(text string) (claim.Time, bool) {
	const dateBytes = len("2006-01-02")
	unsigned := strings.TrimPrefix(text, "-")
	if len(unsigned) < dateBytes || unsigned[4] != '-' || !isDate(unsigned[:dateBytes], text[0] == '-') {
		return claim.Time{}, false
	}
	rest := unsigned[dateBytes:]
	if rest == "" {
		return claim.Time{ISO8601: text, Precision: precisionDay}, true
	}
	precision, ok := timeOfDay(rest)
	return claim.Time{ISO8601: text, Precision: precision}, ok
}

// parsePartialTime also reads a year and a year with a month, which without a
// mapping could be anything. The missing parts are written as 01.
func parsePartialTime(text string) (claim.Time, bool) {
	switch len(strings.TrimPrefix(text, "-")) {
	case len("2006"):
		if full, ok := parseTime(text + "-01-01"); ok {
			return claim.Time{ISO8601: full.ISO8601, Precision: precisionYear}, true
		}
	case len("2006-01"):
		if full, ok := parseTime(text + "-01"); ok {
			return claim.Time{ISO8601: full.ISO8601, Precision: precisionMonth}, true
		}
	}
	return parseTime(text)
}

// isDate reports whether text is a date YYYY-MM-DD that exists in the proleptic
// Gregorian calendar.
func isDate(text string, negative bool) bool {
	if text[4] != '-' || text[7] != '-' {
		return false
	}
	year, okYear := twoOrFourDigits(text[:4])
	month, okMonth := twoOrFourDigits(text[5:7])
	day, okDay := twoOrFourDigits(text[8:])
	if !okYear || !okMonth || !okDay || month < 1 || month > 12 || day < 1 {
		return false
	}
	if negative {
		if year == 0 {
			return false
		}
		year = -year
	}
	return day <= daysIn(year, month)
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	default:
		return 31
	}
}

// timeOfDay reads what follows a date: "T", hours and minutes, optionally
// seconds with a fraction, optionally a zone.
func timeOfDay(text string) (precision string, ok bool) {
	if text[0] != 'T' {
		return "", false
	}
	clock, zone := text[1:], ""
	if at := strings.IndexAny(clock, "Z+-"); at >= 0 {
		clock, zone = clock[:at], clock[at:]
	}
	if !isZone(zone) {
		return "", false
	}
	clock, fraction, fractional := strings.Cut(clock, ".")
	if digits, rest := leadingDigits(fraction); fractional && (digits == "" || rest != "") {
		return "", false
	}
	switch parts := strings.Split(clock, ":"); {
	case len(parts) == 2 && !fractional && below(parts[0], 24) && below(parts[1], 60):
		return precisionMinute, true
	case len(parts) == 3 && below(parts[0], 24) && below(parts[1], 60) && below(parts[2], 61):
		return precisionSecond, true
	default:
		return "", false
	}
}

// isZone reports whether text is empty, Z, or an offset such as +01:00.
func isZone(text string) bool {
	if text == "" || text == "Z" {
		return true
	}
	hours, minutes, found := strings.Cut(text[1:], ":")
	return found && text[0] != 'Z' && below(hours, 24) && below(minutes, 60)
}

// below reports whether text is two digits of a number less than limit.
func below(text string, limit int) bool {
	number, ok := twoOrFourDigits(text)
	return ok && len(text) == 2 && number < limit
}

func twoOrFourDigits(text string) (int, bool) {
	if digits, rest := leadingDigits(text); rest != "" || len(digits) != 2 && len(digits) != 4 {
		return 0, false
	}
	number, err := strconv.Atoi(text)
	return number, err == nil
}
