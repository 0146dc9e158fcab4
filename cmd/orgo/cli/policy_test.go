package cli_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
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
      - {rule_id: holidays, type: freeze_window, config: {windows: [{from: "2026-12-24T00:00:00Z", to: "2027-01-02T00:00:00Z", reason: holidays}]}}
`

const frozenCase = `name: frozen
gate: freeze
at: 2026-12-25T00:00:00Z
inputs: {kind: promote}
expect: {verdict: FAIL, reason_codes: [CHANNEL_FROZEN]}
`

// examples is where the documentation's bundle and its cases are.
const examples = "../../../docs/examples/policy"

func TestTheExampleBundleHoldsToItsCases(t *testing.T) {
	t.Parallel()
	r := run(t.Context(), "policy", "check", examples+"/policy.yaml", "-o", "json")
	require.Zero(t, r.code, r.out+r.err)
	var report struct {
		Problems, Cases []any
		Warnings        []string
		Rules           int
	}
	require.NoError(t, json.Unmarshal([]byte(r.out), &report))
	require.Empty(t, report.Problems)
	require.Empty(t, report.Warnings, "every rule is reached, and refuses, in a case")
	cases, err := filepath.Glob(examples + "/*.case.yaml")
	require.NoError(t, err)
	require.Len(t, report.Cases, len(cases))
	require.Greater(t, len(cases), 15)
	require.Greater(t, report.Rules, 12)
}

// A limit that somebody loosens in passing is caught by a case, whichever it is.
func TestTheCasesOfTheExampleSeeEachLoosening(t *testing.T) {
	t.Parallel()
	policy, err := os.ReadFile(examples + "/policy.yaml")
	require.NoError(t, err)
	for from, to := range map[string]string{
		`["file:///srv/documents/"]`:      `["file:///"]`,
		"max_bytes: 1073741824":           "max_bytes: 2073741824",
		"ENTITY_AMBIGUOUS: 10":            "ENTITY_AMBIGUOUS: 11",
		"* 100 <= issues":                 "* 9 <= issues",
		"max: 1}":                         "max: 2}",
		"downgrade: refuse":               "downgrade: admit",
		"from: \"2026-12-24":              "from: \"2026-12-26",
		"start: \"2026-03-06T16":          "start: \"2026-03-06T17",
		"quorum: 2, roles: {security: 1}": "quorum: 1",
		"max_duration: 4h":                "max_duration: 1h",
		"silence_budget: 10m":             "silence_budget: 20m",
		`alpha: "0.01", min_samples`:      `alpha: "0.01", min_effect: "0.5", min_samples`,
		"policy_id: release":              "policy_id: release\n    effective_to: 2026-03-01T12:00:00Z",
	} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, string(policy), from)
			dir := t.TempDir()
			cases, err := filepath.Glob(examples + "/*.case.yaml")
			require.NoError(t, err)
			for _, path := range cases {
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				write(t, dir, filepath.Base(path), string(text))
			}
			changed := strings.Replace(string(policy), from, to, 1)
			changed = strings.Replace(changed, "issues: 100}", "issues: 10}", 1) // a case in which the expression is false, still
			r := run(t.Context(), "policy", "check", write(t, dir, "policy.yaml", changed))
			require.Equal(t, 1, r.code, r.out)
			require.Contains(t, r.err, "POLICY_CASE_FAILED")
		})
	}
}

func TestPolicyCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		bundle, kase string
		code         int
		out, err     string
	}{
		"good":             {bundleText, frozenCase, 0, "1 of 1 cases pass", ""},
		"no case":          {bundleText, "", 0, "warning: no case reaches rule p/holidays", ""},
		"a case that pass": {bundleText, strings.NewReplacer("promote", "hold", "FAIL, reason_codes: [CHANNEL_FROZEN]", "PASS").Replace(frozenCase), 0, "warning: in no case does rule p/holidays refuse", ""},
		"bad bundle":       {strings.Replace(bundleText, "windows", "window", 1), frozenCase, 1, "policy.yaml:13:59: /policies/0/rules/0/config/window", "POLICY_INVALID"},
		"case fails":       {bundleText, strings.Replace(frozenCase, "12-25", "11-25", 1), 1, "a.case.yaml:5:10: /expect/verdict: expected FAIL [CHANNEL_FROZEN], decided PASS []", "POLICY_CASE_FAILED"},
		"bad case":         {bundleText, strings.Replace(frozenCase, "freeze", "frieze", 1), 1, "a.case.yaml:2:1: /gate", "POLICY_CASE_FAILED"},
		"bad evidence":     {bundleText, strings.Replace(frozenCase, "kind:", "kinds:", 1), 1, "a.case.yaml:4:10: /inputs/kinds", "POLICY_CASE_FAILED"},
		"bad signature":    {bundleText + "signatures: []\n", frozenCase, 0, "warning: signatures are not checked", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tc.kase != "" {
				write(t, dir, "a.case.yaml", tc.kase)
			}
			r := run(t.Context(), "policy", "check", write(t, dir, "policy.yaml", tc.bundle))
			require.Equal(t, tc.code, r.code, r.out+r.err)
			require.Contains(t, r.out, tc.out)
			require.Contains(t, r.err, tc.err)
		})
	}
}

func TestPolicySign(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	key := write(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	der, err = x509.MarshalPKIXPublicKey(private.Public())
	require.NoError(t, err)
	public := strings.ReplaceAll(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "\n", "\n      ")
	keys := write(t, dir, "keys.yaml", fmt.Sprintf("require: true\nkeys:\n  - key_id: k\n    alg: ed25519\n    public_key: |\n      %s\n", public))
	plain := write(t, dir, "plain/policy.yaml", bundleText)

	r := run(t.Context(), "policy", "check", plain, "--policy-keys", keys)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "POLICY_SIGNATURE_INVALID")

	r = run(t.Context(), "policy", "sign", plain, "--key", key, "--key-id", "k")
	require.Zero(t, r.code, r.err)
	signed := write(t, dir, "signed/policy.json", r.out)
	r = run(t.Context(), "policy", "check", signed, "--policy-keys", keys)
	require.Zero(t, r.code, r.out+r.err)

	forged := write(t, dir, "forged/policy.json", strings.Replace(string(must(os.ReadFile(signed))(t)), "2026-12-24", "2026-12-31", 1))
	r = run(t.Context(), "policy", "check", forged, "--policy-keys", keys)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.out, "/signatures/0/signature")
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		require.NoError(t, err)
		return value
	}
}

func TestPolicyOnAServer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := t.TempDir()
	file := write(t, dir, "policy.yaml", bundleText)
	var registered client.RegisteredPolicy
	b.must(t, &registered, "policy", "register", file, "--reason", "because")
	require.True(t, registered.New)
	r := b.orgo(t, "policy", "register", file)
	require.Zero(t, r.code)
	require.Contains(t, r.out, "was registered by alice")
	r = b.orgo(t, "policy", "list")
	require.Contains(t, r.out, registered.Digest)
	require.Contains(t, r.out, "p 1.0.0")

	r = b.orgo(t, "build", "start", "--input", "/data", "--policy", registered.Digest)
	require.Zero(t, r.code, r.err)
	r = b.orgo(t, "policy", "backtest", file)
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "decisions made again")

	bad := write(t, dir, "bad.yaml", strings.Replace(bundleText, "windows", "window", 1))
	for _, command := range [][]string{{"build", "start", "--input", "/data", "--policy"}, {"policy", "register"}, {"policy", "backtest"}} {
		r = b.orgo(t, append(command, bad)...)
		require.Equal(t, 1, r.code)
		require.Contains(t, r.err, "POLICY_INVALID")
		require.Contains(t, r.err, "bad.yaml:13:59: /policies/0/rules/0/config/window: line 13, column 59", "it says where in the file")
	}

	r = b.orgo(t, "policy", "diff", registered.Digest, file)
	require.Zero(t, r.code, r.err)
	looser := write(t, dir, "looser.yaml", strings.Replace(bundleText, "MUST", "MUST\n    effective_to: 2026-12-24T00:00:00Z", 1))
	r = b.orgo(t, "policy", "diff", registered.Digest, looser)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.out, "policy p/effective_to added (looser)\n  + \"2026-12-24T00:00:00Z\"")
	require.Empty(t, r.err)
	r = b.orgo(t, "policy", "diff", bad, file)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "bad.yaml:13:59")
	r = b.orgo(t, "build", "start", "--input", "/data", "--policy", "sha256:"+strings.Repeat("0", 64))
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "NOT_FOUND")
}

func TestPolicyBadUsage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := t.TempDir()
	file := write(t, dir, "policy.yaml", bundleText)
	for name, tc := range map[string]struct {
		args    []string
		message string
	}{
		"check nothing":       {[]string{"policy", "check"}, "one policy bundle file"},
		"check no file":       {[]string{"policy", "check", dir + "/none.yaml"}, "none.yaml"},
		"no keys":             {[]string{"policy", "check", file, "--policy-keys", dir + "/none.yaml"}, "none.yaml"},
		"bad keys":            {[]string{"policy", "check", file, "--policy-keys", file}, "policy keys"},
		"register no file":    {[]string{"policy", "register", dir + "/none.yaml"}, "none.yaml"},
		"diff one":            {[]string{"policy", "diff", file}, "two policy bundles"},
		"diff no digest":      {[]string{"policy", "diff", file, "sha256:00"}, "sha256:00"},
		"backtest since when": {[]string{"policy", "backtest", file, "--since", "yesterday"}, "--since"},
		"backtest below zero": {[]string{"policy", "backtest", file, "--limit", "-1"}, "--limit"},
		"list below zero":     {[]string{"policy", "list", "--limit", "-1"}, "--limit"},
		"sign without a key":  {[]string{"policy", "sign", file}, "--key FILE"},
		"sign with no key":    {[]string{"policy", "sign", file, "--key", file, "--key-id", "k"}, "PKCS #8"},
		"start with none":     {[]string{"build", "start", "--input", "/x", "--policy", "sha256:00"}, "sha256:00"},
		"unknown verb":        {[]string{"policy", "approve"}, `no command "approve"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := b.orgo(t, tc.args...)
			require.Equal(t, 2, r.code, r.out+r.err)
			require.Contains(t, r.err, tc.message)
		})
	}
}
