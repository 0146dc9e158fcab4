package api_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
)

func TestTokensFile(t *testing.T) {
	t.Parallel()
	hash := api.HashToken("secret")
	for name, tc := range map[string]struct{ content, problem string }{
		"good":            {`[{"token_sha256":"` + hash + `","actor":"ci","organization":"o","roles":["operator"]}]`, ""},
		"none":            {`[]`, ""},
		"no json":         {`token`, "invalid character"},
		"unknown field":   {`[{"token":"secret"}]`, "unknown field"},
		"short hash":      {`[{"token_sha256":"ab","actor":"ci","organization":"o"}]`, "entry 0: token_sha256"},
		"long hash":       {`[{"token_sha256":"` + hash + `00","actor":"ci","organization":"o"}]`, "entry 0: token_sha256"},
		"no hash":         {`[{"token_sha256":"` + hash[:63] + `x","actor":"ci","organization":"o"}]`, "entry 0: token_sha256"},
		"no actor":        {`[{"token_sha256":"` + hash + `","organization":"o"}]`, "actor"},
		"no organization": {`[{"token_sha256":"` + hash + `","actor":"ci"}]`, "organization"},
		"token twice": {`[{"token_sha256":"` + hash + `","actor":"a","organization":"o"},` +
			`{"token_sha256":"` + hash + `","actor":"b","organization":"p"}]`, "entry 1: the same token"},
		"two tokens of one": {`[{"token_sha256":"` + hash + `","actor":"Eva","organization":"o"},` +
			`{"token_sha256":"` + api.HashToken("new") + `","actor":"Eva","organization":"o"}]`, ""},
		"alike elsewhere": {`[{"token_sha256":"` + hash + `","actor":"Eva","organization":"o"},` +
			`{"token_sha256":"` + api.HashToken("new") + `","actor":"eva","organization":"p"}]`, ""},
		"alike": {`[{"token_sha256":"` + hash + `","actor":"Eva","organization":"o"},` +
			`{"token_sha256":"` + api.HashToken("new") + `","actor":"e\u200bva","organization":"o"}]`, "entry 1: actor"},
		"like Orgo":   {`[{"token_sha256":"` + hash + `","actor":"ORGO","organization":"o"}]`, "Orgo's own"},
		"like a hold": {`[{"token_sha256":"` + hash + `","actor":"orgo/rollback","organization":"o"}]`, "Orgo's own"},
		"two scripts": {`[{"token_sha256":"` + hash + `","actor":"\u0435va","organization":"o"}]`, "several scripts"},
		"only spaces": {`[{"token_sha256":"` + hash + `","actor":"  ","organization":"o"}]`, "Orgo's own"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "tokens.json")
			require.NoError(t, os.WriteFile(path, []byte(tc.content), 0o600))
			tokens, err := api.ReadTokensFile(path)
			if tc.problem != "" {
				require.ErrorContains(t, err, tc.problem)
				require.ErrorContains(t, err, path)
				return
			}
			require.NoError(t, err)
			_, err = tokens.Authenticate(t.Context(), "another")
			require.ErrorContains(t, err, "UNAUTHORIZED")
			if name == "good" {
				identity, err := tokens.Authenticate(t.Context(), "secret")
				require.NoError(t, err)
				require.Equal(t, api.Identity{Actor: "ci", Organization: "o", Roles: []string{"operator"}}, identity)
			}
		})
	}
	_, err := api.ReadTokensFile(filepath.Join(t.TempDir(), "none.json"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
