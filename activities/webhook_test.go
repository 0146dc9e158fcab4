package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/initkoa/orgo/activities"
)

// TestAWorkerWithoutTheKeySignsNothing plants the key that is missing or too short:
// what would be sent then could be verified by nobody.
func TestAWorkerWithoutTheKeySignsNothing(t *testing.T) {
	t.Parallel()
	for _, key := range [][]byte{nil, []byte("short")} {
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		env.RegisterActivity(activities.New(activities.Options{WebhookKey: key}).Deliver)
		_, err := env.ExecuteActivity("Deliver", activities.DeliverInput{})
		require.ErrorContains(t, err, "--callback-key")
	}
}
