package stack_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/cmd/stack"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

// TestWhatARunnerWroteIsErased erases one output and one failure by their ids: what
// the record of the build repeats of them goes too, and what was written to stderr.
func TestWhatARunnerWroteIsErased(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dsn, url := store.SQLiteDSN(filepath.Join(dir, "orgo.db")), "file://"+filepath.Join(dir, "artifacts")
	s := storetest.Open(t, dsn)
	require.NoError(t, s.Migrate(t.Context()))
	content, err := artifacts.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, content.Close()) })
	stderr, err := content.PutBytes(t.Context(), "text/plain", []byte("reading the file of Ada Lovelace"))
	require.NoError(t, err)

	b := storetest.NewBuilder(t, records.DefaultOrganization, "erased")
	of := func(entry records.Entry, body any) records.Entry {
		entry.Actor = records.SystemActor
		entry, err := records.NewEntry(entry, entry.ID, body)
		require.NoError(t, err)
		return entry
	}
	failed := of(b.Failed(records.Ingest, 1, 1, false), records.StageFailed{
		Message: "Ada Lovelace is twice in it", Details: json.RawMessage(`{"stderr_tail":"Ada Lovelace"}`), Attempt: 1,
	})
	finished := of(b.Finished(records.Ingest, 1, "snapshot", 1), records.StageFinished{
		Key: b.Key(records.Ingest, 1), Notes: "3 rows about Ada Lovelace", Attachments: []records.Artifact{{Name: records.AttachmentStderr, Ref: stderr}},
	})
	record := b.Passed()
	record.Kind, record.Type = records.KindRecord, records.TypeRecordWritten
	record = of(record, records.BuildRecord{BuildID: b.BuildID, Stages: []records.StageRecord{{
		Stage: records.Ingest, Notes: "3 rows about Ada Lovelace", Attempts: []records.AttemptRecord{{Message: "Ada Lovelace is twice in it"}},
	}}})
	for _, entry := range []records.Entry{
		b.Requested(), b.Started(records.Ingest, 1, 1), failed, b.Started(records.Ingest, 1, 2), finished, record, b.Passed(),
	} {
		_, err := s.Append(t.Context(), entry)
		require.NoError(t, err)
	}
	signer, _ := storetest.LogKey(t)
	require.NoError(t, storetest.Sequencer(t, s, signer, nil).Drain(t.Context()))

	var erased []string
	count, err := stack.Erase{
		Store: dsn, Artifacts: url, Organization: records.DefaultOrganization, Entries: []string{failed.ID, finished.ID},
		Actor: "privacy-office", Reason: "request 8", Erased: func(e records.Erasure) { erased = append(erased, e.Type) },
	}.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, count)
	require.Equal(t, []string{records.TypeStageFailed, records.TypeStageFinished, records.TypeRecordWritten}, erased)
	entries, err := s.Entries(t.Context(), records.DefaultOrganization, b.Subject(), store.EntryQuery{})
	require.NoError(t, err)
	view, err := s.Build(t.Context(), records.DefaultOrganization, b.BuildID)
	require.NoError(t, err)
	text, err := json.Marshal([]any{entries, view})
	require.NoError(t, err)
	require.NotContains(t, strings.ToLower(string(text)), "lovelace")
	_, err = content.Open(t.Context(), stderr)
	require.Error(t, err, "what it wrote to stderr is gone")
	differences, err := s.VerifyReadModel(t.Context())
	require.NoError(t, err)
	require.Empty(t, differences)
}
