package extract

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
)

// position is where in a file something is wrong. Zero members are not known.
// Lines, rows and columns count from 1 (columns in bytes), offsets from 0.
type position struct {
	Row     int64  `json:"row,omitempty"`
	Line    int64  `json:"line,omitempty"`
	Column  int64  `json:"column,omitempty"`
	Offset  int64  `json:"offset,omitempty"`
	Pointer string `json:"pointer,omitempty"` // RFC 6901
}

// String returns the position as messages write it: "row 7, line 9, column 3".
func (p position) String() string {
	var parts []string
	for _, part := range []struct {
		name  string
		value int64
	}{{"row", p.Row}, {"line", p.Line}, {"column", p.Column}, {"offset", p.Offset}} {
		if part.value > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", part.name, part.value))
		}
	}
	if p.Pointer != "" {
		parts = append(parts, fmt.Sprintf("pointer %q", p.Pointer))
	}
	if len(parts) == 0 {
		return "its start"
	}
	return strings.Join(parts, ", ")
}

// problem is what keeps a file from being extracted. The file's name is added
// where the problem is reported.
type problem struct {
	code  gates.Code
	at    position
	cause error
}

// Error returns the position and the cause.
func (p *problem) Error() string { return fmt.Sprintf("at %s: %v", p.at, p.cause) }

// Unwrap returns the cause.
func (p *problem) Unwrap() error { return p.cause }

func unparsable(at position, cause error) *problem {
	return &problem{code: gates.InputUnparsable, at: at, cause: cause}
}

func tooLarge(at position, format string, args ...any) *problem {
	return &problem{code: gates.InputTooLarge, at: at, cause: fmt.Errorf(format, args...)}
}

func misfit(at position, format string, args ...any) *problem {
	return &problem{code: gates.MappingInvalid, at: at, cause: fmt.Errorf(format, args...)}
}

// report is a problem with its file, as it stands in a failure's details and
// among the exclusions.
type report struct {
	Path string `json:"path"`
	position
	Error string `json:"error"`
}

// failure returns p as the stage's failure about the file at path.
func (p *problem) failure(path string) error {
	failure := runner.Fail(p.code, p.cause, "file %s at %s", path, p.at)
	if details, err := json.Marshal(report{Path: path, position: p.at, Error: p.cause.Error()}); err == nil {
		failure.Details = details
	}
	return failure
}
