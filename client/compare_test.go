package client_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

func artifact(name, path, content string) records.Artifact {
	return records.Artifact{Name: name, Path: path, Ref: records.Ref{Digest: records.DigestOf([]byte(content))}}
}

func buildOf(outputs map[records.Stage][]records.Artifact) records.BuildView {
	var view records.BuildView
	for _, step := range records.BuildSteps() {
		view.Steps = append(view.Steps, records.StepView{Stage: step, Outputs: outputs[step]})
	}
	return view
}

func TestCompare(t *testing.T) {
	t.Parallel()
	original := map[records.Stage][]records.Artifact{
		records.Ingest:  {artifact("snapshot", "", "s")},
		records.Compile: {artifact("runtime-pack-file", "b", "2"), artifact("runtime-pack-file", "a", "1"), artifact("exchange", "", "e")},
	}
	digest := func(content string) *records.Digest { d := records.DigestOf([]byte(content)); return &d }
	for name, tc := range map[string]struct {
		again       map[records.Stage][]records.Artifact
		identical   bool
		differences []client.Difference
	}{
		"the same": {original, true, []client.Difference{}},
		"in another order": {map[records.Stage][]records.Artifact{
			records.Ingest:  original[records.Ingest],
			records.Compile: {original[records.Compile][2], original[records.Compile][1], original[records.Compile][0]},
		}, true, []client.Difference{}},
		"one file differs": {map[records.Stage][]records.Artifact{
			records.Ingest:  original[records.Ingest],
			records.Compile: {original[records.Compile][0], artifact("runtime-pack-file", "a", "other"), original[records.Compile][2]},
		}, false, []client.Difference{
			{Stage: records.Compile, Name: "runtime-pack-file", Path: "a", Original: digest("1"), Again: digest("other")},
		}},
		"missing and new": {map[records.Stage][]records.Artifact{
			records.Ingest:  {artifact("snapshot", "", "s"), artifact("notes", "", "n")},
			records.Compile: {original[records.Compile][0], original[records.Compile][1]},
		}, false, []client.Difference{
			{Stage: records.Ingest, Name: "notes", Again: digest("n")},
			{Stage: records.Compile, Name: "exchange", Original: digest("e")},
		}},
		"nothing came out": {nil, false, []client.Difference{
			{Stage: records.Ingest, Name: "snapshot", Original: digest("s")},
			{Stage: records.Compile, Name: "exchange", Original: digest("e")},
			{Stage: records.Compile, Name: "runtime-pack-file", Path: "a", Original: digest("1")},
			{Stage: records.Compile, Name: "runtime-pack-file", Path: "b", Original: digest("2")},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := client.Compare(buildOf(original), buildOf(tc.again))
			require.Equal(t, tc.identical, got.Identical())
			require.Equal(t, tc.differences, got.Differences)
		})
	}
	require.False(t, client.Compare(buildOf(nil), buildOf(nil)).Identical(), "nothing to compare is no proof")
}
