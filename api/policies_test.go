package api_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/api/control"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/signature"
	"github.com/initkoa/orgo/records/store"
)

const bundleText = `schema_version: 1.0.0
kind: mandate_bundle
bundle_id: mine
created_at: 2026-03-01T00:00:00Z
issuer: {organization_id: 00000000-0000-4000-8000-000000000001, issuer_id: me}
mandate: {mandate_id: m, name: n}
policies:
  - policy_id: p
    version: 1.0.0
    name: P
    enforcement: MUST
    rules:
      - {rule_id: r, type: integrity, config: {max_bytes: 100}}
`

func TestPolicyRegister(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	first, err := c.RegisterPolicy(t.Context(), client.RegisterPolicy{Policy: client.PolicyText([]byte(bundleText)), Reason: "first"})
	require.NoError(t, err)
	require.True(t, first.New)
	require.Equal(t, "mine", first.BundleID)
	require.Equal(t, "alice", first.RegisteredBy)

	again, err := c.RegisterPolicy(t.Context(), client.RegisterPolicy{Policy: client.PolicyText([]byte("# a comment\n" + bundleText)), Reason: "second"})
	require.NoError(t, err)
	require.False(t, again.New, "the same content is one registration")
	require.Equal(t, "first", again.Reason)
	require.Equal(t, first.Digest, again.Digest)

	second, err := c.RegisterPolicy(t.Context(), client.RegisterPolicy{Policy: client.PolicyText([]byte(strings.ReplaceAll(bundleText, "100", "200")))})
	require.NoError(t, err)
	require.NotEqual(t, first.Digest, second.Digest)
	list, err := c.Policies(t.Context(), 0, "")
	require.NoError(t, err)
	require.Len(t, list.Policies, 2, "both versions are listed")
	require.Equal(t, second.Digest, list.Policies[0].Digest)
	page, err := c.Policies(t.Context(), 1, "")
	require.NoError(t, err)
	page, err = c.Policies(t.Context(), 1, page.Next)
	require.NoError(t, err)
	require.Equal(t, first.Digest, page.Policies[0].Digest)
	require.Empty(t, page.Next)

	history, err := s.Store.Entries(t.Context(), records.DefaultOrganization,
		records.Subject{Kind: records.SubjectPolicy, ID: records.PolicyID(records.DefaultOrganization, "mine")}, store.EntryQuery{})
	require.NoError(t, err)
	require.Len(t, history, 2)
	require.Equal(t, "orgo.policy.registered", history[0].Type)

	// A build may name it; another organization may not, though the content is there.
	digest, err := records.ParseDigest(first.Digest)
	require.NoError(t, err)
	body := oneInput()
	body.Policy = client.PolicyDigest(digest)
	view, err := c.Start(t.Context(), body, "named")
	require.NoError(t, err)
	var request records.BuildRequest
	data, err := s.Artifacts.ReadAll(t.Context(), view.Request, 1<<20)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &request))
	require.Equal(t, digest, request.Policy.Digest)
	bob, err := client.New(client.Options{URL: s.URL, Token: apitest.TokenBob})
	require.NoError(t, err)
	_, err = bob.Start(t.Context(), body, "named")
	requireProblem(t, err, "NOT_FOUND", "")
	list, err = bob.Policies(t.Context(), 0, "")
	require.NoError(t, err)
	require.Empty(t, list.Policies)
}

func requireProblem(t *testing.T, err error, code, location string) {
	t.Helper()
	var problem *client.Problem
	require.ErrorAs(t, err, &problem)
	require.Equal(t, code, problem.ReasonCode, problem.Error())
	if location != "" {
		require.Equal(t, location, problem.Errors[0].Location)
	}
}

func TestBadPoliciesAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	require.NoError(t, err)
	file, err := json.Marshal(map[string]any{"require": true, "keys": []any{map[string]any{
		"key_id": "k", "alg": "ed25519", "public_key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
	}}})
	require.NoError(t, err)
	ring, err := signature.ParseKeyring(file)
	require.NoError(t, err)
	s := apitest.New(t, func(config *api.Config) {
		policies := config.Policies.(control.Policies)
		policies.Trust = mandate.Trust{Keys: ring}
		config.Policies = policies
	})
	c := s.Client(t)
	bad := client.PolicyText([]byte(strings.ReplaceAll(bundleText, "max_bytes", "max_byte")))
	for name, attempt := range map[string]func(policy json.RawMessage) error{
		"start": func(policy json.RawMessage) error {
			body := oneInput()
			body.Policy = policy
			_, err := c.Start(t.Context(), body, "bad")
			return err
		},
		"register": func(policy json.RawMessage) error {
			_, err := c.RegisterPolicy(t.Context(), client.RegisterPolicy{Policy: policy})
			return err
		},
		"backtest": func(policy json.RawMessage) error {
			_, err := c.Backtest(t.Context(), client.BacktestPolicy{Policy: policy})
			return err
		},
	} {
		err := attempt(bad)
		requireProblem(t, err, "POLICY_INVALID", "body.policy")
		var problem *client.Problem
		require.ErrorAs(t, err, &problem)
		require.Equal(t, 422, problem.Status)
		require.Contains(t, problem.Error(), "line 13, column 48", name)
		requireProblem(t, attempt(client.PolicyText([]byte(bundleText))), "POLICY_SIGNATURE_INVALID", "body.policy")
		requireProblem(t, attempt(nil), map[bool]string{true: "POLICY_SIGNATURE_INVALID", false: "REQUEST_INVALID"}[name == "start"], "")
		requireProblem(t, attempt(json.RawMessage(`"sha256:00"`)), "REQUEST_INVALID", "body.policy")
	}
	require.Zero(t, s.Builds.Starts(), "no build was started")
	signed, err := signature.Sign(must(mandate.Read([]byte(bundleText), mandate.Trust{}))(t).Canonical, "k", private)
	require.NoError(t, err)
	registered, err := c.RegisterPolicy(t.Context(), client.RegisterPolicy{Policy: signed})
	require.NoError(t, err)
	require.Equal(t, []string{"k"}, registered.Signers)
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		require.NoError(t, err)
		return value
	}
}

func TestBacktest(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	own := must(mandate.Read([]byte(bundleText), mandate.Trust{}))(t)
	now := activities.SystemClock{}.Now()
	for i, size := range []int64{50, 100, 150} {
		at := now.Add(time.Duration(i-3) * time.Hour)
		ref := records.Ref{Digest: records.DigestOf([]byte("x")), MediaType: records.MediaJSON, Size: size}
		subject := gates.Subject{BuildID: records.BuildID(records.DefaultOrganization, at.String()), Stage: records.Ingest, Generation: 1}
		decision := gates.Integrity(gates.Context{Subject: subject, Rules: own.Rules, At: at, Actor: "orgo", Evaluator: gates.EvaluatorVersion}, gates.Evidence{
			Stage: records.Ingest, Declared: 1,
			Outputs: []gates.OutputEvidence{{Artifact: records.Artifact{Name: records.OutSnapshot, Ref: ref}, Found: ref.Digest, Read: size}},
		})
		entry, err := records.NewEntry(records.Entry{
			Organization: records.DefaultOrganization, Kind: records.KindDecision, Type: records.TypeGatePassed,
			Subject: records.Subject{Kind: "test", ID: subject.BuildID}, At: at, Actor: "orgo",
		}, "integrity", decision)
		require.NoError(t, err)
		_, err = s.Store.Append(t.Context(), entry)
		require.NoError(t, err)
	}
	same, err := c.Backtest(t.Context(), client.BacktestPolicy{Policy: client.PolicyText([]byte(bundleText))})
	require.NoError(t, err)
	require.Equal(t, 3, same.Decisions)
	require.Equal(t, 3, same.Identical, "under the same policy every decision is the same")
	require.Empty(t, same.Changes)

	looser, err := c.Backtest(t.Context(), client.BacktestPolicy{Policy: client.PolicyText([]byte(strings.ReplaceAll(bundleText, "100", "150")))})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"ARTIFACT_TOO_LARGE": 1}, looser.Admitted)
	stricter, err := c.Backtest(t.Context(), client.BacktestPolicy{Policy: client.PolicyText([]byte(strings.ReplaceAll(bundleText, "100", "60")))})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"ARTIFACT_TOO_LARGE": 1}, stricter.Blocked)
	require.Equal(t, "PASS", stricter.Changes[0].Before)
	require.NotEmpty(t, stricter.Changes[0].BuildID)

	since := now.Add(-150 * time.Minute)
	part, err := c.Backtest(t.Context(), client.BacktestPolicy{Policy: client.PolicyText([]byte(bundleText)), Since: &since})
	require.NoError(t, err)
	require.Equal(t, 2, part.Decisions)
	part, err = c.Backtest(t.Context(), client.BacktestPolicy{Policy: client.PolicyText([]byte(bundleText)), Limit: 1})
	require.NoError(t, err)
	require.Equal(t, 1, part.Decisions)
	part, err = c.Backtest(t.Context(), client.BacktestPolicy{Policy: client.PolicyText([]byte(bundleText)), Gate: "validation"})
	require.NoError(t, err)
	require.Zero(t, part.Decisions)
	require.Contains(t, part.Tested, "integrity", "a rule that was tried on nothing is named")
	require.Zero(t, part.Tested["integrity"])
	_, err = c.Backtest(t.Context(), client.BacktestPolicy{Policy: client.PolicyText([]byte(bundleText)), Gate: "vibes"})
	requireProblem(t, err, "REQUEST_INVALID", "body.gate")
}
