package mandate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/schemas"
)

// maxProblems bounds the problems of one document that are told.
const maxProblems = 100

// Problem is one thing that is wrong with a document, and where it stands in what
// was sent.
type Problem struct {
	Code    gates.Code `json:"code"`
	Pointer string     `json:"pointer"` // JSON Pointer (RFC 6901)
	Line    int        `json:"line"`    // from 1
	Column  int        `json:"column"`  // in characters, from 1
	Message string     `json:"message"`
}

// String returns the problem in one line: place, pointer, message.
func (p Problem) String() string {
	return fmt.Sprintf("line %d, column %d, at %q: %s", p.Line, p.Column, p.Pointer, p.Message)
}

// Error says why a document is refused. Problems are sorted by where they stand.
type Error struct {
	// Code is gates.PolicyUnsigned if nothing but signatures is wrong.
	Code     gates.Code
	Problems []Problem
	// More is how many problems are not listed.
	More int
}

// Error lists the problems.
func (e *Error) Error() string {
	lines := make([]string, 0, len(e.Problems)+1)
	for _, p := range e.Problems {
		lines = append(lines, p.String())
	}
	if e.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", e.More))
	}
	return strings.Join(lines, "; ")
}

// problems gathers what is wrong with one document.
type problems struct {
	places *schemas.Places
	code   gates.Code
	found  []Problem
	more   int
}

func (p *problems) add(code gates.Code, pointer, format string, args ...any) {
	place := p.places.Of(pointer)
	if pointer == "/" {
		pointer = ""
	}
	p.found = append(p.found, Problem{Code: code, Pointer: pointer, Line: place.Line, Column: place.Column, Message: fmt.Sprintf(format, args...)})
}

// addError adds an error with all that it says of places.
func (p *problems) addError(err error) {
	var (
		badYAML  *schemas.YAMLError
		badJSON  *schemas.JSONError
		document *schemas.DocumentError
		rule     *gates.PolicyError
		joined   interface{ Unwrap() []error }
	)
	switch {
	case errors.As(err, &joined):
		for _, each := range joined.Unwrap() {
			p.addError(each)
		}
	case errors.As(err, &badYAML):
		place := schemas.Place{Line: max(badYAML.Line, 1), Column: max(badYAML.Column, 1)}
		p.found = append(p.found, Problem{Code: p.code, Pointer: p.places.At(place), Line: place.Line, Column: place.Column, Message: badYAML.Problem})
	case errors.As(err, &badJSON):
		p.add(p.code, badJSON.Pointer, "%s", badJSON.Problem)
	case errors.As(err, &document):
		for _, v := range document.Violations {
			p.add(p.code, v.Pointer, "%s (%s)", v.Message, v.Code)
		}
		p.more += document.Total - len(document.Violations)
	case errors.As(err, &rule):
		p.addRule(rule)
	default:
		p.add(p.code, "", "%v", err)
	}
}

// addRule adds what the rules say, unless the schema has said that there is a fault
// in that very place: one message for each fault.
func (p *problems) addRule(rule *gates.PolicyError) {
	pointer := strings.TrimSuffix(rule.Pointer, "/")
	if slices.ContainsFunc(p.found, func(f Problem) bool { return f.Pointer == pointer }) || pointer == "" && len(p.found) > 0 {
		return
	}
	p.add(p.code, pointer, "%s", rule.Problem)
}

// err returns the problems as an error, or nil if there are none.
func (p *problems) err() error {
	if len(p.found) == 0 {
		return nil
	}
	slices.SortStableFunc(p.found, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.Message, b.Message))
	})
	found := &Error{Code: gates.PolicyUnsigned, Problems: p.found[:min(len(p.found), maxProblems)]}
	found.More = p.more + len(p.found) - len(found.Problems)
	if slices.ContainsFunc(p.found, func(f Problem) bool { return f.Code != gates.PolicyUnsigned }) {
		found.Code = p.code
	}
	return found
}
