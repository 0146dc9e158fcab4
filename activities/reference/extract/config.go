package extract

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/stageconfig"
	"github.com/initkoa/orgo/records"
)

// Config is the stage's config. The zero Config is the default.
type Config struct {
	// OnParseError says what becomes of a file that does not parse: "fail" (the
	// default) ends the stage, "exclude" leaves the whole file out and records it.
	OnParseError string    `json:"on_parse_error,omitempty"`
	Mappings     []Mapping `json:"mappings,omitempty"`
	Limits       Limits    `json:"limits,omitzero"`
}

// The values of Config.OnParseError.
const (
	onErrorFail    = "fail"
	onErrorExclude = "exclude"
)

// Limits bound what one record may need of a worker's memory.
type Limits struct {
	RecordBytes int `json:"record_bytes,omitempty"` // a row, line, record of JSON, or front matter
	ValueBytes  int `json:"value_bytes,omitempty"`  // one cell or string
	Fields      int `json:"fields,omitempty"`       // of one record, nested ones included
	Depth       int `json:"depth,omitempty"`        // nesting of objects and arrays
}

func defaultLimits() Limits {
	return Limits{RecordBytes: 8 << 20, ValueBytes: 1 << 20, Fields: 50_000, Depth: 100}
}

// maxLimits keeps limits from being raised beyond what was tested to fit a
// worker and the canonical form of a document.
var maxLimits = Limits{RecordBytes: 64 << 20, ValueBytes: 16 << 20, Fields: 500_000, Depth: 200}

// Mapping says how the files that match Files are read. The first mapping that
// matches a file is the only one that counts for it.
type Mapping struct {
	Files     string  `json:"files"`               // pattern (package glob) over paths in the snapshot
	Format    string  `json:"format,omitempty"`    // read as this, whatever the media type
	Delimiter string  `json:"delimiter,omitempty"` // of CSV, one character
	Records   *string `json:"records,omitempty"`   // JSON Pointer to the set of records
	// Subject is the field that names the subject, or a template such as
	// "{first} {last}".
	Subject    string           `json:"subject,omitempty"`
	SubjectQID string           `json:"subject_qid,omitempty"` // field with the subject's Q-id
	Fields     map[string]Field `json:"fields,omitempty"`
	Ignore     []string         `json:"ignore,omitempty"` // fields left out
}

// Field says how the values of one field become claims.
type Field struct {
	Predicate string   `json:"predicate,omitempty"` // instead of the field's name
	PID       string   `json:"pid,omitempty"`
	Kind      string   `json:"kind,omitempty"`
	Lang      string   `json:"lang,omitempty"`     // of item names and texts
	UnitQID   string   `json:"unit_qid,omitempty"` // of quantities
	Separator string   `json:"separator,omitempty"`
	Empty     []string `json:"empty,omitempty"` // texts that stand for no value
	Ignore    bool     `json:"ignore,omitempty"`
}

// CheckConfig returns the *runner.Failure, with gates.PinInvalid, that Run would
// end with because of raw alone, or nil.
func CheckConfig(raw json.RawMessage) error {
	_, err := parseConfig(raw)
	return err
}

// settings is a checked config.
type settings struct {
	exclude  bool // files that do not parse
	limits   Limits
	mappings []*mapping
}

func parseConfig(raw json.RawMessage) (settings, error) {
	config := Config{OnParseError: onErrorFail, Limits: defaultLimits()}
	if err := stageconfig.Decode(records.Extract, raw, &config); err != nil {
		return settings{}, err
	}
	if config.OnParseError != onErrorFail && config.OnParseError != onErrorExclude {
		return settings{}, invalid("/on_parse_error", "%q is neither %q nor %q", config.OnParseError, onErrorFail, onErrorExclude)
	}
	if err := config.Limits.check(); err != nil {
		return settings{}, err
	}
	checked := settings{exclude: config.OnParseError == onErrorExclude, limits: config.Limits}
	for i, m := range config.Mappings {
		compiled, err := compileMapping(m, fmt.Sprintf("/mappings/%d", i))
		if err != nil {
			return settings{}, err
		}
		checked.mappings = append(checked.mappings, compiled)
	}
	return checked, nil
}

func (l Limits) check() error {
	for _, limit := range []struct {
		name       string
		value, max int
	}{
		{"record_bytes", l.RecordBytes, maxLimits.RecordBytes},
		{"value_bytes", l.ValueBytes, maxLimits.ValueBytes},
		{"fields", l.Fields, maxLimits.Fields},
		{"depth", l.Depth, maxLimits.Depth},
	} {
		if limit.value < 1 || limit.value > limit.max {
			return invalid("/limits/"+limit.name, "%d is not from 1 to %d", limit.value, limit.max)
		}
	}
	return nil
}

// The forms that the contract demands (see the schema of Claim-IR).
var (
	langPattern = regexp.MustCompile(`^[a-z]{2}(-[A-Z]{2})?$`)
	kinds       = []string{
		claim.KindItem, claim.KindString, claim.KindQuantity, claim.KindTime,
		claim.KindMonolingualText, claim.KindCoord, claim.KindURL,
	}
)

// check returns what is wrong with a field at the given place of the config.
func (f Field) check(at string) error {
	switch {
	case f.PID != "" && !isID(f.PID, 'P'):
		return invalid(at+"/pid", "%q is not a P-id", f.PID)
	case f.UnitQID != "" && !isID(f.UnitQID, 'Q'):
		return invalid(at+"/unit_qid", "%q is not a Q-id", f.UnitQID)
	case f.UnitQID != "" && f.Kind != claim.KindQuantity:
		return invalid(at+"/unit_qid", "only a field of kind quantity has a unit")
	case f.Kind != "" && !slices.Contains(kinds, f.Kind):
		return invalid(at+"/kind", "%q is none of %s", f.Kind, strings.Join(kinds, ", "))
	case f.Lang != "" && !langPattern.MatchString(f.Lang):
		return invalid(at+"/lang", "%q is not a language such as en or en-GB", f.Lang)
	case f.Lang != "" && f.Kind != claim.KindMonolingualText && f.Kind != claim.KindItem:
		return invalid(at+"/lang", "only a field of kind monolingual_text or item has a language")
	case f.Kind == claim.KindMonolingualText && f.Lang == "":
		return invalid(at+"/lang", "a field of kind monolingual_text needs a language")
	case f.Predicate != strings.TrimSpace(f.Predicate):
		return invalid(at+"/predicate", "%q has white space at its ends", f.Predicate)
	default:
		return nil
	}
}

func invalid(pointer, format string, args ...any) error {
	return stageconfig.Invalid(records.Extract, pointer, fmt.Errorf(format, args...))
}
