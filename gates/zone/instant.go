package zone

import "time"

// reach is more than any clock is, or was, ahead of UTC.
const reach = 48 * time.Hour

// Instant returns when the clock of a zone reads what wall reads in UTC, as RFC
// 5545, section 3.3.5, has it: a time that is there twice is the first of the two,
// and one that is left out is read with the offset from before the gap. (time.Date
// promises neither.)
func Instant(wall time.Time, in *time.Location) time.Time {
	wall = wall.UTC()
	at := wall.Add(-reach).In(in)
	instant := wall
	for {
		start, end := at.ZoneBounds()
		if !end.IsZero() && !end.After(at) {
			// On the last day of a leap year Go 1.26 says that the zone ended the day before.
			end = at.Add(24 * time.Hour)
		}
		before := instant
		_, offset := at.Zone()
		instant = wall.Add(-time.Duration(offset) * time.Second)
		switch {
		case !start.IsZero() && instant.Before(start):
			return before // between the offsets, the clock skipped it
		case end.IsZero() || instant.Before(end):
			return instant
		}
		at = end
	}
}
