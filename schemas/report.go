package schemas

import (
	"cmp"
	"fmt"
	"slices"
)

// MaxViolations is how many violations a report tells in full.
const MaxViolations = 20

// Violation is one way in which a document does not satisfy a schema.
type Violation struct {
	// Pointer is the JSON Pointer to the value in the document.
	Pointer string
	// Keyword is the keyword that the value violates.
	Keyword string
	// SchemaPointer says where the keyword is written: "#" and a JSON Pointer,
	// after the name of the schema where it is another one of the set.
	SchemaPointer string
	// Code is stable: one for each keyword, such as SCHEMA_REQUIRED.
	Code string
	// Message says what is wrong, for people.
	Message string
}

// String returns the violation in one line.
func (v Violation) String() string {
	return fmt.Sprintf("%s at %q: %s (%s)", v.Code, v.Pointer, v.Message, v.SchemaPointer)
}

func compareViolations(a, b Violation) int {
	return cmp.Or(cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.SchemaPointer, b.SchemaPointer),
		cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
}

// Report is the outcome of validating one document. It is the same, byte for
// byte, whenever the same document meets the same schema.
type Report struct {
	// Violations are sorted by pointer, place in the schema, and code, and cut
	// off after MaxViolations.
	Violations []Violation
	// Total counts all of them.
	Total int
}

// Valid reports whether the document satisfies the schema.
func (r Report) Valid() bool { return r.Total == 0 }

func sortReport(found []Violation) Report {
	slices.SortFunc(found, compareViolations)
	found = slices.Compact(found)
	return Report{Violations: found[:min(len(found), MaxViolations)], Total: len(found)}
}
