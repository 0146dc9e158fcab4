package event

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/initkoa/orgo/records"
)

// Filter admits events. What is empty admits all.
type Filter struct {
	// Types are types, or with ".*" at their end all types below: "orgo.stage.*".
	Types   []string `json:"types,omitempty" required:"false" maxItems:"50" doc:"Only these types, or with .* at the end all below: orgo.stage.*"`
	Subject string   `json:"subject,omitempty" required:"false" maxLength:"300" doc:"Only what is about this: build/ID"`
	Channel string   `json:"channel,omitempty" required:"false" maxLength:"300" doc:"Only what belongs to this channel"`
}

// typePattern is the form of a type, or of all types below a point.
var typePattern = regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*(\.\*)?$`)

// FilterError says which part of a filter is not valid.
type FilterError struct {
	Part string // "type" or "subject"
	What string
}

// Error says why.
func (e *FilterError) Error() string { return e.What }

// Check returns a *FilterError for a filter that could never be meant.
func (f Filter) Check() error {
	for _, name := range f.Types {
		if !typePattern.MatchString(name) {
			return &FilterError{"type", fmt.Sprintf("%q is not a type like orgo.stage.finished, nor orgo.stage.* for all below", name)}
		}
	}
	if f.Subject == "" {
		return nil
	}
	if kind, id, _ := strings.Cut(f.Subject, "/"); kind == "" || id == "" {
		return &FilterError{"subject", fmt.Sprintf("%q is not KIND/ID, as build/5f0c1c5e-0000-8000-8000-000000000000", f.Subject)}
	}
	return nil
}

// Admits reports whether the event of an entry passes.
func (f Filter) Admits(e records.Entry) bool {
	return (f.Subject == "" || f.Subject == e.Subject.Kind+"/"+e.Subject.ID) &&
		(f.Channel == "" || f.Channel == e.Correlation.Channel) &&
		f.admitsType(e.Type)
}

func (f Filter) admitsType(name string) bool {
	return len(f.Types) == 0 || slices.ContainsFunc(f.Types, func(admitted string) bool {
		if prefix, below := strings.CutSuffix(admitted, "*"); below {
			return strings.HasPrefix(name, prefix)
		}
		return name == admitted
	})
}
