package ledger_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/ledger"
)

func entry(t require.TestingT, actor, behalf, reason string, body any) records.Entry {
	e, err := records.NewEntry(records.Entry{
		Organization: "acme", Kind: records.KindEvent, Type: "orgo.note.written",
		Subject: records.Subject{Kind: "note", ID: "n"}, At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Actor: actor, OnBehalfOf: behalf, Reason: reason, Codes: []string{"A", "B"},
	}, "1", body)
	require.NoError(t, err)
	return e
}

// TestACommitmentIsOverTheCanonicalPayload compares what is put together from
// parts with the canonical form of the whole.
func TestACommitmentIsOverTheCanonicalPayload(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ -~äß"\\\x{1F600}\n\t]{0,12}`)
		e := entry(t, text.Draw(t, "actor"), text.Draw(t, "behalf"), text.Draw(t, "reason"),
			map[string]string{text.Draw(t, "key"): text.Draw(t, "value")})
		var salt [ledger.SaltSize]byte
		copy(salt[:], rapid.SliceOfN(rapid.Byte(), ledger.SaltSize, ledger.SaltSize).Draw(t, "salt"))
		payload, err := records.Canonical(map[string]any{
			"actor": e.Actor, "body": e.Body, "on_behalf_of": e.OnBehalfOf, "reason": e.Reason,
		})
		require.NoError(t, err)
		want := sha256.Sum256(append(append([]byte("orgo payload v1\n"), salt[:]...), payload...))
		have, err := ledger.Commitment(e, salt)
		require.NoError(t, err)
		require.Equal(t, want, have)
	})
}

func TestALeafHasOneForm(t *testing.T) {
	t.Parallel()
	e := entry(t, "user:ada", "", "because", map[string]int{"n": 1})
	leaf, err := ledger.NewLeaf(e, 7, [ledger.SaltSize]byte{1})
	require.NoError(t, err)
	content, err := leaf.Bytes()
	require.NoError(t, err)
	commitment, err := ledger.Commitment(e, [ledger.SaltSize]byte{1})
	require.NoError(t, err)
	require.Equal(t, `{"at":"2026-03-01T12:00:00Z","codes":["A","B"],"correlation":{},"entry_id":"`+e.ID+`","kind":"event",`+
		`"organization":"acme","payload":"`+hex.EncodeToString(commitment[:])+`","sequence":7,`+
		`"subject":{"id":"n","kind":"note"},"type":"orgo.note.written","v":1}`, string(content))
	hash, err := leaf.Hash()
	require.NoError(t, err)
	require.Equal(t, tlog.Hash(sha256.Sum256(append([]byte{0}, content...))), hash)
	require.NotContains(t, string(content), "ada")
	require.NotContains(t, string(content), "because")
}
