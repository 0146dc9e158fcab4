// Package zone has the time zones of the IANA time zone database, as they were
// when this version of Orgo was built.
//
// time.LoadLocation reads the database of the host first (ZONEINFO, then
// /usr/share/zoneinfo), even where time/tzdata is linked: two workers could decide
// differently on the same policy. This package reads nothing but its own copy,
// which is lib/time/zoneinfo.zip of Go 1.26.8.
package zone

import (
	"archive/zip"
	_ "embed" // the database
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Version is the release of the database (https://www.iana.org/time-zones). Zones
// change their rules, so another release is another meaning of every policy that
// names a zone: it asks for a new version of the gates' evaluator.
const Version = "2025c"

// ErrUnknown is the error of a name that is not in the database.
var ErrUnknown = errors.New("time zone is not known")

//go:embed zoneinfo.zip
var archive string

// Database is the time zone database.
type Database struct{ files map[string]*zip.File }

// Open returns the database.
func Open() (Database, error) {
	reader, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
	if err != nil {
		return Database{}, fmt.Errorf("time zone database %s: %w", Version, err)
	}
	db := Database{files: make(map[string]*zip.File, len(reader.File))}
	for _, file := range reader.File {
		if !strings.HasSuffix(file.Name, "/") {
			db.files[file.Name] = file
		}
	}
	return db, nil
}

// Load returns a zone by its name, such as "Europe/Berlin". Names are those of the
// database: "Local", which is the host's, and "" are none. Its error is ErrUnknown.
func (db Database) Load(name string) (*time.Location, error) {
	file, there := db.files[name]
	if !there {
		return nil, fmt.Errorf("%w: %q is not in the time zone database %s", ErrUnknown, name, Version)
	}
	content, err := file.Open()
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", name, err)
	}
	data, err := io.ReadAll(content) // which checks the CRC
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", name, err)
	}
	location, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", name, err)
	}
	return location, nil
}
