// Package glob matches slash-separated paths against patterns.
package glob

import (
	"fmt"
	"path"
	"strings"
)

// Pattern is a compiled pattern. The zero Pattern matches nothing.
type Pattern struct {
	text     string
	segments []string
}

// anyDepth stands for any number of path segments, none included.
const anyDepth = "**"

// Compile reads a pattern: segments in the syntax of path.Match joined by "/",
// where the segment "**" stands for any number of segments. A pattern without
// a slash is matched against the last segment of a path, so that "*.csv" means
// every CSV file at any depth; one with a slash is matched against the whole
// path.
func Compile(text string) (Pattern, error) {
	p := Pattern{text: text, segments: strings.Split(text, "/")}
	for _, segment := range p.segments {
		if segment == "" {
			return Pattern{}, fmt.Errorf("pattern %q has an empty segment; write it relative and without a slash at the end", text)
		}
		if _, err := path.Match(segment, ""); err != nil {
			return Pattern{}, fmt.Errorf("pattern %q: %w", text, err)
		}
	}
	if len(p.segments) == 1 {
		p.segments = []string{anyDepth, text}
	}
	return p, nil
}

// CompileAll compiles every text, or none. The error is about the element at
// the returned index.
func CompileAll(texts []string) ([]Pattern, int, error) {
	patterns := make([]Pattern, len(texts))
	for i, text := range texts {
		var err error
		if patterns[i], err = Compile(text); err != nil {
			return nil, i, err
		}
	}
	return patterns, 0, nil
}

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Match reports whether p matches the whole of name, a slash-separated path.
//
// The time is bounded by the product of the numbers of segments: only the last
// "**" ever needs another try (as with "*" in a segment).
func (p Pattern) Match(name string) bool {
	if len(p.segments) == 0 {
		return false
	}
	names := strings.Split(name, "/")
	pattern, at := 0, 0
	retryPattern, retryAt := -1, 0
	for at < len(names) {
		switch {
		case pattern < len(p.segments) && p.segments[pattern] == anyDepth:
			retryPattern, retryAt = pattern, at
			pattern++
		case pattern < len(p.segments) && matchSegment(p.segments[pattern], names[at]):
			pattern++
			at++
		case retryPattern >= 0:
			retryAt++
			pattern, at = retryPattern+1, retryAt
		default:
			return false
		}
	}
	for pattern < len(p.segments) && p.segments[pattern] == anyDepth {
		pattern++
	}
	return pattern == len(p.segments)
}

// matchSegment cannot fail: Compile has checked the syntax.
func matchSegment(pattern, name string) bool {
	matched, err := path.Match(pattern, name)
	return err == nil && matched
}
