package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/workflows"
)

func TestBuildWorkflowIDParses(t *testing.T) {
	t.Parallel()
	id := records.BuildID(records.DefaultOrganization, "k")
	organization, buildID, err := workflows.ParseBuildWorkflowID(workflows.BuildWorkflowID(records.DefaultOrganization, id))
	require.NoError(t, err)
	require.Equal(t, records.DefaultOrganization, organization)
	require.Equal(t, id, buildID)
	for _, bad := range []string{"", "build", "build/a", "build//b", "build/a/", "release/a/b", "build/a/b/c"} {
		_, _, err := workflows.ParseBuildWorkflowID(bad)
		require.Error(t, err, bad)
	}
}
