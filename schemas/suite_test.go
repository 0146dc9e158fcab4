package schemas

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type suiteGroup struct {
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
	Tests       []struct {
		Description string          `json:"description"`
		Data        json.RawMessage `json:"data"`
		Valid       bool            `json:"valid"`
	} `json:"tests"`
}

func TestSuiteDraft(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/kaptinlin/jsonschema").Output()
	require.NoError(t, err)
	dir := filepath.Join(strings.TrimSpace(string(out)), "testdata/JSON-Schema-Test-Suite/tests/draft2020-12")
	var files []string
	filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if strings.HasSuffix(p, ".json") {
			files = append(files, p)
		}
		return nil
	})
	right, acc, ref, refusedG := 0, 0, 0, 0
	for _, f := range files {
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		var groups []suiteGroup
		require.NoError(t, json.Unmarshal(data, &groups))
		rel, _ := filepath.Rel(dir, f)
		for _, g := range groups {
			vs, err := Compile(map[string][]byte{"s": g.Schema})
			if err != nil {
				var se *SchemaError
				require.True(t, errors.As(err, &se))
				fmt.Printf("REFUSED %s | %s | %s\n", rel, g.Description, se.Problem)
				refusedG++
				continue
			}
			v, _ := vs.Validator("s")
			for _, c := range g.Tests {
				r, err := v.Validate(c.Data)
				got := err == nil && r.Valid()
				switch {
				case got == c.Valid:
					right++
				case got:
					acc++
					fmt.Printf("ACCEPTS %s | %s | %s\n", rel, g.Description, c.Description)
				default:
					ref++
					fmt.Printf("REJECTS %s | %s | %s | %v %v\n", rel, g.Description, c.Description, err, r.Violations)
				}
			}
		}
	}
	fmt.Println("right", right, "accepted wrongly", acc, "rejected wrongly", ref, "groups refused", refusedG)
}
