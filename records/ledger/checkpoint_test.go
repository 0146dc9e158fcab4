package ledger_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/records/ledger"
)

const origin = "orgo.test/ledger"

func key(t testing.TB, name string) (note.Signer, note.Verifier) {
	t.Helper()
	private, public, err := note.GenerateKey(nil, name)
	require.NoError(t, err)
	signer, err := note.NewSigner(private)
	require.NoError(t, err)
	verifier, err := note.NewVerifier(public)
	require.NoError(t, err)
	return signer, verifier
}

func TestACheckpointIsReadBack(t *testing.T) {
	t.Parallel()
	old, oldVerifier := key(t, origin)
	young, youngVerifier := key(t, origin)
	tree, _ := grow(7)
	want := ledger.Checkpoint{Origin: origin, Size: 7, Root: tree.Root()}
	// While keys overlap, either of them suffices.
	signed, err := want.Sign(old, young)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(signed), origin+"\n7\n"+base64.StdEncoding.EncodeToString(want.Root[:])+"\n\n— "))
	for _, verifiers := range []note.Verifiers{
		note.VerifierList(oldVerifier), note.VerifierList(youngVerifier), note.VerifierList(oldVerifier, youngVerifier),
	} {
		have, err := ledger.OpenCheckpoint(signed, verifiers, origin)
		require.NoError(t, err)
		require.Equal(t, want, have)
	}
}

func TestWhatIsNoCheckpointOfTheLogIsRefused(t *testing.T) {
	t.Parallel()
	signer, verifier := key(t, origin)
	stranger, _ := key(t, origin)
	root := base64.StdEncoding.EncodeToString(make([]byte, 32))
	sign := func(signer note.Signer, text string) string {
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		require.NoError(t, err)
		return string(signed)
	}
	good := sign(signer, origin+"\n7\n"+root+"\n")
	_, err := ledger.OpenCheckpoint([]byte(good), note.VerifierList(verifier), origin)
	require.NoError(t, err)
	for name, signed := range map[string]string{
		"another key":         sign(stranger, origin+"\n7\n"+root+"\n"),
		"another origin":      sign(signer, "orgo.test/another\n7\n"+root+"\n"),
		"a changed size":      strings.Replace(good, "\n7\n", "\n8\n", 1),
		"no signature":        origin + "\n7\n" + root + "\n",
		"a leading zero":      sign(signer, origin+"\n07\n"+root+"\n"),
		"a sign":              sign(signer, origin+"\n+7\n"+root+"\n"),
		"a negative size":     sign(signer, origin+"\n-7\n"+root+"\n"),
		"a size beyond int64": sign(signer, origin+"\n9223372036854775808\n"+root+"\n"),
		"a short root":        sign(signer, origin+"\n7\nAAAA\n"),
		"another base64":      sign(signer, origin+"\n7\n"+strings.TrimSuffix(root, "=")+"\n"),
		"loose base64":        sign(signer, origin+"\n7\n"+strings.TrimSuffix(root, "A=")+"B=\n"),
		"one line more":       sign(signer, origin+"\n7\n"+root+"\nmore\n"),
		"one line less":       sign(signer, origin+"\n7\n"),
		"too long":            sign(signer, origin+"\n7\n"+root+strings.Repeat("\nmore", 10_000)+"\n"),
		"nothing":             "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ledger.OpenCheckpoint([]byte(signed), note.VerifierList(verifier), origin)
			var bad *ledger.BadCheckpoint
			require.ErrorAs(t, err, &bad)
		})
	}
}

func FuzzOpenCheckpoint(f *testing.F) {
	signer, verifier := key(f, origin)
	signed, err := ledger.Checkpoint{Origin: origin, Size: 7}.Sign(signer)
	require.NoError(f, err)
	f.Add(signed)
	f.Fuzz(func(t *testing.T, text []byte) {
		checkpoint, err := ledger.OpenCheckpoint(text, note.VerifierList(verifier), origin)
		if err == nil {
			require.Equal(t, ledger.Checkpoint{Origin: origin, Size: 7}, checkpoint)
		}
	})
}
