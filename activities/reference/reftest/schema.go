package reftest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/kaptinlin/jsonschema"
	"github.com/stretchr/testify/require"
)

// Schema is one of the external schemas.
type Schema struct{ schema *jsonschema.Schema }

// ExternalSchema returns the schema of a role from shared/contracts/kristal
// beside the repository. Where that is absent the test is skipped, and in CI it
// fails instead.
func ExternalSchema(t testing.TB, role string) Schema {
	t.Helper()
	_, here, _, known := runtime.Caller(0)
	require.True(t, known)
	root := filepath.Join(filepath.Dir(here), "../../..")
	path := filepath.Join(root, "../shared/contracts/kristal", role+".schema.json")
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED: %s is not there, so nothing is checked against it", path)
	}
	require.NoError(t, err)
	schema, err := jsonschema.NewCompiler().SetAssertFormat(true).Compile(text)
	require.NoError(t, err)
	return Schema{schema}
}

// Require requires that a document satisfies the schema.
func (s Schema) Require(t testing.TB, document []byte) {
	t.Helper()
	result := s.schema.ValidateJSON(document)
	require.True(t, result.IsValid(), "%s\n%s", fmt.Sprint(result.DetailedErrors()), document)
}
