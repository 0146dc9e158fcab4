package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
)

func TestContracts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := filepath.Join(t.TempDir(), "my-set")
	write(t, dir, "claim-ir.schema.json", `{"type": "object"}`)
	write(t, dir, "README.md", "not a schema")
	write(t, dir, "contract-set.yaml", "name: mine\nversion: 1.2.3\nsource: https://example.org\n")
	var view records.BuildView
	b.must(t, &view, "build", "start", "--input", "/data", "--contracts", dir)
	var manifest map[string]any
	b.read(t, b.requestOf(t, view).Contracts, &manifest)
	require.Equal(t, "mine", manifest["name"])
	require.Equal(t, "https://example.org", manifest["source"])
	require.Len(t, manifest["schemas"], 1)

	// Without that file the set has the directory's name. One that cannot be
	// used is refused at once.
	write(t, dir, "contract-set.yaml", "version: latest\n")
	r := b.orgo(t, "build", "start", "--input", "/data", "--contracts", dir)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "PIN_FLOATING")
}

// The schemas that others have published are pinned as they are.
func TestPublishedContracts(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs("../../../../shared/contracts/kristal")
	require.NoError(t, err)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the published contracts are needed in CI: %v", err)
		}
		t.Skipf("SKIPPED: there are no published contracts at %s", dir)
	}
	b := setup(t)
	var view records.BuildView
	b.must(t, &view, "build", "start", "--input", "/data", "--contracts", dir)
	var manifest struct {
		Name    string `json:"name"`
		Schemas []any  `json:"schemas"`
	}
	b.read(t, b.requestOf(t, view).Contracts, &manifest)
	require.Equal(t, "kristal", manifest.Name)
	require.Len(t, manifest.Schemas, 5)
}
