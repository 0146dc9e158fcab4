package api_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func TestRecord(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	view := start(t, s, apitest.Passed, "k")

	own, err := c.Record(t.Context(), view.BuildID, client.FormatOrgo)
	require.NoError(t, err)
	require.Equal(t, *view.Record, records.DigestOf(own), "byte for byte what was recorded")
	var record records.BuildRecord
	require.NoError(t, json.Unmarshal(own, &record))
	require.NoError(t, record.VerifyHash())

	interop, err := c.Record(t.Context(), view.BuildID, client.FormatKOA)
	require.NoError(t, err)
	want, err := records.Canonical(records.KOA(record))
	require.NoError(t, err)
	require.Equal(t, string(want), string(interop))

	running := start(t, s, apitest.Pending, "running")
	_, err = c.Record(t.Context(), running.BuildID, client.FormatOrgo)
	require.Equal(t, 409, refusedWith(t, err, gates.RecordUnavailable).Status)
}

func TestWhy(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	why := func(t *testing.T, id string) client.Why {
		t.Helper()
		why, err := c.Why(t.Context(), id)
		require.NoError(t, err)
		for _, unmet := range why.Unmet {
			reason, known := gates.Lookup(gates.Code(unmet.Code))
			require.True(t, known, unmet.Code)
			require.Equal(t, reason.Remedy, unmet.Remedy)
			require.Equal(t, reason.Meaning, unmet.Meaning)
		}
		return why
	}
	codes := func(why client.Why) []string {
		codes := []string{}
		for _, unmet := range why.Unmet {
			codes = append(codes, unmet.Code)
		}
		return codes
	}

	t.Run("passed", func(t *testing.T) {
		require.Empty(t, why(t, start(t, s, apitest.Passed, "passed").BuildID).Unmet)
	})
	t.Run("blocked", func(t *testing.T) {
		got := why(t, start(t, s, apitest.Blocked, "blocked").BuildID)
		require.Equal(t, []string{"VALIDATION_FAILED"}, codes(got), "advice is not a condition")
		unmet := got.Unmet[0]
		require.Equal(t, client.Where{Step: records.Validate, Generation: 1, Gate: "validation"}, unmet.Where)
		require.Contains(t, unmet.Message, "CONFLICTING_VALUE")
		require.Contains(t, string(unmet.Evidence), records.DigestOf([]byte("the report")).Value)
		require.NotEmpty(t, unmet.EntryID)
	})
	t.Run("failed", func(t *testing.T) {
		got := why(t, start(t, s, apitest.Failed, "failed").BuildID)
		require.Equal(t, []string{"INPUT_NOT_FOUND"}, codes(got))
		require.Equal(t, client.Where{Step: records.Ingest, Generation: 1, Attempt: 1}, got.Unmet[0].Where)
		require.JSONEq(t, `{"path":"/nowhere"}`, string(got.Unmet[0].Evidence))
	})
	t.Run("what a retry voided is not listed", func(t *testing.T) {
		waiting := start(t, s, apitest.Waiting, "waiting")
		got := why(t, waiting.BuildID)
		require.Equal(t, []string{"VALIDATION_FAILED"}, codes(got))
		require.NotNil(t, got.WaitingUntil)
		_, err := c.Retry(t.Context(), waiting.BuildID, client.RetryStage{Stage: records.Resolve, Reason: "r"})
		require.NoError(t, err)
		require.Empty(t, why(t, waiting.BuildID).Unmet)
		_, err = c.Stop(t.Context(), waiting.BuildID, client.StopBuild{Reason: "no longer wanted"})
		require.NoError(t, err)
		got = why(t, waiting.BuildID)
		require.Equal(t, []string{"STOPPED_BY_OPERATOR"}, codes(got))
		require.Contains(t, got.Unmet[0].Message, "alice stopped the build: no longer wanted")
	})
	t.Run("only the last attempt counts", func(t *testing.T) {
		view := start(t, s, apitest.Pending, "attempts")
		script := s.Builds.Script(records.DefaultOrganization, view.BuildID)
		require.NoError(t, script.StageFailed(t.Context(), records.Ingest, 1, 1, gates.InputChanged, "first"))
		require.NoError(t, script.StageFailed(t.Context(), records.Ingest, 1, 2, gates.InputUnreadable, "second"))
		require.Equal(t, []string{"INPUT_UNREADABLE"}, codes(why(t, view.BuildID)))
	})
	t.Run("a code that no entry explains is listed all the same", func(t *testing.T) {
		view := start(t, s, apitest.Pending, "unexplained")
		script := s.Builds.Script(records.DefaultOrganization, view.BuildID)
		require.NoError(t, script.End(t.Context(), records.BuildFailed, records.Compile, gates.InternalError))
		got := why(t, view.BuildID)
		require.Equal(t, []string{"INTERNAL_ERROR"}, codes(got))
		require.Equal(t, client.Where{Step: records.Compile}, got.Unmet[0].Where)
	})
}

func TestReasons(t *testing.T) {
	t.Parallel()
	c := apitest.New(t).Client(t)
	reasons, err := c.Reasons(t.Context())
	require.NoError(t, err)
	require.Len(t, reasons, len(gates.Reasons()))
	reason, err := c.Reason(t.Context(), "VALIDATION_FAILED")
	require.NoError(t, err)
	require.Equal(t, "F2", reason.Class)
}
