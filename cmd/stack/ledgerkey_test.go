package stack_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/cmd/stack"
)

func TestLedgerKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.key")
	require.NoError(t, stack.CreateLedgerKey(path, "orgo.test/ledger"))
	signer, err := stack.ReadLedgerKey(path)
	require.NoError(t, err)
	verifier, err := stack.ReadLedgerVerifier(path + ".pub")
	require.NoError(t, err)
	signature, err := signer.Sign([]byte("text"))
	require.NoError(t, err)
	require.True(t, verifier.Verify([]byte("text"), signature))
	require.False(t, verifier.Verify([]byte("another"), signature))
	require.Equal(t, "orgo.test/ledger", signer.Name())

	require.ErrorContains(t, stack.CreateLedgerKey(path, "orgo.test/ledger"), "exists", "a key is never replaced")
}

func TestLedgerKeyRefusals(t *testing.T) {
	t.Parallel()
	_, err := stack.ReadLedgerKey("")
	require.ErrorContains(t, err, "orgo audit keygen")
	_, err = stack.ReadLedgerKey(filepath.Join(t.TempDir(), "absent"))
	require.ErrorContains(t, err, "orgo audit keygen")

	path := filepath.Join(t.TempDir(), "ledger.key")
	require.NoError(t, os.WriteFile(path, []byte("not a key\n"), 0o600))
	_, err = stack.ReadLedgerKey(path)
	require.ErrorContains(t, err, path)
	require.NoError(t, os.Chmod(path, 0o640))
	_, err = stack.ReadLedgerKey(path)
	require.ErrorContains(t, err, "can be read by others")
}
