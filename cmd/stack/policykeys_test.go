package stack_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/cmd/stack"
)

// A process whose keys cannot be read must not start as one that trusts nobody and
// requires nothing.
func TestPolicyKeys(t *testing.T) {
	t.Parallel()
	trust, err := stack.ReadPolicyKeys("")
	require.NoError(t, err)
	require.Zero(t, trust.Keys.Len())
	require.False(t, trust.Unknown, "signatures are looked at, and nobody's count")

	path := filepath.Join(t.TempDir(), "keys.yaml")
	_, err = stack.ReadPolicyKeys(path)
	require.ErrorContains(t, err, "policy keys")
	require.NoError(t, os.WriteFile(path, []byte("require: true\nkeys: []\n"), 0o600))
	_, err = stack.ReadPolicyKeys(path)
	require.ErrorContains(t, err, "no keys")
	require.NoError(t, stack.CreateSigningKey(filepath.Join(filepath.Dir(path), "key")))
	public, err := os.ReadFile(filepath.Join(filepath.Dir(path), "key.pub"))
	require.NoError(t, err)
	text := "require: true\nkeys:\n  - key_id: k\n    alg: ecdsa-p256-sha256\n    public_key: |\n"
	for line := range strings.Lines(string(public)) {
		text += "      " + line
	}
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	trust, err = stack.ReadPolicyKeys(path)
	require.NoError(t, err)
	require.Equal(t, 1, trust.Keys.Len())
	require.True(t, trust.Keys.Required())
}
