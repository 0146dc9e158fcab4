package activities

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/signature"
	"github.com/initkoa/orgo/schemas"
)

// signer is a key that a keyring trusts under the name "k".
func signer(t *testing.T) (ed25519.PrivateKey, signature.Keyring) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	file, err := json.Marshal(map[string]any{"keys": []any{map[string]any{
		"key_id": "k", "alg": "ed25519", "public_key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
	}}})
	require.NoError(t, err)
	ring, err := signature.ParseKeyring(file)
	require.NoError(t, err)
	return private, ring
}

// What a policy asks of signatures it asks of what was found on the output itself.
func TestSignedOutputsReachTheIntegrityGate(t *testing.T) {
	t.Parallel()
	private, ring := signer(t)
	store, err := artifacts.Open(t.Context(), "file://"+filepath.Join(t.TempDir(), "artifacts"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	a := New(Options{Artifacts: store, Log: slog.New(slog.DiscardHandler), Trust: mandate.Trust{Keys: ring}})
	builtin, err := schemas.BuiltinContractSet()
	require.NoError(t, err)
	validators, err := builtin.Validators()
	require.NoError(t, err)
	set := &contractSet{set: builtin, validators: validators}

	signed, err := signature.Sign([]byte(`{"a":1}`), "k", private)
	require.NoError(t, err)
	forged := append([]byte(`{"b":2,`), signed[1:]...)
	rules, err := gates.Policy{Digest: records.DigestOf([]byte("p")), Rules: []gates.Rule{{
		ID: "p/signed", Type: "integrity", Enforcement: gates.Must, Config: []byte(`{"signed": ["exchange-manifest"], "signers": ["k"]}`),
	}}}.Compile()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		document []byte
		want     []gates.SignatureEvidence
		refused  []gates.Code
	}{
		"signed":   {signed, []gates.SignatureEvidence{{KeyID: "k", Valid: true}}, nil},
		"changed":  {forged, []gates.SignatureEvidence{{KeyID: "k", Valid: false}}, []gates.Code{gates.SignatureInvalid}},
		"unsigned": {[]byte(`{"a":1}`), nil, []gates.Code{gates.SignatureMissing}},
		"no list":  {[]byte(`{"a":1,"signatures":null}`), []gates.SignatureEvidence{{}}, []gates.Code{gates.SignatureInvalid, gates.SignerNotAllowed}},
		"no json":  {[]byte(`{`), nil, []gates.Code{gates.SignatureMissing}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ref, err := store.PutBytes(t.Context(), records.MediaJSON, c.document)
			require.NoError(t, err)
			evidence, err := a.reader.output(t.Context(), set, records.Artifact{Name: records.OutExchangeManifest, Ref: ref}, records.OutputSpec{Role: records.RoleValidationReport})
			require.NoError(t, err)
			require.Equal(t, c.want, evidence.Signatures)
			require.EqualValues(t, 1, evidence.Documents)
			decision := gates.Integrity(gates.Context{
				Subject: gates.Subject{BuildID: "b", Stage: records.Compile, Generation: 1}, Rules: rules, Evaluator: gates.EvaluatorVersion,
			}, gates.Evidence{Stage: records.Compile, Declared: 1, Outputs: []gates.OutputEvidence{evidence}})
			var refused []gates.Code
			for _, f := range decision.Findings {
				if f.RuleID == "p/signed" && f.Verdict != gates.Pass {
					refused = append(refused, f.Code)
				}
			}
			require.Equal(t, c.refused, refused)
		})
	}
}

// The API refuses such bundles first. A build that comes by another way meets this.
func TestPinningIsTheSecondLock(t *testing.T) {
	t.Parallel()
	_, ring := signer(t)
	store, err := artifacts.Open(t.Context(), "file://"+filepath.Join(t.TempDir(), "artifacts"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	a := New(Options{Artifacts: store, Log: slog.New(slog.DiscardHandler), Trust: mandate.Trust{Keys: ring}})
	for name, c := range map[string]struct {
		bundle string
		code   gates.Code
	}{
		"unknown rule":  {`policies: [{policy_id: p, version: 1.0.0, name: n, enforcement: MUST, rules: [{rule_id: r, type: vibes}]}]`, gates.PolicyInvalid},
		"bad signature": {`policies: [{policy_id: p, version: 1.0.0, name: n, enforcement: MUST, rules: [{rule_id: r, type: integrity}]}]` + "\nsignatures: [{key_id: k, alg: ed25519, signature: AA}]", gates.PolicyUnsigned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			head := "schema_version: 1.0.0\nkind: mandate_bundle\nbundle_id: b\ncreated_at: 2026-03-01T00:00:00Z\n" +
				"issuer: {organization_id: 00000000-0000-4000-8000-000000000001, issuer_id: i}\nmandate: {mandate_id: m, name: n}\n"
			ref, err := store.PutBytes(t.Context(), "application/yaml", []byte(head+c.bundle))
			require.NoError(t, err)
			var pins records.Pins
			_, err = a.pinPolicy(t.Context(), records.BuildRequest{Policy: ref}, &pins)
			var failure *runner.Failure
			require.ErrorAs(t, err, &failure)
			require.Equal(t, c.code, failure.Code)
			require.True(t, failure.Final)
			var problems []mandate.Problem
			require.NoError(t, json.Unmarshal(failure.Details, &problems))
			require.Positive(t, problems[0].Line)
			require.Zero(t, pins.Policy)
		})
	}
}
