package activities_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// The second lock on compile opens for decisions of every evaluator, also those that
// builds recorded before an upgrade, and for no other inputs.
func TestCompileIsPermittedForWhatWasValidated(t *testing.T) {
	t.Parallel()
	ref := func(content string) records.Ref {
		return records.Ref{Digest: records.DigestOf([]byte(content)), MediaType: records.MediaJSON, Size: int64(len(content))}
	}
	report := records.Artifact{Name: records.OutReport, Ref: ref("report")}
	inputs := []records.Artifact{{Name: records.OutSnapshot, Ref: ref("snapshot")}, {Name: records.OutResolved, Ref: ref("resolved")}, report}
	rules, err := gates.Policy{Digest: records.DigestOf([]byte("p"))}.Compile()
	require.NoError(t, err)
	for _, evaluator := range []string{"1", "2"} {
		decision := gates.Validation(gates.Context{
			Subject: gates.Subject{BuildID: "b", Stage: records.Validate, Generation: 1}, Rules: rules,
			At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Actor: "orgo", Evaluator: evaluator,
		}, gates.ValidationInputs{CompileInputs: inputs[:2], Report: &gates.ReportEvidence{
			Report: report.Ref, Status: gates.ReportPassed, Resolved: inputs[1].Ref.Digest, Snapshot: inputs[0].Ref.Digest,
		}})
		require.True(t, decision.Permits(), evaluator)
		require.True(t, gates.PermitsCompile(decision, "b", 1, inputs), evaluator)
		other := slices.Clone(inputs)
		other[0].Ref = ref("another snapshot")
		require.False(t, gates.PermitsCompile(decision, "b", 1, other), evaluator)
		require.False(t, gates.PermitsCompile(decision, "b", 1, inputs[1:]), evaluator)
		if evaluator == "1" {
			continue // it kept no inputs
		}
		again, err := gates.Replay(decision, rules)
		require.NoError(t, err)
		require.Equal(t, decision, again, "the identity of the inputs is that of those that are kept")
	}
}
