package schemas

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// files returns a directory of schemas.
func files(contents map[string]string) fstest.MapFS {
	dir := fstest.MapFS{}
	for name, content := range contents {
		dir[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return dir
}

// opener opens the files of a set by digest.
func opener(set ContractSet) func(string, int64) ([]byte, error) {
	byDigest := map[string][]byte{}
	for _, file := range set.Files() {
		sum := sha256.Sum256(file)
		byDigest[hex.EncodeToString(sum[:])] = file
	}
	return func(digest string, _ int64) ([]byte, error) {
		file, found := byDigest[digest]
		if !found {
			return nil, errors.New("not stored")
		}
		return file, nil
	}
}

func TestContractSet(t *testing.T) {
	t.Parallel()
	set, err := LoadContractSet(files(map[string]string{
		"b.schema.json": `{ "type":"object", "$id":"urn:b", "required":["n"] }`,
		"a.schema.json": `{ "$ref":"urn:b" }`,
		"README.md":     "not a schema",
	}), "mine", "2.0.0")
	require.NoError(t, err)
	require.Equal(t, `{"kind":"contract_set","name":"mine","schema_version":"1.0.0","schemas":[`+
		`{"digest":{"alg":"sha256","value":"88e3521c3eb9ab5823a428876417ed58a86b23ce7402fe24f43522b690159ddc"},"file":"a.schema.json","role":"a","size":16},`+
		`{"digest":{"alg":"sha256","value":"37d448eb4cd27a6fe45f240a380ab875c236507fba790ef2e1aa1d4136e73829"},"file":"b.schema.json","role":"b","size":48}],"version":"2.0.0"}`,
		string(set.Manifest()))
	require.Equal(t, `{"$ref":"urn:b"}`, string(set.Files()[0]))

	entry, found := set.Entry("b")
	require.True(t, found)
	require.Equal(t, Entry{
		Role: "b", File: "b.schema.json", Size: 48,
		Digest: Digest{Alg: "sha256", Value: "37d448eb4cd27a6fe45f240a380ab875c236507fba790ef2e1aa1d4136e73829"},
	}, entry)
	_, found = set.Entry("c")
	require.False(t, found)

	opened, err := OpenContractSet(set.Manifest(), opener(set))
	require.NoError(t, err)
	require.Equal(t, set, opened)

	validators, err := opened.Validators()
	require.NoError(t, err)
	validator, found := validators.Validator("a")
	require.True(t, found)
	report, err := validator.Validate([]byte(`{}`))
	require.NoError(t, err)
	require.Equal(t, `SCHEMA_REQUIRED at "": lacks the member "n" (b#/required)`, report.Violations[0].String())
}

func TestContractSetIsNamedByItsFile(t *testing.T) {
	t.Parallel()
	set, err := LoadContractSet(files(map[string]string{
		"a.schema.json":     `{}`,
		"contract-set.yaml": "version: 3.1.0\nsource: https://example.org\ncommit: 0123abc\n",
	}), "mine", "2.0.0")
	require.NoError(t, err)
	require.Equal(t, [2]string{"mine", "3.1.0"}, [2]string{set.Name(), set.Version()})
	require.Contains(t, string(set.Manifest()), `"commit":"0123abc"`)
	require.Contains(t, string(set.Manifest()), `"source":"https://example.org"`)
	opened, err := OpenContractSet(set.Manifest(), opener(set))
	require.NoError(t, err)
	require.Equal(t, set, opened)
}

func TestContractSetHasASchemaOfSnapshots(t *testing.T) {
	t.Parallel()
	builtin, err := BuiltinContractSet()
	require.NoError(t, err)
	ours, found := builtin.Entry("input-snapshot")
	require.True(t, found)

	without, err := LoadContractSet(files(map[string]string{"a.schema.json": `{}`}), "mine", "1.0.0")
	require.NoError(t, err)
	entry, found := without.Entry("input-snapshot")
	require.True(t, found)
	require.Equal(t, ours, entry)
	require.NotContains(t, string(without.Manifest()), "input-snapshot")
	require.Len(t, without.Files(), 1)
	validators, err := without.Validators()
	require.NoError(t, err)
	_, found = validators.Validator("input-snapshot")
	require.True(t, found)

	with, err := LoadContractSet(files(map[string]string{"input-snapshot.schema.json": `{"type":"null"}`}), "mine", "1.0.0")
	require.NoError(t, err)
	validators, err = with.Validators()
	require.NoError(t, err)
	validator, found := validators.Validator("input-snapshot")
	require.True(t, found)
	report, err := validator.Validate([]byte(`null`))
	require.NoError(t, err)
	require.True(t, report.Valid(), "the set's own schema counts")
}

func TestLoadContractSetRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files         map[string]string
		name, version string
		problem       string
	}{
		"no schemas":         {map[string]string{"a.json": `{}`}, "n", "1", "has no *.schema.json"},
		"no name":            {map[string]string{"a.schema.json": `{}`}, "", "1", "no name or no version"},
		"no version":         {map[string]string{"a.schema.json": `{}`}, "n", "", "no name or no version"},
		"a malformed schema": {map[string]string{"a.schema.json": `{"a":1,"a":2}`}, "n", "1", "duplicate"},
		"an unknown key":     {map[string]string{"a.schema.json": `{}`, "contract-set.yaml": "owner: me"}, "n", "1", "owner"},
		"a duplicate key":    {map[string]string{"a.schema.json": `{}`, "contract-set.yaml": "name: a\nname: b"}, "n", "1", "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := LoadContractSet(files(c.files), c.name, c.version)
			var refused *ContractError
			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, c.problem)
		})
	}
}

func TestPositionOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files         map[string]string
		file, pointer string
	}{
		"in a schema that does not compile": {map[string]string{"a.schema.json": `{"items":{"$ref":"#/$defs/no"}}`}, "a.schema.json", "/items/$ref"},
		"in a schema that is not JSON":      {map[string]string{"a.schema.json": `{"a":{"b":1,"b":2}}`}, "a.schema.json", "/a/b"},
		"in the head":                       {map[string]string{"a.schema.json": `{}`, "contract-set.yaml": "a: 1\na: 2"}, "contract-set.yaml", ""},
		"in the whole":                      {nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := LoadContractSet(files(c.files), "n", "1.0.0")
			if err == nil {
				_, err = set.Validators()
			}
			require.Error(t, err)
			file, pointer := PositionOf(fmt.Errorf("wrapped: %w", err))
			require.Equal(t, [2]string{c.file, c.pointer}, [2]string{file, pointer})
		})
	}
}

func TestOpenContractSetRefuses(t *testing.T) {
	t.Parallel()
	set, err := LoadContractSet(files(map[string]string{"a.schema.json": `{"type":"null"}`, "b.schema.json": `{}`}), "mine", "1.0.0")
	require.NoError(t, err)
	replaced := func(old, with string) []byte {
		require.Contains(t, string(set.Manifest()), old)
		return bytes.Replace(set.Manifest(), []byte(old), []byte(with), 1)
	}
	for name, c := range map[string]struct {
		manifest []byte
		problem  string
	}{
		"text that is not JSON": {[]byte(`{`), "cannot be read"},
		"an unknown key":        {replaced(`"kind"`, `"extra":1,"kind"`), "extra"},
		"another kind":          {replaced(`"contract_set"`, `"policy"`), "not the canonical manifest"},
		"another version":       {replaced(`"schema_version":"1.0.0"`, `"schema_version":"2.0.0"`), "not the canonical manifest"},
		"another size":          {replaced(`"size":15`, `"size":16`), "not what the manifest pins"},
		"another algorithm":     {replaced(`"alg":"sha256"`, `"alg":"sha512"`), "not what the manifest pins"},
		"another file name":     {replaced(`"a.schema.json"`, `"../a.schema.json"`), "not what the manifest pins"},
		"a role twice":          {replaced(`"role":"b"`, `"role":"a"`), "not what the manifest pins"},
		"a digest that is none": {replaced(`"value":"`, `"value":"../`), "not a sha256"},
		"no schemas":            {[]byte(`{"kind":"contract_set","name":"n","schema_version":"1.0.0","schemas":[],"version":"1"}`), "has no"},
		"white space":           {append(set.Manifest(), '\n'), "not the canonical manifest"},
		"keys in capitals":      {replaced(`"version":"1.0.0"}`, `"Version":"1.0.0"}`), "not the canonical manifest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := OpenContractSet(c.manifest, opener(set))
			var refused *ContractError
			require.ErrorAs(t, err, &refused)
			require.Contains(t, refused.Error(), c.problem)
		})
	}
}

// A store that returns other content than it was asked for is not believed.
func TestOpenContractSetVerifiesContent(t *testing.T) {
	t.Parallel()
	set, err := LoadContractSet(files(map[string]string{"a.schema.json": `{"type":"null"}`}), "mine", "1.0.0")
	require.NoError(t, err)
	for name, content := range map[string]string{
		"one byte changed": `{"type":"nulL"}`, "empty": ``, "longer": `{"type":"null"} `, "everything is allowed": `{}`,
	} {
		_, err := OpenContractSet(set.Manifest(), func(string, int64) ([]byte, error) { return []byte(content), nil })
		var refused *ContractError
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, "a", refused.Role)
		require.Contains(t, refused.Problem, "not what the manifest pins")
	}
	missing := errors.New("not stored")
	_, err = OpenContractSet(set.Manifest(), func(string, int64) ([]byte, error) { return nil, missing })
	require.ErrorIs(t, err, missing)
}

func TestBuiltinContractSetCompiles(t *testing.T) {
	t.Parallel()
	set, err := BuiltinContractSet()
	require.NoError(t, err)
	require.Equal(t, [2]string{"orgo-knowledge", "1.0.0"}, [2]string{set.Name(), set.Version()})
	validators, err := set.Validators()
	require.NoError(t, err)
	for _, role := range []string{
		"input-snapshot", "claim-ir", "resolved-claim-ir", "validation-report", "exchange-manifest", "runtime-pack-manifest",
	} {
		validator, found := validators.Validator(role)
		require.True(t, found, role)
		report, err := validator.Validate([]byte(`{}`))
		require.NoError(t, err)
		require.False(t, report.Valid(), "%s takes an empty object", role)
	}
}

func TestKristalContractsCompile(t *testing.T) {
	t.Parallel()
	const dir = "../../shared/contracts/kristal"
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the contracts of Kristal are not there: %v", err)
		}
		t.Skipf("SKIPPED: the contracts of Kristal are not there: %v", err)
	}
	set, err := LoadContractSet(os.DirFS(dir), "kristal", "3.0.0")
	require.NoError(t, err)
	require.Len(t, set.Files(), 5)
	validators, err := set.Validators()
	require.NoError(t, err)
	for _, entry := range set.entries {
		validator, found := validators.Validator(entry.Role)
		require.True(t, found)
		report, err := validator.Validate([]byte(`{}`))
		require.NoError(t, err)
		require.False(t, report.Valid(), entry.Role)
	}
}
