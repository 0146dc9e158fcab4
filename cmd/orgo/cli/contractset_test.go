package cli_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// contractDirectory returns a directory of two schemas, with its head.
func contractDirectory(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mine")
	write(t, dir, "claim-ir.schema.json", `{ "$id": "urn:claim", "type": "object" }`)
	write(t, dir, "claims.schema.json", `{ "items": { "$ref": "urn:claim" } }`)
	write(t, dir, "contract-set.yaml", "version: 1.2.3\nsource: https://example.org\ncommit: 0123abc\n")
	write(t, dir, "README.md", "not a schema")
	return dir
}

func TestContractsPin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := contractDirectory(t)
	var checked records.ContractsPinned
	r := run(t.Context(), "contracts", "check", dir, "-o", "json") // no server
	require.Zero(t, r.code, r.err)
	require.NoError(t, json.Unmarshal([]byte(r.out), &checked))
	require.Equal(t, "mine", checked.Name)
	require.Equal(t, "1.2.3", checked.Version)
	require.Equal(t, []string{"claim-ir", "claims"}, checked.Roles)

	var pinned, again client.PinnedContracts
	b.must(t, &pinned, "contracts", "pin", dir)
	require.Equal(t, checked, pinned.ContractsPinned)
	require.Equal(t, "alice", pinned.PinnedBy)
	var manifest map[string]any
	b.read(t, pinned.Manifest, &manifest)
	require.Equal(t, "0123abc", manifest["commit"])

	// White space is no other set.
	write(t, dir, "claim-ir.schema.json", `{"type":"object","$id":"urn:claim"}`)
	b.must(t, &again, "contracts", "pin", dir)
	require.Equal(t, pinned, again)
	var list client.PinnedContractsList
	b.must(t, &list, "contracts", "list")
	require.Len(t, list.Sets, 2)
	require.True(t, list.Sets[0].Builtin)
	require.Equal(t, pinned, list.Sets[1])

	// A build of the directory is pinned to the same manifest.
	var view records.BuildView
	b.must(t, &view, "build", "start", "--input", "/data", "--contracts", dir)
	require.Equal(t, pinned.Manifest.Digest, b.requestOf(t, view).Contracts.Digest)

	r = b.orgo(t, "contracts", "pin", dir)
	require.Zero(t, r.code, r.err)
	require.Regexp(t, `contracts  mine@1\.2\.3\ndigest     `+pinned.Manifest.Digest.String()+`\nschemas    claim-ir, claims\npinned     .* by alice\n`, r.out)
	r = b.orgo(t, "contracts", "list")
	require.Zero(t, r.code, r.err)
	require.Regexp(t, `orgo-knowledge +1\.0\.0 +6 +sha256:[0-9a-f]{64} +built in\nmine +1\.2\.3 +2 +`+pinned.Manifest.Digest.String(), r.out)
	r = b.orgo(t, "contracts", "check", dir, "-o", "yaml")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "value: "+pinned.Manifest.Digest.Value+"\n")
}

func TestContractsRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, tc := range map[string]struct {
		file, content string
		exit          int
		reason, place string // place: after the directory
	}{
		"a $ref that leads nowhere": {"claims.schema.json", `{"properties":{"a/b":{"items":{"$ref":"urn:nope"}}}}`, 1,
			"CONTRACTS_INVALID", "/claims.schema.json#/properties/a~1b/items/$ref"},
		"a keyword that is not checked": {"claims.schema.json", `{"requierd":["a"]}`, 1, "CONTRACTS_INVALID", "/claims.schema.json#/requierd"},
		"text that is not JSON":         {"claims.schema.json", `{"type":`, 1, "CONTRACTS_INVALID", "/claims.schema.json#/type"},
		"a member twice":                {"claims.schema.json", `{"items":{"type":"null","type":"null"}}`, 1, "CONTRACTS_INVALID", "/claims.schema.json#/items/type"},
		"an $id twice":                  {"claims.schema.json", `{"$id":"urn:claim"}`, 1, "CONTRACTS_INVALID", "/claims.schema.json#/$id"},
		"a head with an unknown key":    {"contract-set.yaml", "owner: me\n", 1, "CONTRACTS_INVALID", "/contract-set.yaml"},
		"a head that is not YAML":       {"contract-set.yaml", "version: 1.2.3\nname: a\nname: b\n", 1, "CONTRACTS_INVALID", "/contract-set.yaml:3:1"},
		"a version that floats":         {"contract-set.yaml", "version: latest\n", 1, "PIN_FLOATING", "/contract-set.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := contractDirectory(t)
			write(t, dir, tc.file, tc.content)
			for _, verb := range []string{"check", "pin"} {
				r := b.orgo(t, "contracts", verb, dir, "-o", "json")
				require.Equal(t, tc.exit, r.code, "%s%s", r.out, r.err)
				require.Empty(t, r.out)
				var problem client.Problem
				require.NoError(t, json.Unmarshal([]byte(r.err), &problem), r.err)
				require.Equal(t, tc.reason, problem.ReasonCode)
				require.NotEmpty(t, problem.Remedy)
				require.Equal(t, dir+tc.place, problem.Errors[0].Location)
				r = b.orgo(t, "contracts", verb, dir)
				require.Contains(t, r.err, "  at "+dir+tc.place+": ")
			}
		})
	}
	t.Run("a directory without schemas", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		r := b.orgo(t, "contracts", "pin", dir)
		require.Equal(t, 1, r.code)
		require.Contains(t, r.err, "CONTRACTS_INVALID")
		require.Contains(t, r.err, "no *.schema.json file")
	})
}

func TestContractsBadUsage(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "a.schema.json", `{}`)
	for name, tc := range map[string]struct {
		args    []string
		message string
	}{
		"no directory":               {[]string{"contracts", "check"}, "one directory of schemas"},
		"two directories":            {[]string{"contracts", "pin", "a", "b"}, "one directory of schemas"},
		"a directory that is not":    {[]string{"contracts", "check", filepath.Dir(file) + "/none"}, "none: no such file"},
		"the same, to pin":           {[]string{"contracts", "pin", filepath.Dir(file) + "/none"}, "none: no such file"},
		"a file":                     {[]string{"contracts", "check", file}, "is a file"},
		"list with an argument":      {[]string{"contracts", "list", "a"}, "no argument"},
		"a command that there isn't": {[]string{"contracts", "unpin"}, `no command "unpin"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t.Context(), tc.args...)
			require.Equal(t, 2, r.code, "%s%s", r.out, r.err)
			require.Contains(t, r.err, tc.message)
		})
	}
	for _, verb := range []string{"pin", "check", "list"} {
		r := run(t.Context(), "contracts", verb, "--help")
		require.Zero(t, r.code)
		require.Contains(t, r.out, "Examples:\n  orgo contracts "+verb)
	}
}

// A build names a set that was pinned by its digest. One that nobody pinned is
// refused, whatever else the server holds under it.
func TestABuildNamesAPinnedContractSet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := filepath.Join(t.TempDir(), "my-set")
	write(t, dir, "claim-ir.schema.json", `{"type": "object"}`)
	var pinned client.PinnedContracts
	b.must(t, &pinned, "contracts", "pin", dir)
	var view records.BuildView
	b.must(t, &view, "build", "start", "--input", "/data", "--contracts", pinned.Manifest.Digest.String())
	require.Equal(t, pinned.Manifest.Digest, b.requestOf(t, view).Contracts.Digest)

	r := b.orgo(t, "build", "start", "--input", "/data", "--contracts", records.DigestOf([]byte("nobody pinned")).String())
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "PIN_UNKNOWN")
	require.Contains(t, r.err, "orgo contracts list")
}

// A set that cannot be used is refused by build start as it is by contracts check.
func TestABuildRefusesContractsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	empty := t.TempDir()
	broken := t.TempDir()
	write(t, broken, "a.schema.json", `{"type": "object", "type": "array"}`)
	for directory, problem := range map[string]string{empty: "has no *.schema.json file", broken: "a.schema.json#/type"} {
		r := b.orgo(t, "build", "start", "--input", "/data", "--contracts", directory)
		require.Equal(t, 1, r.code)
		require.Contains(t, r.err, "CONTRACTS_INVALID")
		require.Contains(t, r.err, problem)
	}
}
