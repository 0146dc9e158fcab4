package schemas

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// suiteDir returns the JSON-Schema-Test-Suite that comes with the library.
func suiteDir(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/kaptinlin/jsonschema").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "testdata/JSON-Schema-Test-Suite/tests/draft2020-12")
	if _, statErr := os.Stat(dir); err != nil || statErr != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the test suite of json schema is not in the module cache: %v, %v", err, statErr)
		}
		t.Skipf("SKIPPED: the test suite of json schema is not in the module cache: %v, %v", err, statErr)
	}
	return dir
}

type suiteGroup struct {
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
	Tests       []struct {
		Description string          `json:"description"`
		Data        json.RawMessage `json:"data"`
		Valid       bool            `json:"valid"`
	} `json:"tests"`
}

// suiteRefusals are the reasons for which schemas of the suite are refused, with
// how many are: all by design.
var suiteRefusals = []struct {
	problem *regexp.Regexp
	count   int
}{
	{regexp.MustCompile(`^the keyword "\$dynamic(Ref|Anchor)" is not supported`), 20},
	{regexp.MustCompile(`^the keyword "(dependencies|contentSchema|unknown-keyword|array_of_schemas)" is not supported`), 11},
	{regexp.MustCompile(`^\$ref "https://json-schema\.org/.*" leads nowhere`), 3}, // the metaschema
	{regexp.MustCompile(`^\$ref "http://localhost:1234/.*" leads nowhere`), 11},   // a server
	{regexp.MustCompile(`^\$ref "[a-z/]+[-a-z0-9/.]*(#.*)?" leads nowhere`), 6},   // relative
	{regexp.MustCompile(`^\$id must be an absolute uri`), 9},                      // relative
	{regexp.MustCompile(`^\$schema must be`), 4},                                  // a custom metaschema
	{regexp.MustCompile(`^format names the format "(idn-email|idn-hostname|unknown)"`), 5},
	{regexp.MustCompile(`regular expression that RE2 cannot run`), 2},
}

// TestJSONSchemaTestSuite runs the suite for 2020-12, optional parts included.
// Nothing may be accepted that the suite rejects. What is rejected that the suite
// accepts is format.json alone, which has formats not asserted.
func TestJSONSchemaTestSuite(t *testing.T) {
	t.Parallel()
	dir := suiteDir(t)
	right, refusals := 0, make([]int, len(suiteRefusals))
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, err := filepath.Rel(dir, path)
		require.NoError(t, err)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		var groups []suiteGroup
		require.NoError(t, json.Unmarshal(data, &groups))
		for _, group := range groups {
			validator, err := compileOne(string(group.Schema))
			if err != nil {
				refusals[suiteRefusal(t, file, err)]++
				continue
			}
			for _, test := range group.Tests {
				report, err := validator.Validate(test.Data)
				accepted := err == nil && report.Valid()
				switch {
				case accepted == test.Valid:
					right++
				case accepted:
					t.Errorf("accepted wrongly: %s: %s: %s", file, group.Description, test.Description)
				case file != "format.json":
					t.Errorf("rejected wrongly: %s: %s: %s: %v", file, group.Description, test.Description, report.Violations)
				}
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, right, 1600)
	for i, refusal := range suiteRefusals {
		assert.Equal(t, refusal.count, refusals[i], "schemas refused because %s", refusal.problem)
	}
}

func suiteRefusal(t *testing.T, file string, err error) int {
	t.Helper()
	var refused *SchemaError
	require.True(t, errors.As(err, &refused))
	for i, refusal := range suiteRefusals {
		if refusal.problem.MatchString(refused.Problem) {
			return i
		}
	}
	require.Fail(t, "refused for another reason", "%s: %v", file, err)
	return -1
}
