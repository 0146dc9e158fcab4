package cli

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

func TestAReleaseShowsWhatDidItsStages(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	directory := records.RunnerSettings{Kind: records.RunnerTarget, Version: "1.0.0", Target: &records.TargetRunner{Name: "directory"}}
	page := records.Artifact{Name: records.OutRendered, Ref: records.Ref{Digest: records.DigestOf([]byte("page"))}}
	parts := []release.Part{{Name: "canary"}}
	record := release.Record{Stages: []release.StageState{{Part: parts[0]}}, Spine: release.NewSpine(parts, []records.PinnedStage{
		{Stage: records.Distribute, Runner: directory}, {Stage: records.Activate, Runner: directory},
		{Stage: records.Render, Runner: records.RunnerSettings{Kind: records.RunnerReference, Version: "1.0.0"}},
	})}
	row := record.SpineStage(records.Render, "")
	record.BeginStage(row, at, nil)
	row.Yield(records.StageFinished{Outputs: []records.Artifact{page}})
	row.End(records.StagePass, at.Add(time.Second), nil, "")
	failed := record.SpineStage(records.Distribute, "canary")
	record.BeginStage(failed, at, nil)
	failed.End(records.StageFail, at, []string{"ARTIFACT_MISSING"}, "gone")

	require.Equal(t, []string{
		"distribute of canary by target/directory@1.0.0: FAIL ARTIFACT_MISSING",
		"render by reference@1.0.0: PASS " + page.Ref.Digest.String(),
	}, spineLines(record))
	var out bytes.Buffer
	require.NoError(t, printRelease(&out, record))
	for _, want := range []string{
		`distribute +canary +FAIL +target/directory@1\.0\.0 .* ARTIFACT_MISSING`, `activate +canary +PENDING +target/directory@1\.0\.0 +- +- +-`,
		`render +- +PASS +reference@1\.0\.0 .*` + page.Ref.Digest.String(),
	} {
		require.Regexp(t, want, out.String())
	}
}
