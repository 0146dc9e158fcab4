package schemas

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
)

// shape is what a keyword's value must be, as the metaschema of 2020-12 has it.
// It returns what is wrong, or nothing. The library ships no metaschema of this
// dialect, and takes several malformed values for the absence of the keyword.
// Schemas inside the value are not its business: the parser visits them.
type shape func(value any) string

// dialectURI is the one dialect that Orgo understands.
const dialectURI = "https://json-schema.org/draft/2020-12/schema"

func anything(any) string { return "" }

func text(value any) string {
	_, ok := value.(string)
	return unless(ok, "must be a string")
}

func flag(value any) string {
	_, ok := value.(bool)
	return unless(ok, "must be true or false")
}

func list(value any) string {
	_, ok := value.([]any)
	return unless(ok, "must be an array")
}

func nonEmptyList(value any) string {
	items, _ := value.([]any)
	return unless(len(items) > 0, "must be an array that is not empty")
}

func schema(value any) string {
	switch value.(type) {
	case bool, map[string]any:
		return ""
	default:
		return "must be a schema: an object, true or false"
	}
}

func schemaList(value any) string { return nonEmptyList(value) }

func schemaMap(value any) string {
	_, ok := value.(map[string]any)
	return unless(ok, "must be an object of schemas")
}

func patternMap(value any) string {
	members, ok := value.(map[string]any)
	if !ok {
		return "must be an object of schemas"
	}
	translated := make(map[string]bool, len(members))
	for _, name := range sortedKeys(members) {
		pattern, problem := translateRegex(name)
		if problem != "" {
			return problem
		}
		if translated[pattern] {
			return fmt.Sprintf("has the pattern %q twice, in different words", name)
		}
		translated[pattern] = true
	}
	return ""
}

func names(value any) string {
	items, ok := value.([]any)
	if !ok {
		return "must be an array of strings"
	}
	seen := make(map[string]bool, len(items))
	for _, item := range items {
		name, ok := item.(string)
		if !ok {
			return "must be an array of strings"
		}
		if seen[name] {
			return fmt.Sprintf("has %q twice", name)
		}
		seen[name] = true
	}
	return ""
}

func namesMap(value any) string {
	members, ok := value.(map[string]any)
	if !ok {
		return "must be an object of arrays of strings"
	}
	for _, name := range sortedKeys(members) {
		if problem := names(members[name]); problem != "" {
			return fmt.Sprintf("%q %s", name, problem)
		}
	}
	return ""
}

func number(value any) string {
	_, ok := value.(json.Number)
	return unless(ok, "must be a number")
}

func positiveNumber(value any) string {
	literal, ok := value.(json.Number)
	if !ok {
		return "must be a number"
	}
	double, err := literal.Float64()
	return unless(err == nil && double > 0, "must be greater than 0")
}

// maxCount is the largest bound on a length that a double counts exactly.
const maxCount = 1 << 53

func count(value any) string {
	literal, ok := value.(json.Number)
	if !ok {
		return "must be an integer of 0 or more"
	}
	double, err := strconv.ParseFloat(string(literal), 64)
	whole := err == nil && double >= 0 && double <= maxCount && double == float64(int64(double))
	return unless(whole, "must be an integer from 0 to 2^53")
}

var typeNameList = []string{"array", "boolean", "integer", "null", "number", "object", "string"}

func typeNames(value any) string {
	items, isList := value.([]any)
	if !isList {
		items = []any{value}
	}
	if len(items) == 0 {
		return "must name a type"
	}
	if problem := names(items); problem != "" {
		return problem
	}
	for _, item := range items {
		if !slices.Contains(typeNameList, item.(string)) {
			return fmt.Sprintf("names %q, which is not a type", item)
		}
	}
	return ""
}

func regex(value any) string {
	pattern, ok := value.(string)
	if !ok {
		return "must be a string"
	}
	_, problem := translateRegex(pattern)
	return problem
}

func formatName(value any) string {
	name, ok := value.(string)
	if !ok {
		return "must be a string"
	}
	_, known := formats[name]
	return unless(known, fmt.Sprintf("names the format %q, which Orgo does not check", name))
}

func dialect(value any) string {
	return unless(value == dialectURI, "must be "+strconv.Quote(dialectURI))
}

func absoluteURI(value any) string {
	id, ok := value.(string)
	if !ok {
		return "must be a string"
	}
	parsed, err := url.Parse(id)
	absolute := err == nil && parsed.IsAbs() && parsed.Fragment == "" && id[len(id)-1] != '#'
	return unless(absolute, "must be an absolute uri without a fragment")
}

var anchorSyntax = regexp.MustCompile(`^[A-Za-z_][-A-Za-z0-9._]*$`)

func anchorName(value any) string {
	name, ok := value.(string)
	return unless(ok && anchorSyntax.MatchString(name), "must be a letter or _ followed by letters, digits, -, _ and .")
}

func reference(value any) string {
	ref, ok := value.(string)
	return unless(ok && ref != "", "must be a string that is not empty")
}

func unless(ok bool, problem string) string {
	if ok {
		return ""
	}
	return problem
}
