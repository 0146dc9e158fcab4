package api_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/ledger"
	"github.com/initkoa/orgo/records/store/storetest"
)

// ask gets a path as alice and returns status and body.
func ask(t *testing.T, s *apitest.Stack, path, token string) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	require.NoError(t, err)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, body
}

func hashes(t *testing.T, encoded []string) []tlog.Hash {
	t.Helper()
	decoded := make([]tlog.Hash, len(encoded))
	for i, text := range encoded {
		hash, err := base64.StdEncoding.DecodeString(text)
		require.NoError(t, err)
		decoded[i] = tlog.Hash(hash)
	}
	return decoded
}

// TestProofsAreCheckedWithoutTheServer takes all that an auditor is given over
// HTTP and checks it with the public key alone.
func TestProofsAreCheckedWithoutTheServer(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	signer, verifier := storetest.LogKey(t)
	sequencer := storetest.Sequencer(t, s.Store, signer, nil)
	checkpoint := func() ledger.Checkpoint {
		status, body := ask(t, s, "/v1/ledger/checkpoint", "")
		require.Equal(t, http.StatusOK, status, string(body))
		opened, err := ledger.OpenCheckpoint(body, note.VerifierList(verifier), storetest.LogOrigin)
		require.NoError(t, err)
		return opened
	}
	status, body := ask(t, s, "/v1/ledger/checkpoint", "")
	require.Equal(t, http.StatusNotFound, status, "an empty log has no checkpoint: %s", body)

	var entries []records.Entry
	for i := range 5 {
		entry := storetest.Note(t, records.DefaultOrganization, "note", "n", string(rune('a'+i)))
		_, err := s.Store.Append(t.Context(), entry)
		require.NoError(t, err)
		entries = append(entries, entry)
		if i == 2 {
			require.NoError(t, sequencer.Drain(t.Context()))
		}
	}
	before := checkpoint()
	require.EqualValues(t, 3, before.Size)

	status, body = ask(t, s, "/v1/ledger/inclusion/"+entries[4].ID, apitest.TokenAlice)
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, string(body), "LEDGER_PENDING")

	require.NoError(t, sequencer.Drain(t.Context()))
	now := checkpoint()
	status, body = ask(t, s, "/v1/ledger/consistency?from=3&to=5", "")
	require.Equal(t, http.StatusOK, status)
	var consistency api.Consistency
	require.NoError(t, json.Unmarshal(body, &consistency))
	proof := hashes(t, consistency.Proof)
	require.NoError(t, tlog.CheckTree(proof, now.Size, now.Root, before.Size, before.Root))
	require.Error(t, tlog.CheckTree(proof, now.Size, before.Root, before.Size, now.Root))

	for i, entry := range entries {
		status, body := ask(t, s, "/v1/ledger/inclusion/"+entry.ID, apitest.TokenAlice)
		require.Equal(t, http.StatusOK, status, string(body))
		var inclusion api.Inclusion
		require.NoError(t, json.Unmarshal(body, &inclusion))
		require.EqualValues(t, i, inclusion.Leaf)
		require.NoError(t, tlog.CheckRecord(hashes(t, inclusion.Proof), now.Size, now.Root, inclusion.Leaf, tlog.RecordHash(inclusion.Content)))
		require.Error(t, tlog.CheckRecord(hashes(t, inclusion.Proof), now.Size, now.Root, inclusion.Leaf, tlog.RecordHash([]byte("another"))))
	}
}

func TestProofsThatCannotBeGiven(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	signer, _ := storetest.LogKey(t)
	entry := storetest.Note(t, records.DefaultOrganization, "note", "n", "1")
	_, err := s.Store.Append(t.Context(), entry)
	require.NoError(t, err)
	require.NoError(t, storetest.Sequencer(t, s.Store, signer, nil).Drain(t.Context()))
	for path, want := range map[string]struct {
		token  string
		status int
	}{
		"/v1/ledger/inclusion/absent":                      {apitest.TokenAlice, http.StatusNotFound},
		"/v1/ledger/inclusion/" + entry.ID:                 {"", http.StatusUnauthorized},
		"/v1/ledger/inclusion/" + entry.ID + "?size=0":     {apitest.TokenBob, http.StatusNotFound},
		"/v1/ledger/inclusion/" + entry.ID + "?size=2":     {apitest.TokenAlice, http.StatusUnprocessableEntity},
		"/v1/ledger/inclusion/" + entry.ID + "?size=-1":    {apitest.TokenAlice, http.StatusUnprocessableEntity},
		"/v1/ledger/consistency":                           {"", http.StatusUnprocessableEntity},
		"/v1/ledger/consistency?from=0":                    {"", http.StatusUnprocessableEntity},
		"/v1/ledger/consistency?from=2":                    {"", http.StatusUnprocessableEntity},
		"/v1/ledger/consistency?from=1&to=9":               {"", http.StatusUnprocessableEntity},
		"/v1/ledger/consistency?from=9223372036854775808":  {"", http.StatusUnprocessableEntity},
		"/v1/ledger/consistency?from=1&to=1&unknown=query": {"", http.StatusUnprocessableEntity},
	} {
		status, body := ask(t, s, path, want.token)
		require.Equal(t, want.status, status, "%s: %s", path, body)
	}
}
