package builtin_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/builtin"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/telemetry"
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

// policy returns the built-in policy, ready to decide.
func policy(t *testing.T) gates.Ruleset {
	t.Helper()
	documents, err := builtin.Load()
	require.NoError(t, err)
	canonical, err := schemas.CanonicalizeJSON(documents.Policy)
	require.NoError(t, err)
	require.NoError(t, schemas.ValidateMandateBundle(canonical))
	policy, err := gates.ParsePolicy(records.DigestOf(canonical), canonical)
	require.NoError(t, err)
	rules, err := policy.Compile()
	require.NoError(t, err)
	return rules
}

func TestPolicyAdmitsPassedAlone(t *testing.T) {
	t.Parallel()
	var validation []gates.Rule
	for _, rule := range policy(t).Policy().Rules {
		require.Equal(t, gates.Must, rule.Enforcement, rule.ID)
		if rule.Type == "validation" {
			validation = append(validation, rule)
		}
	}
	require.Len(t, validation, 1)
	require.Equal(t, &gates.ValidationConfig{Admit: []gates.ReportStatus{gates.ReportPassed}}, validation[0].Validation)
}

// One person can release by the built-in policy, and every gate of a release has a
// rule of its own to go by.
func TestPolicyLetsOneReleaseAlone(t *testing.T) {
	t.Parallel()
	c := gates.Context{Rules: policy(t), At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Actor: "orgo", Evaluator: gates.EvaluatorVersion}
	require.True(t, c.Rules.Solo(c))
	for _, gate := range []gates.Gate{gates.GateApprovals, gates.GateCompatibility, gates.GateHealth} {
		require.True(t, c.Rules.Binding(gate, c), gate)
	}
	require.Equal(t, gates.DeadlineRollBack, c.Rules.OnDeadline(c))
	votes := gates.Votes{Intent: records.DigestOf([]byte("intent")), Requester: "ann", Initiator: "ann", Recorded: new(int)}
	require.True(t, gates.Approvals(c, votes).Permits())
}

// nodes returns the window of a cohort of ten of which some switched and some
// executions failed.
func nodes(t *testing.T, switched, executions, failed int) gates.Window {
	t.Helper()
	activated := time.Date(2026, 3, 1, 11, 58, 0, 0, time.UTC)
	members := map[string]struct{}{}
	for i := range 10 {
		members[strconv.Itoa(i)] = struct{}{}
	}
	r := telemetry.NewReducer("org", telemetry.Release{ID: "r", PackID: "new", Cohorts: map[string]telemetry.Cohort{"c": {Members: members, ActivatedAt: activated}}}, "c")
	samples := []telemetry.Sample{}
	for i := range 10 {
		state := telemetry.NodeState{Active: telemetry.ActivePack{PackID: "old", ActivatedAt: activated}, Health: telemetry.Health{Status: telemetry.Healthy}}
		if i < switched {
			state.Active.PackID = "new"
		}
		samples = append(samples, telemetry.Sample{NodeID: strconv.Itoa(i), Kind: telemetry.KindNodeState, NodeState: &state})
	}
	for i := range executions {
		outcome := telemetry.Outcome{Status: telemetry.Succeeded}
		if i < failed {
			outcome.Status = telemetry.Failed
		}
		samples = append(samples, telemetry.Sample{NodeID: strconv.Itoa(i % 10), Kind: telemetry.KindExecution, Outcome: &outcome})
	}
	for i, sample := range samples {
		sample.At = activated.Add(time.Duration(i+1) * time.Second)
		r.Add(telemetry.Stored{Position: int64(i + 1), Sample: sample})
	}
	sent, err := r.Window()
	require.NoError(t, err)
	at := activated.Add(2 * time.Minute)
	w, err := gates.WindowOf(sent, at, at).After(nil)
	require.NoError(t, err)
	return w
}

// A cohort that switched and works passes; one that is still switching is waited for,
// one that nobody uses too, and one that fails goes back.
func TestPolicyOfHealth(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		switched, executions, failed int
		verdict                      gates.Verdict
	}{
		"well":                  {10, 20, 1, gates.Pass},
		"one did not switch":    {9, 20, 0, gates.Pass},
		"two did not switch":    {8, 20, 0, gates.Pending},
		"nobody switched":       {0, 20, 0, gates.Pending},
		"hardly used":           {10, 2, 0, gates.Insufficient},
		"not used":              {10, 0, 0, gates.NoData},
		"too much of it failed": {10, 20, 2, gates.Fail},
		"failed at once":        {10, 1, 1, gates.Fail},
	} {
		c := gates.Context{Rules: policy(t), At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Actor: "orgo", Evaluator: gates.EvaluatorVersion}
		require.Equal(t, x.verdict, gates.Health(c, nodes(t, x.switched, x.executions, x.failed)).Verdict, name)
	}
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
