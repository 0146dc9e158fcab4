package reftest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/schemas"
)

// Schema is the schema of one role, in each of the contract sets that the
// stages must satisfy: the one that Orgo ships, and the external one.
type Schema struct{ validators []*schemas.Validator }

// SchemaOf returns the schema of a role from the shipped contract set and
// from shared/contracts/kristal beside the repository. Where the latter is
// absent the test is skipped, and in CI it fails instead.
func SchemaOf(t testing.TB, role string) Schema {
	t.Helper()
	shipped, err := schemas.BuiltinContractSet()
	require.NoError(t, err)
	_, here, _, known := runtime.Caller(0)
	require.True(t, known)
	root := filepath.Join(filepath.Dir(here), "../../..")
	dir := filepath.Join(root, "../shared/contracts/kristal")
	if _, err := os.Stat(dir); os.IsNotExist(err) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED: %s is not there, so nothing is checked against it", dir)
	}
	external, err := schemas.LoadContractSet(os.DirFS(dir), "external", "3.0.0")
	require.NoError(t, err)
	var schema Schema
	for _, set := range []schemas.ContractSet{shipped, external} {
		validators, err := set.Validators()
		require.NoError(t, err)
		validator, present := validators.Validator(role)
		require.True(t, present, role)
		schema.validators = append(schema.validators, validator)
	}
	return schema
}

// Require requires that a document satisfies the schema in each set.
func (s Schema) Require(t testing.TB, document []byte) {
	t.Helper()
	for _, validator := range s.validators {
		report, err := validator.Validate(document)
		require.NoError(t, err)
		require.True(t, report.Valid(), "%+v\n%s", report, document)
	}
}
