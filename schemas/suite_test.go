package schemas

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
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

// suiteException is why some of the suite is not accepted, and what of it. The
// file testdata/suite-exceptions.json has them all.
type suiteException struct {
	Reason string `json:"reason"`
	// Problem is in the error of each schema that is refused.
	Problem string `json:"problem,omitempty"`
	// Refused are schemas: "file: group". Their cases are not run.
	Refused []string `json:"refused,omitempty"`
	// Rejected are documents that the suite accepts: "file: group: case".
	Rejected []string `json:"rejected,omitempty"`
}

// suiteRun is what came of the suite.
type suiteRun struct {
	right, cases, refusedCases map[bool]int // by whether they are optional
	refused                    map[string]string
	rejected                   map[string]bool
	accepted                   []string // wrongly; no exception is admitted
}

func runSuite(t *testing.T, dir string) suiteRun {
	t.Helper()
	run := suiteRun{
		right: map[bool]int{}, cases: map[bool]int{}, refusedCases: map[bool]int{},
		refused: map[string]string{}, rejected: map[string]bool{},
	}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
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
			run.group(t, filepath.ToSlash(file), group)
		}
		return nil
	}))
	return run
}

func (r *suiteRun) group(t *testing.T, file string, group suiteGroup) {
	t.Helper()
	optional := strings.HasPrefix(file, "optional/")
	name := file + ": " + group.Description
	r.cases[optional] += len(group.Tests)
	validator, err := compileOne(string(group.Schema))
	if err != nil {
		var refused *SchemaError
		require.ErrorAs(t, err, &refused, name)
		require.NotContains(t, r.refused, name, "two groups have one name")
		r.refused[name] = refused.Problem
		r.refusedCases[optional] += len(group.Tests)
		return
	}
	for _, test := range group.Tests {
		report, err := validator.Validate(test.Data)
		accepted := err == nil && report.Valid()
		switch {
		case accepted == test.Valid:
			r.right[optional]++
		case accepted:
			r.accepted = append(r.accepted, name+": "+test.Description)
		default:
			r.rejected[name+": "+test.Description] = true
		}
	}
}

// TestJSONSchemaTestSuite runs the suite for 2020-12, optional parts included.
// Nothing may be accepted that the suite rejects. Whatever else differs is listed
// with its reason, and what is listed does differ.
func TestJSONSchemaTestSuite(t *testing.T) {
	t.Parallel()
	run := runSuite(t, suiteDir(t))
	require.Empty(t, run.accepted, "accepted wrongly")

	data, err := os.ReadFile("testdata/suite-exceptions.json")
	require.NoError(t, err)
	var exceptions []suiteException
	require.NoError(t, json.Unmarshal(data, &exceptions))
	for _, exception := range exceptions {
		require.NotEmpty(t, exception.Reason)
		for _, name := range exception.Refused {
			problem, refused := run.refused[name]
			assert.True(t, refused, "listed, and not refused: %s", name)
			assert.Contains(t, problem, exception.Problem, name)
			delete(run.refused, name)
		}
		for _, name := range exception.Rejected {
			assert.True(t, run.rejected[name], "listed, and not rejected: %s", name)
			delete(run.rejected, name)
		}
	}
	for name, problem := range run.refused {
		t.Errorf("refused, and not listed: %s: %s", name, problem)
	}
	for name := range run.rejected {
		t.Errorf("rejected, and not listed: %s", name)
	}
	for optional, part := range map[bool]string{false: "required", true: "optional"} {
		t.Logf("%s: %d of %d cases as the suite has them, %d of schemas that are refused", part, run.right[optional], run.cases[optional], run.refusedCases[optional])
	}
	require.Greater(t, run.right[false], 1000, "the suite is not all there")
}
