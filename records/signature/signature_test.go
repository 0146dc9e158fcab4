package signature_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/signature"
)

// publicPEM returns the public half of a key.
func publicPEM(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

type trustedKey struct {
	id, alg string
	key     crypto.Signer
}

func keys(t *testing.T) []trustedKey {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return []trustedKey{{"ed", "ed25519", ed}, {"ec", "ecdsa-p256-sha256", ec}, {"rs", "rsa-pss-sha256", rs}}
}

func ringFile(t *testing.T, of ...trustedKey) []byte {
	t.Helper()
	list := []map[string]string{}
	for _, k := range of {
		list = append(list, map[string]string{"key_id": k.id, "alg": k.alg, "public_key": publicPEM(t, k.key)})
	}
	data, err := json.Marshal(map[string]any{"require": true, "keys": list})
	require.NoError(t, err)
	return data
}

func TestEveryAlgorithmSignsAndVerifies(t *testing.T) {
	t.Parallel()
	all := keys(t)
	ring, err := signature.ParseKeyring(ringFile(t, all...))
	require.NoError(t, err)
	require.True(t, ring.Required())
	document := []byte(`{"b": [1, 2.50], "a": "x"}`)
	for i, k := range all {
		document, err = signature.Sign(document, k.id, k.key)
		require.NoError(t, err)
		checked, err := ring.Check(document)
		require.NoError(t, err)
		require.Len(t, checked, i+1, "signatures add up: none is over another")
		require.Equal(t, signature.Checked{KeyID: k.id, Valid: true}, checked[i])
	}
	// However it is written, it is the same document.
	loose := []byte(strings.ReplaceAll(string(document), ",", " ,\n"))
	checked, err := ring.Check(loose)
	require.NoError(t, err)
	require.True(t, checked[0].Valid && checked[1].Valid && checked[2].Valid)
}

// Each fault is planted into a document with a good signature.
func TestFaultsAreSeen(t *testing.T) {
	t.Parallel()
	all := keys(t)
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ring, err := signature.ParseKeyring(ringFile(t, all...))
	require.NoError(t, err)
	good, err := signature.Sign([]byte(`{"a":1,"b":2}`), "ed", all[0].key)
	require.NoError(t, err)
	change := func(field string, value any) func(map[string]any) {
		return func(document map[string]any) {
			document["signatures"].([]any)[0].(map[string]any)[field] = value
		}
	}
	for name, c := range map[string]struct {
		fault   func(map[string]any)
		pointer string
	}{
		"none":                   {func(map[string]any) {}, ""},
		"changed content":        {func(d map[string]any) { d["a"] = 2 }, "/signatures/0/signature"},
		"added content":          {func(d map[string]any) { d["c"] = 2 }, "/signatures/0/signature"},
		"removed content":        {func(d map[string]any) { delete(d, "b") }, "/signatures/0/signature"},
		"another trusted key":    {change("key_id", "ec"), "/signatures/0/alg"},
		"another alg":            {change("alg", "ecdsa-p256-sha256"), "/signatures/0/alg"},
		"alg none":               {change("alg", "none"), "/signatures/0/alg"},
		"unknown key":            {change("key_id", "eve"), "/signatures/0/key_id"},
		"no key":                 {change("key_id", ""), "/signatures/0/key_id"},
		"not base64":             {change("signature", "!"), "/signatures/0/signature"},
		"empty":                  {change("signature", ""), "/signatures/0/signature"},
		"fields: all":            {change("signed_fields", []string{"b", "a"}), ""},
		"fields: not all":        {change("signed_fields", []string{"a"}), "/signatures/0/signed_fields"},
		"fields: none":           {change("signed_fields", []string{}), "/signatures/0/signed_fields"},
		"fields: more":           {change("signed_fields", []string{"a", "b", "c"}), "/signatures/0/signed_fields"},
		"fields: itself":         {change("signed_fields", []string{"a", "b", "signatures"}), "/signatures/0/signed_fields"},
		"no list":                {func(d map[string]any) { d["signatures"] = "x" }, "/signatures"},
		"null":                   {func(d map[string]any) { d["signatures"] = nil }, "/signatures"},
		"no signature in a list": {func(d map[string]any) { d["signatures"] = []any{1} }, "/signatures/0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var document map[string]any
			require.NoError(t, json.Unmarshal(good, &document))
			c.fault(document)
			faulty, err := json.Marshal(document)
			require.NoError(t, err)
			checked, err := ring.Check(faulty)
			require.NoError(t, err)
			require.Len(t, checked, 1)
			require.Equal(t, c.pointer, checked[0].Pointer, checked[0].Problem)
			require.Equal(t, c.pointer == "", checked[0].Valid)
		})
	}
	t.Run("a stranger under a trusted name", func(t *testing.T) {
		t.Parallel()
		forged, err := signature.Sign([]byte(`{"a":1}`), "ed", stranger)
		require.NoError(t, err)
		checked, err := ring.Check(forged)
		require.NoError(t, err)
		require.False(t, checked[0].Valid)
	})
	t.Run("nobody is trusted", func(t *testing.T) {
		t.Parallel()
		checked, err := signature.Keyring{}.Check(good)
		require.NoError(t, err)
		require.False(t, checked[0].Valid)
	})
	t.Run("a member twice", func(t *testing.T) {
		t.Parallel()
		_, err := ring.Check([]byte(`{"a":1,"a":2}`))
		require.Error(t, err)
	})
	t.Run("no object", func(t *testing.T) {
		t.Parallel()
		_, err := ring.Check([]byte(`[1]`))
		require.Error(t, err)
	})
	t.Run("no signature", func(t *testing.T) {
		t.Parallel()
		checked, err := ring.Check([]byte(`{"a":1}`))
		require.NoError(t, err)
		require.Empty(t, checked)
	})
}

func TestKeyringsThatAreRefused(t *testing.T) {
	t.Parallel()
	all := keys(t)
	weak, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	public := strings.ReplaceAll(publicPEM(t, all[0].key), "\n", "\\n")
	for name, c := range map[string]struct{ file, says string }{
		"no yaml":       {"a: [", "yaml"},
		"unknown field": {`{"requires": true}`, "requires"},
		"no keys":       {`{"require": true, "keys": []}`, "no keys"},
		"no key_id":     {fmt.Sprintf(`{"keys": [{"alg": "ed25519", "public_key": "%s"}]}`, public), "no key_id"},
		"no pem":        {`{"keys": [{"key_id": "a", "alg": "ed25519", "public_key": "x"}]}`, "PEM"},
		"another alg":   {fmt.Sprintf(`{"keys": [{"key_id": "a", "alg": "rsa-pss-sha256", "public_key": "%s"}]}`, public), "ed25519"},
		"twice":         {string(ringFile(t, all[0], all[0])), "twice"},
		"another curve": {string(ringFile(t, trustedKey{"a", "ecdsa-p256-sha256", weak})), "P-256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := signature.ParseKeyring([]byte(c.file))
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestPrivateKeys(t *testing.T) {
	t.Parallel()
	for _, k := range keys(t) {
		der, err := x509.MarshalPKCS8PrivateKey(k.key)
		require.NoError(t, err)
		read, err := signature.ParsePrivate(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		require.NoError(t, err)
		require.Equal(t, k.key.Public(), read.Public())
	}
	_, err := signature.ParsePrivate([]byte("x"))
	require.ErrorContains(t, err, "PKCS #8")
}
