package mandate_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/signature"
	"github.com/initkoa/orgo/schemas"
)

const good = `schema_version: 1.0.0
kind: mandate_bundle
bundle_id: test
created_at: 2026-03-01T00:00:00Z
issuer: {organization_id: 00000000-0000-4000-8000-000000000001, issuer_id: me}
mandate: {mandate_id: m, name: n}
policies:
  - policy_id: p
    version: 1.0.0
    name: P
    enforcement: MUST
    rules:
      - rule_id: status
        type: validation
        config:
          admit: [passed]
      - rule_id: size
        type: integrity
        config: {max_bytes: 100}
`

// keyring returns a key and what trusts it under the name "k".
func keyring(t *testing.T, require_ bool) (crypto.Signer, mandate.Trust) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	file, err := json.Marshal(map[string]any{"require": require_, "keys": []any{map[string]any{
		"key_id": "k", "alg": "ed25519", "public_key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
	}}})
	require.NoError(t, err)
	ring, err := signature.ParseKeyring(file)
	require.NoError(t, err)
	return private, mandate.Trust{Keys: ring}
}

func TestReadGood(t *testing.T) {
	t.Parallel()
	bundle, err := mandate.Read([]byte(good), mandate.Trust{})
	require.NoError(t, err)
	require.Equal(t, records.DigestOf(bundle.Canonical), bundle.Digest)
	require.Equal(t, bundle.Digest, bundle.Policy.Digest)
	require.True(t, bundle.Rules.Has(gates.GateValidation))
	require.Equal(t, []records.PolicyVersion{{PolicyID: "p", Version: "1.0.0"}}, bundle.Policies())

	document, err := schemas.DecodeYAML([]byte(good))
	require.NoError(t, err)
	again, err := mandate.Read(document, mandate.Trust{})
	require.NoError(t, err)
	require.Equal(t, bundle.Digest, again.Digest, "YAML and JSON are one bundle")
}

// Each fault is planted into a good bundle; it must be found where it stands.
func TestReadSaysWhere(t *testing.T) {
	t.Parallel()
	type found struct {
		Line, Column int
		Pointer      string
	}
	for name, c := range map[string]struct {
		replace [2]string
		want    []found
	}{
		"not yaml":           {[2]string{"kind: mandate_bundle", "kind: ["}, nil},
		"a key twice":        {[2]string{"kind: mandate_bundle", "kind: mandate_bundle\nkind: x"}, []found{{3, 1, "/kind"}}},
		"another kind":       {[2]string{"kind: mandate_bundle", "kind: bundle"}, []found{{2, 1, "/kind"}}},
		"a member missing":   {[2]string{"bundle_id: test\n", ""}, []found{{1, 1, ""}}},
		"unknown member":     {[2]string{"bundle_id: test", "bundle_id: test\nextra: 1"}, []found{{4, 1, "/extra"}}},
		"unknown type":       {[2]string{"type: integrity", "type: vibes"}, []found{{18, 9, "/policies/0/rules/1/type"}}},
		"unknown key":        {[2]string{"admit: [passed]", "admit: [passed]\n          admitt: 1"}, []found{{17, 11, "/policies/0/rules/0/config/admitt"}}},
		"a bad item":         {[2]string{"[passed]", "[passed, failed]"}, []found{{16, 27, "/policies/0/rules/0/config/admit/1"}}},
		"a key that is gone": {[2]string{"          admit: [passed]", "          max_by_code: {A: 1}"}, []found{{15, 9, "/policies/0/rules/0/config/admit"}}},
		"enforcement":        {[2]string{"MUST", "WILL"}, []found{{7, 1, "/policies"}, {11, 5, "/policies/0/enforcement"}}},
		"never refuses":      {[2]string{"MUST", "MAY"}, []found{{7, 1, "/policies"}}},
		"all at once": {[2]string{"max_bytes: 100", "max_bytes: -1}\n  - policy_id: q\n    version: x\n    name: Q\n    enforcement: MUST\n    rules:\n      - {rule_id: r, type: vibes"},
			[]found{{19, 18, "/policies/0/rules/1/config/max_bytes"}, {21, 5, "/policies/1/version"}, {25, 22, "/policies/1/rules/0/type"}}},
		"an integer too large": {[2]string{"max_bytes: 100", "max_bytes: 9007199254740993"}, []found{{19, 18, "/policies/0/rules/1/config/max_bytes"}}},
		"content_hash":         {[2]string{"kind:", "content_hash: {alg: sha256, value: " + strings.Repeat("a", 64) + "}\nkind:"}, []found{{2, 1, "/content_hash"}}},
		"an unknown signature": {[2]string{"kind:", "signatures: [{key_id: eve, alg: ed25519, signature: AA}]\nkind:"}, []found{{2, 15, "/signatures/0/key_id"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, good, c.replace[0])
			_, err := mandate.Read([]byte(strings.Replace(good, c.replace[0], c.replace[1], 1)), mandate.Trust{})
			var refused *mandate.Error
			require.ErrorAs(t, err, &refused)
			var have []found
			for _, p := range refused.Problems {
				have = append(have, found{p.Line, p.Column, p.Pointer})
				require.NotEmpty(t, p.Message)
				require.Positive(t, p.Line)
				require.Positive(t, p.Column)
			}
			if c.want != nil {
				require.Equal(t, c.want, have, refused.Error())
			}
		})
	}
	for _, nonsense := range []string{"", "1", "[]", "null", "{}", "\x00", "policies: x", "signatures: 1"} {
		_, err := mandate.Read([]byte(nonsense), mandate.Trust{})
		var refused *mandate.Error
		require.ErrorAs(t, err, &refused, nonsense)
		require.Equal(t, gates.PolicyInvalid, refused.Code)
		require.NotEmpty(t, refused.Problems)
	}
}

func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	var rules strings.Builder
	for range 500 {
		rules.WriteString("      - {rule_id: size, type: vibes}\n")
	}
	_, err := mandate.Read([]byte(good+rules.String()), mandate.Trust{})
	var refused *mandate.Error
	require.ErrorAs(t, err, &refused)
	require.Len(t, refused.Problems, 100)
	require.Equal(t, 900, refused.More, "each has an id twice and an unknown type")
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	private, trust := keyring(t, true)
	document, err := schemas.DecodeYAML([]byte(good))
	require.NoError(t, err)
	signed, err := signature.Sign(document, "k", private)
	require.NoError(t, err)
	bundle, err := mandate.Read(signed, trust)
	require.NoError(t, err)
	require.Equal(t, []string{"k"}, bundle.Signers)

	_, stranger := keyring(t, false)
	for name, c := range map[string]struct {
		sent    []byte
		trust   mandate.Trust
		pointer string
	}{
		"none, required":                    {document, trust, ""},
		"an empty list, required":           {[]byte(good + "signatures: []\n"), trust, ""},
		"of an untrusted key, not required": {signed, stranger, "/signatures/0/signature"},
		"nobody is trusted":                 {signed, mandate.Trust{}, "/signatures/0/key_id"},
		"changed since":                     {[]byte(strings.Replace(string(signed), `"max_bytes":100`, `"max_bytes":101`, 1)), trust, "/signatures/0/signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mandate.Read(c.sent, c.trust)
			var refused *mandate.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, gates.PolicyUnsigned, refused.Code)
			require.Equal(t, c.pointer, refused.Problems[0].Pointer, refused.Error())
		})
	}
	_, err = mandate.Read(signed, mandate.Trust{Unknown: true})
	require.NoError(t, err, "signatures that are not looked at")
}

// Whatever is sent, Read ends with a good bundle or says what is wrong and where.
func FuzzRead(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(good + "signatures: [{key_id: k, alg: ed25519, signature: AA}]"))
	f.Add([]byte("{\"policies\": [{\t\"rules\": [{\"type\": \"\\ud83d\\ude00\"}]}]}"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("? [a]\n: 1"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		bundle, err := mandate.Read(sent, mandate.Trust{})
		if err == nil {
			require.True(t, bundle.Digest.Valid())
			return
		}
		var refused *mandate.Error
		require.ErrorAs(t, err, &refused)
		require.NotEmpty(t, refused.Problems)
		lines := strings.Count(string(sent), "\n") + strings.Count(string(sent), "\r") + 1
		for _, p := range refused.Problems {
			require.True(t, p.Line >= 1 && p.Column >= 1, "%+v", p)
			require.LessOrEqual(t, p.Line, lines+1, "%+v", p)
			require.NotEmpty(t, p.Message)
		}
	})
}
