package release_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

func TestStagesOfTheSpine(t *testing.T) {
	t.Parallel()
	parts := []release.Part{{Name: "one"}, {Name: "two"}}
	r := release.Record{Spine: release.NewSpine(parts, runners()[:2])}
	require.Len(t, r.Spine, 5)
	require.Equal(t, records.StageSkip, r.SpineStage(records.Render, "").Status, "nothing is pinned for it")
	require.Nil(t, r.SpineStage(records.Render, "one"))
	require.Nil(t, r.SpineStage(records.Compile, ""))

	// Every run of a stage is told apart from every other, whatever part it is of.
	one, two := r.SpineStage(records.Distribute, "one"), r.SpineStage(records.Distribute, "two")
	r.BeginStage(one, start, nil)
	require.Equal(t, records.StageRunning, one.Status)
	r.BeginStage(two, start, nil)
	r.BeginStage(one, start, nil)
	require.Equal(t, []int{3, 2}, []int{one.Generation, two.Generation})
	activate := r.SpineStage(records.Activate, "one")
	r.BeginStage(activate, start, nil)
	require.Equal(t, 1, activate.Generation)

	one.Attempts = []records.AttemptRecord{{Generation: 3}}
	one.End(records.StageFail, start, []string{"RUNNER_FAILED"}, "m")
	one.Yield(records.StageFinished{Notes: "n"})
	r.BeginStage(one, start, nil)
	require.Equal(t, []records.AttemptRecord{{Generation: 3}}, one.Attempts, "what was tried before stays")
	require.Empty(t, one.Codes)
	require.Empty(t, one.Notes)
	require.NotNil(t, one.Pin)
	one.End(records.StagePass, start.Add(time.Second), nil, "")

	r.SettleSpine(start.Add(time.Minute), "ABORT_REQUESTED")
	var got []records.StageStatus
	for _, row := range r.Spine {
		got = append(got, row.Status)
	}
	require.Equal(t, []records.StageStatus{records.StagePass, records.StageError, records.StageError, records.StageSkip, records.StageSkip}, got)
	require.Equal(t, []string{"ABORT_REQUESTED"}, two.Codes)
	require.Equal(t, start.Add(time.Minute), *two.EndedAt)
}
