package validate

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/initkoa/orgo/activities/reference/identity"
	"github.com/initkoa/orgo/activities/reference/index"
	"github.com/initkoa/orgo/activities/reference/stageconfig"
	"github.com/initkoa/orgo/records"
)

// Config is the config of the stage.
type Config struct {
	// Severities overrides the severity of codes.
	Severities map[Code]Severity `json:"severities,omitempty"`
	// MaxIssues is how many issues the report lists; it counts them all.
	MaxIssues int `json:"max_issues,omitempty"`
	// PartialOnWarning makes the status "partial" where there are warnings and
	// no errors.
	PartialOnWarning bool `json:"partial_on_warning,omitempty"`
	// SingleValued lists the properties that a subject has one value of, by id
	// ("P569") or by name ("length"; case does not count).
	SingleValued []string `json:"single_valued,omitempty"`
	// Datatypes gives the kind of the values of properties, named likewise.
	Datatypes map[string]string `json:"datatypes,omitempty"`
	// Index is a pinned index whose properties say single_valued and datatype;
	// what the config says of a property goes before it.
	Index *index.Ref `json:"index,omitempty"`
}

// The bounds of MaxIssues. All listed issues are held in memory.
const (
	defaultMaxIssues = 1000
	maxMaxIssues     = 5_000
)

// CheckConfig checks the config of a stage when it is pinned. A bad one is a
// failure with gates.PinInvalid, an index without a digest one with
// gates.PinFloating.
func CheckConfig(raw json.RawMessage) error {
	_, err := parseConfig(raw)
	return err
}

func parseConfig(raw json.RawMessage) (Config, error) {
	config := Config{MaxIssues: defaultMaxIssues}
	if err := stageconfig.Decode(records.Validate, raw, &config); err != nil {
		return Config{}, err
	}
	if config.MaxIssues < 1 || config.MaxIssues > maxMaxIssues {
		return Config{}, invalid("/max_issues", "%d is not from 1 to %d", config.MaxIssues, maxMaxIssues)
	}
	for _, code := range sortedKeys(config.Severities) {
		severity := config.Severities[code]
		row, known := codeTable[code]
		if !known {
			return Config{}, invalid("/severities", "%q is no code of an issue", code)
		}
		if _, known := gravity[severity]; !known {
			return Config{}, invalid("/severities/"+string(code), "%q is not one of ERROR, WARNING, INFO, OFF", severity)
		}
		if gravity[severity] > gravity[row.lowest] {
			return Config{}, invalid("/severities/"+string(code), "%s is less than %s, the least that this code may have", severity, row.lowest)
		}
	}
	for i, property := range config.SingleValued {
		if identity.Fold(property) == "" {
			return Config{}, invalid(fmt.Sprint("/single_valued/", i), "the property is empty")
		}
	}
	for _, property := range sortedKeys(config.Datatypes) {
		if identity.Fold(property) == "" {
			return Config{}, invalid("/datatypes", "the property is empty")
		}
		if !index.Kind(config.Datatypes[property]) {
			return Config{}, invalid("/datatypes", "%q has the datatype %q, which is no kind of value", property, config.Datatypes[property])
		}
	}
	return config, config.Index.Check()
}

func invalid(pointer, format string, args ...any) error {
	return stageconfig.Invalid(records.Validate, pointer, fmt.Errorf(format, args...))
}

// severity returns the severity of a code.
func (c Config) severity(code Code) Severity {
	if severity, set := c.Severities[code]; set {
		return severity
	}
	return codeTable[code].severity
}

func sortedKeys[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
