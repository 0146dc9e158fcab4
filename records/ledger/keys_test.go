package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/records/ledger"
)

func TestParseKeys(t *testing.T) {
	t.Parallel()
	first, firstPublic, err := note.GenerateKey(nil, "a.test/log")
	require.NoError(t, err)
	second, secondPublic, err := note.GenerateKey(nil, "a.test/log")
	require.NoError(t, err)
	other, otherPublic, err := note.GenerateKey(nil, "b.test/log")
	require.NoError(t, err)

	origin, signers, err := ledger.ParseSigners(first + "\n" + second + "\n")
	require.NoError(t, err)
	require.Equal(t, "a.test/log", origin)
	require.Len(t, signers, 2)
	origin, verifiers, err := ledger.ParseVerifiers(firstPublic + "\n" + secondPublic)
	require.NoError(t, err)
	require.Equal(t, "a.test/log", origin)
	require.Len(t, verifiers, 2)

	for _, text := range []string{"", "\n", "key", first + "\nkey", first + "\n" + other, firstPublic} {
		_, _, err := ledger.ParseSigners(text)
		require.Error(t, err, text)
	}
	for _, text := range []string{"", "key", firstPublic + "\n" + otherPublic, first} {
		_, _, err := ledger.ParseVerifiers(text)
		require.Error(t, err, text)
	}
}
