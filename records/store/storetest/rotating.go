package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/records/store"
)

// testRotate signs with an old key, with both, and with the new one. Whoever has
// both verifies all of it; whoever has one, what that one signed.
func testRotate(t *testing.T, f fixture) {
	oldSigner, oldKey := LogKey(t)
	newSigner, newKey := LogKey(t)
	for i, signers := range [][]note.Signer{{oldSigner}, {oldSigner, newSigner}, {newSigner}} {
		must(f.store.Append(t.Context(), Note(t, acme, "note", "n", fmt.Sprint(i))))(t)
		sequencer := must(f.store.NewSequencer(store.SequencerOptions{Origin: LogOrigin, Signers: signers, Now: time.Now}))(t)
		require.NoError(t, sequencer.Drain(t.Context()))
	}
	verify := func(keys ...note.Verifier) store.LogReport {
		return must(f.store.VerifyLog(t.Context(), store.VerifyOptions{Origin: LogOrigin, Verifiers: note.VerifierList(keys...)}))(t)
	}
	report := verify(oldKey, newKey)
	require.Empty(t, report.Findings)
	require.EqualValues(t, 3, report.Checkpoints)
	require.NotEmpty(t, verify(oldKey).Findings)
	require.NotEmpty(t, verify(newKey).Findings)
}
