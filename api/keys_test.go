package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

func TestRetireKey(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	subject := records.Subject{Kind: records.SubjectKey, ID: "k"}
	announced, err := records.NewEntry(records.Entry{
		Organization: records.DefaultOrganization, Kind: records.KindEvent, Type: records.TypeKeyAnnounced, Subject: subject,
		At: time.Now(), Actor: records.SystemActor,
	}, "announced", records.KeyAnnounced{KeyID: "k", Purpose: records.KeyAttestation})
	require.NoError(t, err)
	_, err = s.Store.Append(t.Context(), announced)
	require.NoError(t, err)
	retire := func(token, id, reason string) error {
		_, err := connect(t, s, token).RetireKey(t.Context(), id, client.RetireKey{Reason: reason})
		return err
	}
	var problem *client.Problem
	require.ErrorAs(t, retire(apitest.TokenAlice, "other", "r"), &problem)
	require.Equal(t, string(gates.NotFound), problem.ReasonCode)
	require.ErrorAs(t, retire(apitest.TokenBob, "k", "r"), &problem, "another organization's")
	require.ErrorAs(t, retire(apitest.TokenAlice, "k", ""), &problem)
	require.Equal(t, "body.reason", problem.Errors[0].Location)

	require.NoError(t, retire(apitest.TokenAlice, "k", "rotated"))
	require.NoError(t, retire(apitest.TokenAlice, "k", "again"))
	entries, err := s.Store.Entries(t.Context(), records.DefaultOrganization, subject, store.EntryQuery{})
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.Equal(t, records.TypeKeyRetired, entries[1].Type)
	require.Equal(t, "alice", entries[1].Actor)
	require.Equal(t, "rotated", entries[1].Reason)
	require.JSONEq(t, `{"key_id":"k","before":"ACTIVE","after":"RETIRED"}`, string(entries[1].Body))
}
