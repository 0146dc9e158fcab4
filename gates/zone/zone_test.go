package zone_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates/zone"
)

func load(t *testing.T, name string) *time.Location {
	t.Helper()
	db, err := zone.Open()
	require.NoError(t, err)
	location, err := db.Load(name)
	require.NoError(t, err)
	return location
}

// Another database is another meaning of policies: it does not come in unseen.
func TestTheDatabaseIsTheOneNamed(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("zoneinfo.zip")
	require.NoError(t, err)
	sum := sha256.Sum256(data)
	require.Equal(t, "8f55634d05f8bca1f7bc7c69c5933428c69357e0bdf565e5ba224e3f88ff12e8", hex.EncodeToString(sum[:]),
		"a new database: change Version and the evaluator's version with it")
	require.Equal(t, "2025c", zone.Version)
}

// What the host says of a zone is not asked: here, that Berlin is a place at UTC.
func TestTheHostIsNotAsked(t *testing.T) {
	host := t.TempDir()
	require.NoError(t, os.Mkdir(host+"/Europe", 0o755))
	utc, err := os.ReadFile("testdata/UTC")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(host+"/Europe/Berlin", utc, 0o644))
	t.Setenv("ZONEINFO", host)

	summer := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	planted, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	require.Equal(t, "12:00", summer.In(planted).Format("15:04"), "time.LoadLocation believes the host")
	require.Equal(t, "14:00", summer.In(load(t, "Europe/Berlin")).Format("15:04"))
}

func TestUnknownZonesAreRefused(t *testing.T) {
	t.Parallel()
	db, err := zone.Open()
	require.NoError(t, err)
	for _, name := range []string{"", "Local", "Europe/", "Europe", "europe/berlin", "Europe/Bielefeld", "../Europe/Berlin", "CEST", "+02:00"} {
		_, err := db.Load(name)
		require.ErrorIs(t, err, zone.ErrUnknown, name)
	}
}

// Every clock change that RFC 5545 speaks of, and two that it does not think of:
// half an hour (Lord Howe) and a whole day (Samoa, 30 December 2011).
func TestInstantIsThatOfRFC5545(t *testing.T) {
	t.Parallel()
	rows := []struct{ zone, wall, instant string }{
		{"UTC", "2026-03-29T02:30:00", "2026-03-29T02:30:00Z"},
		{"Europe/Berlin", "2026-03-29T01:59:59", "2026-03-29T00:59:59Z"},
		{"Europe/Berlin", "2026-03-29T02:00:00", "2026-03-29T01:00:00Z"}, // gap
		{"Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"}, // gap
		{"Europe/Berlin", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "2026-10-25T01:59:59", "2026-10-24T23:59:59Z"},
		{"Europe/Berlin", "2026-10-25T02:00:00", "2026-10-25T00:00:00Z"}, // twice
		{"Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"}, // twice
		{"Europe/Berlin", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"},
		{"America/New_York", "2007-11-04T01:30:00", "2007-11-04T05:30:00Z"}, // the RFC's own example: EDT
		{"America/New_York", "2007-03-11T02:30:00", "2007-03-11T07:30:00Z"}, // the RFC's own example: EST
		{"Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00Z"},
		{"Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T14:45:00Z"},
		{"Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00Z"},     // gap of a day
		{"America/New_York", "2008-12-31T12:00:00", "2008-12-31T17:00:00Z"}, // time.ZoneBounds is wrong here
		{"America/New_York", "2009-01-01T12:00:00", "2009-01-01T17:00:00Z"},
		{"America/New_York", "2009-01-02T12:00:00", "2009-01-02T17:00:00Z"},
		{"Pacific/Kiritimati", "2026-01-01T00:00:00", "2025-12-31T10:00:00Z"},
		{"Europe/Berlin", "2126-07-01T12:00:00", "2126-07-01T10:00:00Z"}, // after the last change that is listed
	}
	differences := func(instant func(time.Time, *time.Location) time.Time) []string {
		var found []string
		for _, row := range rows {
			wall, err := time.Parse("2006-01-02T15:04:05", row.wall)
			require.NoError(t, err)
			if got := instant(wall, load(t, row.zone)).UTC().Format(time.RFC3339); got != row.instant {
				found = append(found, row.zone+" "+row.wall+": "+got)
			}
		}
		return found
	}
	require.Empty(t, differences(zone.Instant))

	offset := func(at time.Time, in *time.Location) time.Duration {
		_, seconds := at.In(in).Zone()
		return time.Duration(seconds) * time.Second
	}
	faults := map[string]func(time.Time, *time.Location) time.Time{
		"the offset from after a gap, and the second of two": func(wall time.Time, in *time.Location) time.Time {
			return wall.Add(-offset(wall.Add(24*time.Hour), in))
		},
		"the offset from before, whatever the clock reads": func(wall time.Time, in *time.Location) time.Time {
			return wall.Add(-offset(wall.Add(-24*time.Hour), in))
		},
		"the zone is not looked at": func(wall time.Time, _ *time.Location) time.Time { return wall },
	}
	for name, fault := range faults {
		require.NotEmpty(t, differences(fault), name)
	}
}
