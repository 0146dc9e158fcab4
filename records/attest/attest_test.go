package attest_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/attest"
)

func signer(t testing.TB) *attest.Signer {
	t.Helper()
	text, err := attest.Generate(rand.Reader)
	require.NoError(t, err)
	s, err := attest.ParseSigner(text)
	require.NoError(t, err)
	return s
}

func keys(signers ...*attest.Signer) map[string]attest.Key {
	known := map[string]attest.Key{}
	for _, s := range signers {
		known[s.Key().ID()] = s.Key()
	}
	return known
}

func ref(content string) records.Ref {
	return records.Ref{Digest: records.DigestOf([]byte(content)), MediaType: records.MediaJSON, Size: int64(len(content))}
}

// record is that of a build that passed.
func record() records.BuildRecord {
	exchange, manifest, pins := ref("exchange"), ref("manifest"), ref("pins")
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return records.BuildRecord{
		Organization: records.DefaultOrganization, BuildID: "5f0c1c5e-0000-8000-8000-000000000000",
		CreatedAt: at, EndedAt: at.Add(time.Second), State: records.BuildPassed, Codes: []string{},
		Trigger: records.Trigger{Type: records.TriggerManual, Actor: "ada lovelace", Reason: "because"},
		Request: ref("request"), MandateBundle: ref("policy"), PinsRef: &pins, Snapshot: ref("snapshot"),
		Pins: &records.Pins{Pipeline: ref("pipeline"), Contracts: ref("contracts"), Stages: []records.PinnedStage{
			{Stage: records.Ingest, Config: ref("config")},
		}},
		Decisions: []json.RawMessage{json.RawMessage(`{"gate":"integrity","inputs":{"outputs":[]},"verdict":"PASS"}`),
			json.RawMessage(`{"actor":"Ada","gate":"provenance","inputs":{"requester":"Ada"},"override":{"actor":"Ada","case_id":"c","reason":"Ada asks"}}`)},
		Outputs: records.BuildOutputs{
			Validation: records.ValidationOutput{Report: ref("report"), Status: records.StagePass},
			Exchange:   &exchange, RuntimePack: &manifest,
			PackFiles: []records.Artifact{{Name: "entities.jsonl", Ref: ref("entities")}},
		},
		Toolchain: records.Toolchain{OrgoVersion: "1.0.0"}, Environment: records.Environment{Name: "test"},
		Hash: records.DigestOf([]byte("record")),
	}
}

func signed(t testing.TB, s *attest.Signer) [][]byte {
	t.Helper()
	statements, err := attest.OfBuild(record())
	require.NoError(t, err)
	var bundles [][]byte
	for _, statement := range statements {
		bundle, err := s.Sign(statement)
		require.NoError(t, err)
		bundles = append(bundles, bundle)
	}
	return bundles
}

func TestBundlesSayWhatWasMade(t *testing.T) {
	t.Parallel()
	s := signer(t)
	bundles := signed(t, s)
	require.Equal(t, bundles, signed(t, s), "signing again yields the same bundle")

	statement, key, err := attest.Verify(bundles[0], keys(signer(t), s))
	require.NoError(t, err)
	require.Equal(t, s.Key().ID(), key.ID())
	require.Equal(t, attest.PredicateProvenance, statement.PredicateType)
	var names []string
	for _, subject := range statement.Subject {
		names = append(names, subject.Name)
	}
	require.Equal(t, []string{"build_record", "exchange", "runtime_pack_manifest", "runtime_pack/" + ref("entities").Digest.Value}, names)
	require.Equal(t, record().Outputs.Exchange.Digest.Value, statement.Subject[1].Digest["sha256"])
	var provenance attest.Provenance
	require.NoError(t, json.Unmarshal(statement.Predicate, &provenance))
	require.Len(t, provenance.BuildDefinition.ResolvedDependencies, 6)

	statement, _, err = attest.Verify(bundles[1], keys(s))
	require.NoError(t, err)
	require.Equal(t, attest.PredicateDecisions, statement.PredicateType)
	var decisions attest.Decisions
	require.NoError(t, json.Unmarshal(statement.Predicate, &decisions))
	require.JSONEq(t, `{"gate":"integrity","verdict":"PASS"}`, string(decisions.Decisions[0]))
	require.JSONEq(t, `{"gate":"provenance","override":{"case_id":"c"}}`, string(decisions.Decisions[1]), "what is attested cannot be erased")

	for _, bundle := range bundles {
		require.NotContains(t, string(bundle), "lovelace", "what may have to be erased is in no attestation")
	}
}

func TestKeysAreRead(t *testing.T) {
	t.Parallel()
	s := signer(t)
	key, err := attest.ParseKey(s.Key().PEM())
	require.NoError(t, err)
	require.Equal(t, s.Key().ID(), key.ID())
	for _, text := range []string{"", "x", s.Key().PEM() + "more", strings.Replace(s.Key().PEM(), "PUBLIC", "PRIVATE", 2)} {
		_, err := attest.ParseKey(text)
		require.Error(t, err)
	}
	_, err = attest.ParseSigner(s.Key().PEM())
	require.ErrorContains(t, err, "PKCS #8")
}

func TestWrongKeysAreRefused(t *testing.T) {
	t.Parallel()
	mine, other := signer(t), signer(t)
	bundle := signed(t, mine)[0]
	var bad *attest.BadBundle
	_, _, err := attest.Verify(bundle, keys(other))
	require.ErrorAs(t, err, &bad)
	// The key's name alone is not enough.
	_, _, err = attest.Verify(bundle, map[string]attest.Key{mine.Key().ID(): other.Key()})
	require.ErrorContains(t, err, "is not one of key")
}

// TestNoByteCanBeChanged changes single bytes anywhere, to anything.
func TestNoByteCanBeChanged(t *testing.T) {
	t.Parallel()
	s := signer(t)
	bundles := signed(t, s)
	random := mathrand.New(mathrand.NewPCG(1, 2))
	for range 1000 {
		bundle := append([]byte{}, bundles[random.IntN(len(bundles))]...)
		at := random.IntN(len(bundle))
		was := bundle[at]
		bundle[at] ^= byte(1 + random.IntN(255))
		_, _, err := attest.Verify(bundle, keys(s))
		var bad *attest.BadBundle
		require.True(t, errors.As(err, &bad), "byte %d from %q to %q was accepted", at, was, bundle[at])
	}
}

// TestAnIndependentToolVerifies has @sigstore/verify verify the bundles. It needs
// node, and ORGO_SIGSTORE, the directory with the installed modules; in CI it must
// not skip.
func TestAnIndependentToolVerifies(t *testing.T) {
	t.Parallel()
	modules := os.Getenv("ORGO_SIGSTORE")
	if modules == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("ORGO_SIGSTORE is not set")
		}
		t.Skip("SKIPPED, NOT VERIFIED INDEPENDENTLY: run \"npm ci\" in a copy of records/attest/testdata/sigstore and set ORGO_SIGSTORE to it")
	}
	s := signer(t)
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	check := func(key *attest.Signer, bundles ...string) (string, error) {
		args := append([]string{filepath.Join(modules, "verify.js"), write("key.pem", []byte(key.Key().PEM()))}, bundles...)
		out, err := exec.Command("node", args...).CombinedOutput()
		return string(out), err
	}
	bundles := signed(t, s)
	provenance, decisions := write("provenance.json", bundles[0]), write("decisions.json", bundles[1])
	out, err := check(s, provenance, decisions)
	require.NoError(t, err, out)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 2)
	require.Contains(t, lines[0], attest.PredicateProvenance)
	require.Contains(t, lines[1], attest.PredicateDecisions)

	out, err = check(signer(t), provenance)
	require.Error(t, err, "another key's: %s", out)
	changed := strings.Replace(string(bundles[0]), `"payload":"ey`, `"payload":"fy`, 1)
	require.NotEqual(t, string(bundles[0]), changed)
	out, err = check(s, write("changed.json", []byte(changed)))
	require.Error(t, err, "a changed payload: %s", out)
}
