package cli

import "time"

// untilTime reads an end: a time (RFC 3339), or how long from now, such as 4h.
func untilTime(text string, now time.Time) (time.Time, error) {
	if within, err := time.ParseDuration(text); err == nil {
		if within <= 0 {
			return time.Time{}, Usage("%q is not above zero: it always ends", text)
		}
		return now.Add(within).UTC().Truncate(time.Second), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, Usage("%q is neither a time, as 2026-03-01T12:00:00Z, nor how long, as 4h", text)
	}
	return at.UTC(), nil
}
