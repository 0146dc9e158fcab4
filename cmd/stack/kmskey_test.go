package stack_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/cmd/stack"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/attest"
	"github.com/initkoa/orgo/records/store"
)

// TestMain builds the plugin of a KMS and puts it on PATH.
func TestMain(m *testing.M) { os.Exit(withPlugin(m)) }

func withPlugin(m *testing.M) int {
	dir, err := os.MkdirTemp("", "orgo-kms-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir, "./testdata/sigstore-kms-orgotest")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the plugin:", err)
		return 1
	}
	if err := os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// keep writes a key where the plugin finds it.
func keep(t *testing.T, key crypto.Signer) (path string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	path = filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return path
}

func onCurve(t *testing.T, curve elliptic.Curve) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return keep(t, key)
}

func TestAKeyInAKMSAttests(t *testing.T) {
	t.Parallel()
	path := onCurve(t, elliptic.P256())
	signer, err := stack.OpenSigningKey(t.Context(), "orgotest://ok"+path, stack.SigningPatience)
	require.NoError(t, err)
	bundle, err := signer.Sign(attest.Statement{Type: attest.StatementType, PredicateType: attest.PredicateDecisions, Predicate: json.RawMessage(`{}`)})
	require.NoError(t, err)

	file, err := stack.OpenSigningKey(t.Context(), path, 0)
	require.NoError(t, err)
	require.Equal(t, file.Key().ID(), signer.Key().ID(), "the same key, by its file")
	statement, _, err := attest.Verify(bundle, map[string]attest.Key{file.Key().ID(): file.Key()})
	require.NoError(t, err)
	require.Equal(t, attest.PredicateDecisions, statement.PredicateType)
}

// TestAKeyInAKMSIsAnnounced opens what a worker opens.
func TestAKeyInAKMSIsAnnounced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	settings := stack.Settings{
		Store: store.SQLiteDSN(filepath.Join(dir, "orgo.db")), Artifacts: "file://" + dir, Organization: records.DefaultOrganization,
		SigningKey: "orgotest://ok" + onCurve(t, elliptic.P256()), Observer: stack.NewObserver(log), Log: log,
	}
	require.NoError(t, stack.Migrate(t.Context(), settings.Store))
	for range 2 { // a worker that starts again announces nothing new
		k, err := stack.Open(t.Context(), settings)
		require.NoError(t, err)
		signer, err := stack.OpenSigningKey(t.Context(), settings.SigningKey, stack.SigningPatience)
		require.NoError(t, err)
		entries, err := k.Store().Entries(t.Context(), records.DefaultOrganization,
			records.Subject{Kind: records.SubjectKey, ID: signer.Key().ID()}, store.EntryQuery{})
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.Equal(t, records.TypeKeyAnnounced, entries[0].Type)
		require.Contains(t, string(entries[0].Body), `"purpose":"attestation"`)
		require.NoError(t, k.Close())
	}
}

func TestKeysOfAKMSAreRefused(t *testing.T) {
	t.Parallel()
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	p256 := onCurve(t, elliptic.P256())
	short := 500 * time.Millisecond
	for name, test := range map[string]struct {
		url      string
		patience time.Duration
		says     []string
	}{
		"no plugin":            {"nobody://key", 0, []string{"nobody://key: open", "install", "sigstore-kms-nobody", "PATH"}},
		"a path as scheme":     {"../../bin/sh://key", 0, []string{"SCHEME://KEY"}},
		"no scheme":            {"://key", 0, []string{"SCHEME://KEY"}},
		"refused":              {"orgotest://refuse" + p256, 0, []string{"read its public half", "permission denied", "see that the KMS has this key"}},
		"no such key":          {"orgotest://ok" + p256 + "x", 0, []string{"no such file", "see that the KMS has this key"}},
		"may not sign":         {"orgotest://refuse-sign" + p256, 0, []string{": sign:", "permission denied", "the worker may"}},
		"P-384":                {"orgotest://ok" + onCurve(t, elliptic.P384()), 0, []string{"not an ECDSA key on P-256", "make one in the KMS"}},
		"ed25519":              {"orgotest://ok" + keep(t, edwards), 0, []string{"not an ECDSA key on P-256", "make one in the KMS"}},
		"hangs":                {"orgotest://hang" + p256, short, []string{"read its public half", "did not answer within 500ms", "can be reached"}},
		"hangs when it signs":  {"orgotest://hang-sign" + p256, short, []string{": sign:", "did not answer within 500ms"}},
		"says something else":  {"orgotest://garbage" + p256, 0, []string{"version 1 of sigstore's KMS plugin protocol"}},
		"leaves the key out":   {"orgotest://empty" + p256, 0, []string{"incomplete", "plugin protocol"}},
		"signs with another's": {"orgotest://rotated" + p256, 0, []string{"another key's", "start the worker again"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			patience := test.patience
			if patience == 0 {
				patience = time.Minute
			}
			_, err := stack.OpenSigningKey(t.Context(), test.url, patience)
			require.Error(t, err)
			for _, says := range test.says {
				require.ErrorContains(t, err, says)
			}
		})
	}
}

// TestAProgramThatOutlivesItsPlugin has the plugin's child hold its output open: the
// end of the plugin alone does not end the call.
func TestAProgramThatOutlivesItsPlugin(t *testing.T) {
	t.Parallel()
	pid := filepath.Join(t.TempDir(), "pid")
	_, err := stack.OpenSigningKey(t.Context(), "orgotest://child"+pid, 2*time.Second)
	require.ErrorContains(t, err, "did not answer within 2s")
	require.NotErrorIs(t, err, context.DeadlineExceeded, "which an activity takes for the end of its own time")
	text, err := os.ReadFile(pid)
	require.NoError(t, err)
	var child, plugin int
	_, err = fmt.Sscan(string(text), &child, &plugin)
	require.NoError(t, err)
	process, err := os.FindProcess(child)
	require.NoError(t, err)
	require.NoError(t, process.Kill(), "the child still runs, or nothing was tested")
	// The plugin is killed when the call is given up. Whoever ends before that leaves it
	// behind, with the output of this test open.
	require.Eventually(t, func() bool { return errors.Is(syscall.Kill(plugin, 0), syscall.ESRCH) }, 10*time.Second, 10*time.Millisecond)
}
