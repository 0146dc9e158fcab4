//go:build linux

package e2e_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/workflows"
)

// localActivityMarker is the name under which the SDK keeps what a local activity
// did.
const localActivityMarker = "LocalActivity"

// activitiesOf waits until the workflow of a build has ended and lists the types of
// the activities, remote and local, that its whole history holds, in order and with
// repetitions.
func activitiesOf(t *testing.T, c temporal.Client, buildID string) []string {
	t.Helper()
	id := workflows.BuildWorkflowID(records.DefaultOrganization, buildID)
	require.NoError(t, c.GetWorkflow(t.Context(), id, "").Get(t.Context(), nil))
	var types []string
	history := c.GetWorkflowHistory(t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		require.NoError(t, err)
		if scheduled := event.GetActivityTaskScheduledEventAttributes(); scheduled != nil {
			types = append(types, scheduled.ActivityType.Name)
		}
		marker := event.GetMarkerRecordedEventAttributes()
		if marker == nil || marker.MarkerName != localActivityMarker {
			continue
		}
		var local struct{ ActivityType string }
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(marker.Details["data"], &local))
		require.NotEmpty(t, local.ActivityType)
		types = append(types, local.ActivityType)
	}
	return types
}

// compileActivities are all the activities that can reach a compiler.
func compileActivities(types []string) []string {
	return slices.DeleteFunc(slices.Clone(types), func(name string) bool {
		return !slices.Contains([]string{
			workflows.StageActivity(records.Compile), workflows.BeginActivity(records.Compile),
			workflows.CallActivity(records.Compile), workflows.EndActivity(records.Compile),
		}, name)
	})
}
