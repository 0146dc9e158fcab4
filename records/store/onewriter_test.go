package store_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// storeWriters are all places in the repository that write to the record store's tables,
// and what each is. Entries are written by one statement, in the transaction that
// puts them into the ledger's inbox; the read models by what folds entries. Whoever
// adds a place has to say here what it is.
var storeWriters = map[string]string{
	"records/store/statements.go: INSERT INTO entries":           "an append",
	"records/store/statements.go: INSERT INTO ledger_inbox":      "an append, in the same transaction",
	"records/store/statements.go: INSERT INTO stage_outputs":     "an append, in the same transaction",
	"records/store/statements.go: INSERT INTO subjects":          "an append: how many entries a subject has",
	"records/store/statements.go: INSERT INTO builds":            "the fold of a build's entries",
	"records/store/postgres.go: INSERT INTO subjects":            "an append: the lock of a subject",
	"records/store/sequencer.go: INSERT INTO ledger_leaves":      "the sequencer",
	"records/store/sequencer.go: DELETE FROM ledger_inbox":       "the sequencer",
	"records/store/sequencer.go: INSERT INTO ledger_checkpoints": "the sequencer",
	"records/store/verify.go: DELETE FROM builds":                "a rebuild: what no entry says",
	"records/store/verify.go: DELETE FROM subjects":              "a rebuild: what no entry says",
	"records/store/erase.go: UPDATE entries":                     "an erasure, after its entry, in the same transaction",
	"records/store/telemetry.go: INSERT INTO telemetry_samples":  "an append of samples, which are no entries",
	"records/store/telemetry.go: INSERT INTO telemetry_heads":    "an append of samples, in the same transaction: the lock of a release, and how many it has",
	"records/store/caseview.go: INSERT INTO cases":               "the fold of a Case's entries",
	"records/store/caseview.go: INSERT INTO tasks":               "the fold of a Case's entries",
	"records/store/caseview.go: DELETE FROM tasks":               "a rebuild: what no entry says",
	"records/store/caseview.go: INSERT INTO case_owners":         "the fold of a Case's entries",
	"records/store/caseview.go: DELETE FROM case_owners":         "the fold of a Case's entries",
	"records/store/position.go: INSERT INTO positions":           "how far a consumer of the log came",
}

// databasePackages are those through which a database can be reached.
var databasePackages = regexp.MustCompile(`^(database/sql|github\.com/jmoiron/sqlx|github\.com/lib/pq|modernc\.org/sqlite)(/|$)`)

// sqlHomes are the folders that may reach one: the record store, and Temporal's
// database in the local stack.
var sqlHomes = []string{"records/store", "deployments/local/temporal"}

var writeStatement = regexp.MustCompile(`(?i)\b(INSERT\s+(?:OR\s+\w+\s+)?INTO|REPLACE\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|COPY|MERGE\s+INTO)\s+` +
	`(entries|stage_outputs|subjects|builds|ledger_inbox|ledger_leaves|ledger_checkpoints|telemetry_samples|telemetry_heads|positions|cases|case_owners|tasks)\b`)

// writesOf returns the writes in a file, and whether it may reach a database.
func writesOf(name string, source any) (writes []string, reaches bool, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
	if err != nil {
		return nil, false, err
	}
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, false, err
		}
		reaches = reaches || databasePackages.MatchString(path)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		literal, isLiteral := node.(*ast.BasicLit)
		if !isLiteral || literal.Kind != token.STRING {
			return true
		}
		for _, match := range writeStatement.FindAllStringSubmatch(literal.Value, -1) {
			verb := strings.Join(strings.Fields(strings.ToUpper(match[1])), " ")
			writes = append(writes, verb+" "+strings.ToLower(match[2]))
		}
		return true
	})
	return writes, reaches, nil
}

// TestThereIsNoSecondWriter looks through every file of the repository.
func TestThereIsNoSecondWriter(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	found := map[string]bool{}
	files := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch {
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata" || entry.Name() == "storetest"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		files++
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		writes, reaches, err := writesOf(name, source)
		if err != nil {
			return err
		}
		if reaches && !slices.Contains(sqlHomes, filepath.ToSlash(filepath.Dir(name))) {
			t.Errorf("%s reaches a database: only %v do", name, sqlHomes)
		}
		for _, write := range writes {
			found[name+": "+write] = true
		}
		return nil
	}))
	require.Greater(t, files, 100, "the whole repository was looked through")
	for write := range found {
		require.Contains(t, storeWriters, write, "a second writer: state is written through Store.Append alone")
	}
	for write := range storeWriters {
		require.True(t, found[write], "%s is no more: take it off the list", write)
	}
}

// TestASecondWriterWouldBeFound plants some.
func TestASecondWriterWouldBeFound(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"package p; const s = `update\n  builds set state = 'PASSED'`":            "UPDATE builds",
		"package p; func f() { exec(\"INSERT OR REPLACE INTO entries VALUES\") }": "INSERT OR REPLACE INTO entries",
		"package p; var s = `DELETE FROM telemetry_samples`":                      "DELETE FROM telemetry_samples",
		"package p; var s = \"x; TRUNCATE TABLE ledger_leaves\"":                  "TRUNCATE TABLE ledger_leaves",
	} {
		writes, _, err := writesOf("planted.go", source)
		require.NoError(t, err)
		require.Equal(t, []string{want}, writes)
	}
	_, reaches, err := writesOf("planted.go", "package p; import _ \"modernc.org/sqlite/lib\"")
	require.NoError(t, err)
	require.True(t, reaches)
}
