package ingest

import (
	"encoding/json"
	"fmt"

	"github.com/initkoa/orgo/activities/reference/glob"
	"github.com/initkoa/orgo/activities/reference/stageconfig"
	"github.com/initkoa/orgo/records"
)

// Config is the stage's config. The zero Config is the default.
type Config struct {
	// Exclude lists patterns (package glob) of what to leave out, matched against
	// paths relative to the input. What they match is recorded as excluded; a
	// directory with everything in it.
	Exclude []string `json:"exclude,omitempty"`
	// MaxEntries bounds how many files, directories and links are looked at.
	MaxEntries int `json:"max_entries,omitempty"`
	// Collector replaces what provenance names as the collector, for sites where
	// another program has put the files in place.
	Collector Collector `json:"collector,omitzero"`

	exclude []glob.Pattern
}

// Collector is the program that collected the files.
type Collector struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// defaultMaxEntries keeps a manifest well below the size that canonical JSON
// documents may have.
const defaultMaxEntries = 200_000

// CheckConfig returns the *runner.Failure, with gates.PinInvalid, that Run would
// end with because of raw alone, or nil.
func CheckConfig(raw json.RawMessage) error {
	_, err := parseConfig(raw)
	return err
}

func parseConfig(raw json.RawMessage) (Config, error) {
	config := Config{MaxEntries: defaultMaxEntries}
	if err := stageconfig.Decode(records.Ingest, raw, &config); err != nil {
		return Config{}, err
	}
	if config.MaxEntries < 1 {
		return Config{}, stageconfig.Invalid(records.Ingest, "/max_entries", fmt.Errorf("%d is not a positive number", config.MaxEntries))
	}
	if config.Collector == (Collector{}) {
		config.Collector = Collector{Name: CollectorName, Version: Version}
	}
	var at int
	var err error
	if config.exclude, at, err = glob.CompileAll(config.Exclude); err != nil {
		return Config{}, stageconfig.Invalid(records.Ingest, fmt.Sprintf("/exclude/%d", at), err)
	}
	return config, nil
}
