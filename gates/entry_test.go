package gates_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The rule has one entry: a Decision is made by a gate. What makes one elsewhere,
// or gives one another verdict, is found in the source.
func TestFailOpen19DecisionsComeFromGates(t *testing.T) {
	t.Parallel()
	read := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "gates" || entry.Name() == "testdata" || strings.HasSuffix(entry.Name(), "test") || path != ".." && strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read++
		require.Empty(t, madeElsewhere(t, path, source))
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, read, 50, "the repository was read")
}

// madeElsewhere returns where a file makes a Decision, or changes what one says.
func madeElsewhere(t *testing.T, path string, source []byte) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.SkipObjectResolution)
	require.NoError(t, err)
	local := importedAs(file)
	if local == "" {
		return nil
	}
	var found []string
	ast.Inspect(file, func(node ast.Node) bool {
		made := false
		switch n := node.(type) {
		case *ast.CompositeLit:
			made = isDecision(n.Type, local) && len(n.Elts) > 0
		case *ast.AssignStmt:
			made = slices.ContainsFunc(n.Lhs, func(to ast.Expr) bool {
				selector, is := to.(*ast.SelectorExpr)
				return is && selector.Sel.Name == "Verdict"
			})
		}
		if made {
			found = append(found, fmt.Sprint(files.Position(node.Pos())))
		}
		return true
	})
	return found
}

func importedAs(file *ast.File) string {
	for _, spec := range file.Imports {
		switch {
		case spec.Path.Value != `"github.com/initkoa/orgo/gates"`:
		case spec.Name != nil:
			return spec.Name.Name
		default:
			return "gates"
		}
	}
	return ""
}

func isDecision(expression ast.Expr, local string) bool {
	selector, is := expression.(*ast.SelectorExpr)
	if !is || selector.Sel.Name != "Decision" {
		return false
	}
	from, is := selector.X.(*ast.Ident)
	return is && from.Name == local
}

// Planted faults: the ways to make a pass of one's own are seen.
func TestDecisionsMadeElsewhereAreSeen(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`var d = gates.Decision{Verdict: gates.Pass}`,
		`var d = &gates.Decision{Gate: gates.GateFreeze, Verdict: "PASS"}`,
		`func f(d *gates.Decision) { d.Verdict = gates.Pass }`,
	} {
		source := "package p\nimport \"github.com/initkoa/orgo/gates\"\n" + body
		require.Len(t, madeElsewhere(t, "p.go", []byte(source)), 1, body)
		other := strings.ReplaceAll(strings.Replace(source, "import ", "import g ", 1), "gates.D", "g.D")
		require.Len(t, madeElsewhere(t, "p.go", []byte(other)), 1, other)
	}
	require.Empty(t, madeElsewhere(t, "p.go", []byte("package p\nimport \"github.com/initkoa/orgo/gates\"\nvar none gates.Decision\nvar zero = gates.Decision{}")))
}

// What is exported and returns a Decision is one function for each gate, those
// for overrides, Decide for evidence in JSON, and Replay: there is no other way in.
func TestFailOpen19EveryEntryIsAGate(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var entries []string
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, declared := range file.Decls {
			function, is := declared.(*ast.FuncDecl)
			if !is || !function.Name.IsExported() || function.Type.Results == nil {
				continue
			}
			for _, result := range function.Type.Results.List {
				if name, is := result.Type.(*ast.Ident); is && name.Name == "Decision" {
					entries = append(entries, function.Name.Name)
				}
			}
		}
	}
	slices.Sort(entries)
	require.Equal(t, []string{"Approvals", "BreakGlass", "Compatible", "Contract", "Decide", "Dependency", "Determinism", "Freeze", "Health", "Integrity",
		"Origin", "Overrule", "Replay", "Reproducibility", "Validation"}, entries)
}
