package schemas

import (
	"fmt"
	"strings"
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

// Render may be named, and need not be. What would be done by a program that nobody
// pinned, or by a worker that a release cannot reach, is refused.
func TestPipelinesMayRender(t *testing.T) {
	t.Parallel()
	pipeline := func(stages string) error {
		return ValidatePipeline([]byte(`{"kind":"pipeline","schema_version":"1.0.0","pipeline_id":"p","version":"1.0.0","source_date":"2026-01-01T00:00:00Z","stages":{` + stages + `}}`))
	}
	program := `{"kind":"command","version":"1.0.0","command":{"program":"/opt/render"%s}}`
	digest := `,"digest":{"alg":"sha256","value":"` + strings.Repeat("a", 64) + `"}`
	for _, good := range []string{
		``,
		`"render":{"runner":{"kind":"reference","version":"1.0.0"},"execution":"auto","timeout":"2h","config":{}}`,
		`"render":{"runner":{"kind":"http","version":"1.0.0","http":{"url":"http://127.0.0.1/render"}}}`,
		`"render":{"runner":` + fmt.Sprintf(program, digest) + `}`,
		`"distribute":{"runner":{"kind":"target","version":"1.0.0","target":{"name":"directory"}}},"activate":{"runner":{"kind":"target","version":"1.0.0","target":{"name":"directory"}}}`,
		`"compile":{"runner":` + fmt.Sprintf(program, ``) + `}`,
	} {
		require.NoError(t, pipeline(good), good)
	}
	for _, bad := range []string{
		`"render":{}`,
		`"render":{"runner":{"kind":"target","version":"1.0.0"}}`,
		`"distribute":{"runner":{"kind":"target","version":"1.0.0"}}`,
		`"activate":{"runner":{"kind":"target","version":"1.0.0","target":{"name":"directory","root":"/elsewhere"}}}`,
		`"distribute":{"runner":{"kind":"reference","version":"1.0.0"}}`,
		`"render":{"runner":{"kind":"reference","version":"latest"}}`,
		`"render":{"runner":{"kind":"reference","version":"1.0.0"},"stray":1}`,
		`"render":{"runner":` + fmt.Sprintf(program, ``) + `}`,
		`"render":{"runner":{"kind":"taskqueue","version":"1.0.0","taskqueue":{"task_queue":"q","activity":"a"}}}`,
		`"activate":{"runner":{"kind":"reference","version":"1.0.0"}}`,
	} {
		var refused *DocumentError
		require.ErrorAs(t, pipeline(bad), &refused, bad)
	}
}
