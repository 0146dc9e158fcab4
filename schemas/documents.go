package schemas

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

//go:embed documents
var ownDocuments embed.FS

// The documents that Orgo defines, by the names of their schema files.
const (
	pipelineDocument   = "pipeline"
	bundleDocument     = "mandate-bundle"
	recordDocument     = "build-record.koa"
	releaseDocument    = "release-record"
	koaReleaseDocument = "release-record.koa"
	koaCaseDocument    = "case.koa"
	koaTaskDocument    = "task.koa"
)

// DocumentError says that a document does not satisfy Orgo's schema for it.
type DocumentError struct {
	Document   string      // which schema: "pipeline", "mandate-bundle", "build-record.koa", …
	Violations []Violation // the first MaxViolations
	Total      int         // how many there are
}

// Error lists the violations.
func (e *DocumentError) Error() string {
	lines := make([]string, len(e.Violations), len(e.Violations)+1)
	for i, violation := range e.Violations {
		lines[i] = violation.String()
	}
	if more := e.Total - len(e.Violations); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("the %s does not satisfy its schema: %s", e.Document, strings.Join(lines, "; "))
}

// ValidatePipeline checks a pipeline against its schema. Errors are a
// *DocumentError, or a *JSONError where it is no JSON document.
func ValidatePipeline(canonical []byte) error { return validateOwn(pipelineDocument, canonical) }

// ValidateMandateBundle does the same for a policy bundle.
func ValidateMandateBundle(canonical []byte) error { return validateOwn(bundleDocument, canonical) }

// ValidateKOABuildRecord does the same for a Build Record in KOA's form.
func ValidateKOABuildRecord(canonical []byte) error { return validateOwn(recordDocument, canonical) }

// ValidateReleaseRecord does the same for a Release Record in Orgo's own form.
func ValidateReleaseRecord(canonical []byte) error { return validateOwn(releaseDocument, canonical) }

// ValidateKOAReleaseRecord does the same for a Release Record in KOA's form.
func ValidateKOAReleaseRecord(canonical []byte) error {
	return validateOwn(koaReleaseDocument, canonical)
}

// ValidateKOACase does the same for a Case in KOA's form.
func ValidateKOACase(canonical []byte) error { return validateOwn(koaCaseDocument, canonical) }

// ValidateKOATask does the same for a Task in KOA's form.
func ValidateKOATask(canonical []byte) error { return validateOwn(koaTaskDocument, canonical) }

func validateOwn(document string, data []byte) error {
	validators, err := ownValidators()
	if err != nil {
		return err
	}
	validator, found := validators.Validator(document)
	if !found {
		return &SchemaError{Schema: document, Problem: "is not there"}
	}
	report, err := validator.Validate(data)
	if err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	if !report.Valid() {
		return &DocumentError{Document: document, Violations: report.Violations, Total: report.Total}
	}
	return nil
}

var ownValidators = sync.OnceValues(func() (*Validators, error) {
	set := map[string][]byte{}
	for _, document := range []string{
		pipelineDocument, bundleDocument, recordDocument, releaseDocument, koaReleaseDocument, koaCaseDocument, koaTaskDocument,
	} {
		data, err := fs.ReadFile(ownDocuments, "documents/"+document+schemaSuffix)
		if err != nil {
			return nil, err
		}
		set[document] = data
	}
	return Compile(set)
})
