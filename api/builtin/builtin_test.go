package builtin_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/builtin"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

func TestPipeline(t *testing.T) {
	t.Parallel()
	documents, err := builtin.Load()
	require.NoError(t, err)
	canonical, err := schemas.CanonicalizeJSON(documents.Pipeline)
	require.NoError(t, err)
	require.NoError(t, schemas.ValidatePipeline(canonical))

	var pipeline records.Pipeline
	require.NoError(t, json.Unmarshal(canonical, &pipeline))
	require.Zero(t, pipeline.WaitForOperator)
	require.Equal(t, "2000-01-01T00:00:00Z", pipeline.SourceDate.Format("2006-01-02T15:04:05Z07:00"))
	for _, spec := range records.BuildSpine() {
		stage := pipeline.Stages[spec.Stage]
		require.Equal(t, records.RunnerSettings{Kind: records.RunnerReference, Version: "1.0.0"}, stage.Runner, spec.Stage)
		require.Equal(t, records.ExecuteAuto, stage.Execution, spec.Stage)
	}
}

func TestPolicyAdmitsPassedAlone(t *testing.T) {
	t.Parallel()
	documents, err := builtin.Load()
	require.NoError(t, err)
	canonical, err := schemas.CanonicalizeJSON(documents.Policy)
	require.NoError(t, err)
	require.NoError(t, schemas.ValidateMandateBundle(canonical))
	policy, err := gates.ParsePolicy(records.DigestOf(canonical), canonical)
	require.NoError(t, err)
	require.Len(t, policy.Rules, 1)
	require.Equal(t, gates.Must, policy.Rules[0].Enforcement)
	require.Equal(t, &gates.ValidationConfig{Admit: []gates.ReportStatus{gates.ReportPassed}}, policy.Rules[0].Validation)
}

func TestContractsAreTheOnesThatAreBuiltIn(t *testing.T) {
	t.Parallel()
	set, err := schemas.BuiltinContractSet()
	require.NoError(t, err)
	require.Equal(t, builtin.Contracts, set.Name()+"@"+set.Version())
}

func TestCallersCannotChangeWhatIsBuiltIn(t *testing.T) {
	t.Parallel()
	builtin.PipelineYAML()[0] = '!'
	require.Equal(t, byte('#'), builtin.PipelineYAML()[0])
}
