package schemas

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOwnDocuments(t *testing.T) {
	t.Parallel()
	for document, validate := range map[string]func([]byte) error{
		pipelineDocument: ValidatePipeline, bundleDocument: ValidateMandateBundle, recordDocument: ValidateKOABuildRecord,
		releaseDocument: ValidateReleaseRecord, koaReleaseDocument: ValidateKOAReleaseRecord,
		koaCaseDocument: ValidateKOACase, koaTaskDocument: ValidateKOATask,
	} {
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			var refused *DocumentError
			require.ErrorAs(t, validate([]byte(`{"stray":1}`)), &refused)
			require.Equal(t, document, refused.Document)
			require.Contains(t, refused.Violations, Violation{
				Pointer: "/stray", Keyword: "additionalProperties", SchemaPointer: "#/additionalProperties",
				Code: "SCHEMA_ADDITIONAL_PROPERTIES", Message: "is not allowed here",
			})
			require.Equal(t, refused.Total, len(refused.Violations))
			require.ErrorContains(t, refused, document)

			var malformed *JSONError
			require.ErrorAs(t, validate([]byte(`{`)), &malformed)
		})
	}
}

func TestDocumentErrorSaysWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	err := &DocumentError{Document: "pipeline", Violations: []Violation{{Code: "SCHEMA_TYPE"}}, Total: 3}
	require.ErrorContains(t, err, "and 2 more")
}
