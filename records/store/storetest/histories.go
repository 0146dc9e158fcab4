package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates/gatestest"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store/storetest/casehistory"
)

var histories = map[string]func(*testing.T, fixture){
	"whatever actors do to Cases at once breaks no rule": testHistories,
	"a store that breaks a rule of Cases is found out":   testHistoryFaults,
}

const (
	// plays is how many times actors play, and steps how many things each does then.
	plays, steps = 6, 40
	// faultyPlays is within how many a planted fault must show. Most show in the first; but
	// nobody says when actors that play at once meet it.
	faultyPlays = 50
)

// play has actors do things to Cases of an organization of their own, and returns the
// rules that were broken.
func play(t *testing.T, seed uint64, outcomes map[string]int, stores ...casehistory.Store) []casehistory.Violation {
	t.Helper()
	organization := records.CaseID(acme, "play", fmt.Sprint(seed), 1)
	histories, err := casehistory.Play(t.Context(), seed, steps, organization, stores...)
	require.NoError(t, err)
	var broken []casehistory.Violation
	for _, h := range histories {
		h.Outcomes(outcomes)
		broken = append(broken, casehistory.Check(h)...)
	}
	return broken
}

func testHistories(t *testing.T, f fixture) {
	second := Open(t, f.DSN) // as another process has
	outcomes := map[string]int{}
	scaled := gatestest.Cases(t, plays)
	for seed := range uint64(scaled) {
		var broken strings.Builder
		for _, violation := range play(t, seed, outcomes, f.store, second) {
			fmt.Fprintf(&broken, "%s:\n    %s\n", violation.Rule, violation.Detail)
		}
		require.Empty(t, broken.String(), "seed %d", seed)
	}
	requireWhole(t, f.store)
	t.Logf("seeds 0 to %d: %v", scaled-1, outcomes)
	if scaled < plays {
		return
	}
	for _, outcome := range []string{
		cases.TypeOpened, cases.TypeMoved, cases.TypeReopened, cases.TypeAssigned, cases.TypeLinked, cases.TypeCommented, cases.TypeRecurred, cases.TypeCleared,
		cases.TypeEscalated, cases.TypeTaskOpened, cases.TypeTaskMoved, cases.TypeTaskOwned, cases.TypeTaskNoted,
		string(cases.CodeStale), string(cases.CodeTransition), string(cases.CodeTerminal), string(cases.CodeTaskTerminal), string(cases.CodeTaskUnknown),
		string(cases.CodeTasksOpen), string(cases.CodeReview), string(cases.CodeReason), string(cases.CodeResolution), string(cases.CodeNotDue),
		"COMPLETED to OPEN", "CANCELLED to OPEN", "FAILED to OPEN", "BLOCKED to IN_PROGRESS", "IN_PROGRESS to WAITING_REVIEW",
	} {
		require.Positive(t, outcomes[outcome], "no actor met %s", outcome)
	}
}

// Planted faults: each breaks a rule, and the judge finds that it does.
func testHistoryFaults(t *testing.T, f fixture) {
	if testing.Short() {
		t.Skip("SHORT: what the judge finds, it finds without the race detector")
	}
	second := Open(t, f.DSN)
	for i, fault := range casehistory.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			faulty := []casehistory.Store{fault.Plant(f.store), fault.Plant(second)}
			for n := range faultyPlays {
				for _, violation := range play(t, uint64(faultyPlays*i+n), map[string]int{}, faulty...) {
					if violation.Rule == fault.Rule {
						return
					}
				}
			}
			t.Errorf("nobody found that %q is broken", fault.Rule)
		})
	}
}
