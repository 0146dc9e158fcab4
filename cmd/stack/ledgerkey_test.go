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
	origin, signers, err := stack.ReadLedgerKeys(path)
	require.NoError(t, err)
	_, verifiers, err := stack.ReadLedgerVerifiers(path + ".pub")
	require.NoError(t, err)
	signature, err := signers[0].Sign([]byte("text"))
	require.NoError(t, err)
	require.True(t, verifiers[0].Verify([]byte("text"), signature))
	require.False(t, verifiers[0].Verify([]byte("another"), signature))
	require.Equal(t, "orgo.test/ledger", origin)

	require.ErrorContains(t, stack.CreateLedgerKey(path, "orgo.test/ledger"), "exists", "a key is never replaced")
}

func TestLedgerKeyRefusals(t *testing.T) {
	t.Parallel()
	_, _, err := stack.ReadLedgerKeys("")
	require.ErrorContains(t, err, "orgo audit keygen")
	_, _, err = stack.ReadLedgerKeys(filepath.Join(t.TempDir(), "absent"))
	require.ErrorContains(t, err, "orgo audit keygen")

	path := filepath.Join(t.TempDir(), "ledger.key")
	require.NoError(t, os.WriteFile(path, []byte("not a key\n"), 0o600))
	_, _, err = stack.ReadLedgerKeys(path)
	require.ErrorContains(t, err, path)
	require.NoError(t, os.Chmod(path, 0o640))
	_, _, err = stack.ReadLedgerKeys(path)
	require.ErrorContains(t, err, "can be read by others")
}
