package release

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A stage that is held is looked at with every window. The record names the newest look of
// those that found the same, and every one that found something else.
func TestARecordNamesTheNewestOfDecisionsThatSayTheSame(t *testing.T) {
	t.Parallel()
	decision := func(id, gate, cohort, verdict string, codes ...string) DecisionSummary {
		return DecisionSummary{EntryID: id, Gate: gate, Cohort: cohort, Verdict: verdict, Codes: codes}
	}
	for name, c := range map[string]struct {
		made []DecisionSummary
		want []string
	}{
		"the same again": {[]DecisionSummary{
			decision("1", "health", "a", "FAIL", "NO_DATA"), decision("2", "health", "a", "FAIL", "NO_DATA"), decision("3", "health", "a", "FAIL", "NO_DATA"),
		}, []string{"3"}},
		"two cohorts by turns": {[]DecisionSummary{
			decision("1", "health", "a", "FAIL", "NO_DATA"), decision("2", "health", "b", "FAIL", "NO_DATA"),
			decision("3", "health", "a", "FAIL", "NO_DATA"), decision("4", "health", "b", "PASS"),
		}, []string{"2", "3", "4"}},
		"something else between": {[]DecisionSummary{
			decision("1", "health", "a", "PASS"), decision("2", "health", "a", "FAIL", "NO_DATA"), decision("3", "health", "a", "PASS"),
		}, []string{"1", "2", "3"}},
		"for another reason": {[]DecisionSummary{
			decision("1", "health", "a", "FAIL", "NO_DATA"), decision("2", "health", "a", "FAIL", "STALE"),
		}, []string{"1", "2"}},
		"of another gate": {[]DecisionSummary{
			decision("1", "integrity", "", "PASS"), decision("2", "contract", "", "PASS"), decision("3", "integrity", "", "PASS"),
		}, []string{"2", "3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var record Record
			for _, d := range c.made {
				version, named := record, slices.Clone(record.Decisions)
				record.SumUp(d)
				require.Equal(t, named, version.Decisions, "the version before names what it named")
			}
			var ids []string
			for _, d := range record.Decisions {
				ids = append(ids, d.EntryID)
			}
			require.Equal(t, c.want, ids)
		})
	}
}

// However often it changes: what permits stays named.
func TestARecordNamesABoundedNumberOfDecisions(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	record := Record{Decisions: []DecisionSummary{{EntryID: "oldest", At: at, Gate: "approvals", Verdict: "PASS"}}}
	for i := range 3 * maxDecisions {
		verdict := []string{"PASS", "FAIL"}[i%2]
		record.SumUp(DecisionSummary{EntryID: strconv.Itoa(i), At: at, Gate: "health", Cohort: "a", Verdict: verdict})
	}
	named := record.Decisions
	require.Len(t, named, maxDecisions)
	require.Equal(t, "oldest", named[0].EntryID, "the newest of its gate")
	require.Equal(t, strconv.Itoa(3*maxDecisions-1), named[len(named)-1].EntryID)
}
