package schemas

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/kaptinlin/jsonschema"
)

// newReport makes a report of a result that is not valid, for the schema of the
// given name.
//
// The library's own account is not used beyond which keywords failed where: it
// escapes no pointers, lists names in the random order of maps, and also reports
// on members that are not there. A result that is not valid never becomes a
// report that is.
func newReport(name string, result *jsonschema.EvaluationResult, root *site, value any) Report {
	e := explainer{home: name}
	e.result(result, place{site: root, value: value})
	if len(e.found) == 0 {
		e.found = []Violation{{
			SchemaPointer: "#", Code: codeInvalid, Message: "does not satisfy the schema",
		}}
	}
	return sortReport(e.found)
}

// explainer gathers violations.
type explainer struct {
	home  string // the name of the schema that the document is held to
	found []Violation
}

// place is where in the document and in the schema a result belongs.
type place struct {
	site    *site
	via     step // the last step to site
	pointer string
	value   any
}

// result explains one result and those beneath it.
func (e *explainer) result(result *jsonschema.EvaluationResult, at place) {
	if result.IsValid() {
		return
	}
	for name := range result.Errors {
		e.keyword(name, at, result)
	}
	for i, detail := range result.Details {
		if detail.IsValid() {
			continue
		}
		if next, follow := e.descend(detail, i, at); follow {
			if next.via.keyword == "unevaluatedItems" {
				detail = negatedTwice(detail)
			}
			e.result(detail, next)
		}
	}
}

// keyword explains one keyword that failed by itself. Keywords that fail because
// of what is beneath them are explained there.
func (e *explainer) keyword(name string, at place, result *jsonschema.EvaluationResult) {
	if name == "schema" { // what the library calls the schema false
		e.never(at)
		return
	}
	constraint := at.site.node.asserts[name]
	switch name {
	case "required":
		for _, missing := range missingNames(constraint, at.value) {
			e.add(at, name, fmt.Sprintf("lacks the member %q", missing))
		}
	case "dependentRequired":
		for _, message := range missingDependents(constraint, at.value) {
			e.add(at, name, message)
		}
	case "anyOf", "oneOf":
		e.add(at, name, e.alternatives(name, at, result))
	case "unevaluatedItems":
		if child := at.site.children[step{keyword: name}]; child != nil && child.node.never {
			e.add(at, name, "has items that no part of the schema allows")
		}
	default:
		if say, known := messages[name]; known {
			e.add(at, name, say(constraint, at.value))
		}
	}
}

// never explains a value that no schema allows.
func (e *explainer) never(at place) {
	code := keywords[at.via.keyword].code
	if code == "" {
		code = codeFalse
	}
	e.found = append(e.found, Violation{
		Pointer: at.pointer, Keyword: at.via.keyword, SchemaPointer: e.schemaPointer(at.site.node),
		Code: code, Message: "is not allowed here",
	})
}

func (e *explainer) add(at place, name, message string) {
	e.found = append(e.found, Violation{
		Pointer: at.pointer, Keyword: name, SchemaPointer: e.schemaPointer(at.site.node) + "/" + name,
		Code: keywords[name].code, Message: message,
	})
}

func (e *explainer) schemaPointer(n *node) string {
	if n.schema == e.home {
		return "#" + n.pointer
	}
	return n.schema + "#" + n.pointer
}

// descend returns the place of a detail, and whether to follow it.
func (e *explainer) descend(detail *jsonschema.EvaluationResult, index int, at place) (place, bool) {
	keyword, rest, _ := strings.Cut(strings.TrimPrefix(detail.EvaluationPath, "/"), "/")
	next := place{pointer: at.pointer, value: at.value}
	switch keyword {
	case "": // the library does not say: a $ref comes first, and else by itself
		if at.site.ref != nil && index == 0 {
			next.site, next.via = at.site.ref, at.via
			return next, true
		}
		next.via = step{keyword: "else"}
	case "allOf", "dependentSchemas":
		next.via = step{keyword, rest}
	case "then":
		next.via = step{keyword: keyword}
	case "propertyNames":
		next.via = step{keyword: keyword}
		next.pointer, next.value = at.pointer+"/"+escapePointer(rest), rest
	case "prefixItems":
		next.via = step{keyword, rest}
		return e.into(next, at, detail)
	case "properties":
		next.via = step{keyword, rest}
		return e.into(next, at, detail)
	case "patternProperties":
		next.via = at.site.patternFor(rest, detail)
		return e.into(next, at, detail)
	case "items", "additionalProperties", "unevaluatedProperties", "unevaluatedItems":
		next.via = step{keyword: keyword}
		return e.into(next, at, detail)
	default: // if, not, contains, and the branches of anyOf and oneOf
		return place{}, false
	}
	next.site = at.site.children[next.via]
	return next, next.site != nil
}

// into steps into a member or item. One that is not there is not followed.
func (e *explainer) into(next, at place, detail *jsonschema.EvaluationResult) (place, bool) {
	name := strings.TrimPrefix(detail.InstanceLocation, "/")
	next.site = at.site.children[next.via]
	next.pointer = at.pointer + "/" + escapePointer(name)
	exists := false
	switch value := at.value.(type) {
	case map[string]any:
		next.value, exists = value[name]
	case []any:
		index, err := strconv.Atoi(name)
		if exists = err == nil && index >= 0 && index < len(value); exists {
			next.value = value[index]
		}
	}
	return next, exists && next.site != nil
}

// alternatives explains a value that fits none of several schemas by what keeps
// it from the one that it comes closest to.
func (e *explainer) alternatives(name string, at place, result *jsonschema.EvaluationResult) string {
	var closest Report
	fit, count := 0, 0
	for _, detail := range result.Details {
		index, ofThis := strings.CutPrefix(detail.EvaluationPath, "/"+name+"/")
		if !ofThis {
			continue
		}
		count++
		if detail.IsValid() {
			fit++
			continue
		}
		branch := explainer{home: e.home}
		via := step{name, index}
		if site := at.site.children[via]; site != nil {
			branch.result(detail, place{site: site, via: via, pointer: at.pointer, value: at.value})
		}
		report := sortReport(branch.found)
		if closest.Total == 0 || report.Total > 0 && report.Total < closest.Total {
			closest = report
		}
	}
	switch {
	case fit > 1:
		return fmt.Sprintf("fits %d of %d alternatives, not one", fit, count)
	case closest.Total == 0:
		return fmt.Sprintf("fits none of %d alternatives", count)
	}
	first := closest.Violations[0]
	return fmt.Sprintf("fits none of %d alternatives; in the closest, %q %s", count, first.Pointer, first.Message)
}

// patternFor returns the step that a member's name leads to. Of several patterns
// that match, it is the first whose schema has the keywords that failed.
func (s *site) patternFor(name string, failed *jsonschema.EvaluationResult) step {
	for _, at := range s.node.steps {
		if at.keyword != "patternProperties" {
			continue
		}
		pattern, _ := translateRegex(at.name)
		matched, err := regexp.MatchString(pattern, name)
		if err == nil && matched && s.children[at].has(failed) {
			return at
		}
	}
	return step{keyword: "patternProperties"}
}

// has reports whether the keywords that failed are those of this place.
func (s *site) has(failed *jsonschema.EvaluationResult) bool {
	for name := range failed.Errors {
		if name == "schema" && s.node.never {
			continue
		}
		if keywords[name].use == asserts && s.node.asserts[name] == nil {
			return false
		}
	}
	return true
}
