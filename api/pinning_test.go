package api_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/schemas"
)

// contractSet returns a set of one schema.
func contractSet(version, schema string) client.ContractSet {
	return client.ContractSet{
		ContractHead: client.ContractHead{Name: "mine", Version: version, Source: "https://example.org", Commit: "0123abc"},
		Schemas:      map[string]json.RawMessage{"claim-ir.schema.json": json.RawMessage(schema)},
	}
}

func TestPinContracts(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	alice, bob := connect(t, s, apitest.TokenAlice), connect(t, s, apitest.TokenBob)
	pinned, err := alice.PinContracts(t.Context(), contractSet("1.2.3", `{ "type": "object" }`))
	require.NoError(t, err)
	require.Equal(t, "alice", pinned.PinnedBy)
	require.Equal(t, []string{"claim-ir"}, pinned.Roles)
	require.Equal(t, "0123abc", pinned.Commit)

	// What was stored is the set, and opens by its digest alone.
	manifest, err := s.Artifacts.ReadAll(t.Context(), pinned.Manifest, 1<<20)
	require.NoError(t, err)
	opened, err := schemas.OpenContractSet(manifest, func(hex string, size int64) ([]byte, error) {
		return s.Artifacts.ReadAll(t.Context(), records.Ref{Digest: records.Digest{Alg: records.SHA256, Value: hex}, Size: size}, 1<<20)
	})
	require.NoError(t, err)
	require.Equal(t, pinned.ContractsPinned, records.DescribeContracts(opened))

	// The same set in other words is the same set, whoever pins it; an
	// organization sees its own alone.
	again, err := alice.PinContracts(t.Context(), contractSet("1.2.3", `{"type":"object"}`))
	require.NoError(t, err)
	require.Equal(t, pinned, again)
	other, err := alice.PinContracts(t.Context(), contractSet("1.2.3", `{"type":"array"}`))
	require.NoError(t, err)
	require.NotEqual(t, pinned.Manifest, other.Manifest)
	elsewhere, err := bob.PinContracts(t.Context(), contractSet("1.2.3", `{"type":"object"}`))
	require.NoError(t, err)
	require.Equal(t, pinned.Manifest, elsewhere.Manifest)
	require.Equal(t, "bob", elsewhere.PinnedBy)

	list, err := alice.Contracts(t.Context())
	require.NoError(t, err)
	require.Len(t, list.Sets, 3)
	require.True(t, list.Sets[0].Builtin)
	require.Equal(t, "orgo-knowledge", list.Sets[0].Name)
	require.Equal(t, []client.PinnedContracts{pinned, other}, list.Sets[1:])
	list, err = bob.Contracts(t.Context())
	require.NoError(t, err)
	require.Equal(t, elsewhere, list.Sets[1])

	entries, err := s.Store.Entries(t.Context(), records.DefaultOrganization, records.PinnedContractSets(), store.EntryQuery{})
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.Equal(t, records.TypeContractsPinned, entries[0].Type)
}

func TestPinContractsRefuses(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	named := contractSet("1.0.0", `{}`)
	named.Schemas = map[string]json.RawMessage{"../claim-ir.schema.json": json.RawMessage(`{}`)}
	empty := contractSet("1.0.0", `{}`)
	empty.Schemas = map[string]json.RawMessage{}
	for name, tc := range map[string]struct {
		set      client.ContractSet
		code     gates.Code
		location string
	}{
		"a $ref that leads nowhere": {contractSet("1.0.0", `{"properties":{"a/b":{"$ref":"#/$defs/nope"}}}`),
			gates.ContractsInvalid, `body.schemas["claim-ir.schema.json"]#/properties/a~1b/$ref`},
		"a keyword that is not checked": {contractSet("1.0.0", `{"requierd":["a"]}`),
			gates.ContractsInvalid, `body.schemas["claim-ir.schema.json"]#/requierd`},
		"an integer that would change": {contractSet("1.0.0", `{"const":9007199254740993}`),
			gates.ContractsInvalid, `body.schemas["claim-ir.schema.json"]#/const`},
		"no schemas":                  {empty, gates.ContractsInvalid, "body"},
		"a version that floats":       {contractSet("latest", `{}`), gates.PinFloating, "body.version"},
		"a file name that leads away": {named, gates.RequestInvalid, "body.schemas"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.PinContracts(t.Context(), tc.set)
			var problem *client.Problem
			require.ErrorAs(t, err, &problem)
			require.Equal(t, string(tc.code), problem.ReasonCode)
			require.Equal(t, tc.location, problem.Errors[0].Location)
		})
	}
}
