package triage_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/triage"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

func TestALogThatIsNotWhatWasRecordedIsAnIncident(t *testing.T) {
	t.Parallel()
	for _, problems := range [][]string{nil, {"leaf 2, entry e: it is not what was hashed"}, {strings.Repeat("ä", 2000), "another"}} {
		e, err := records.NewEntry(records.Entry{
			Organization: records.DefaultOrganization, Kind: records.KindEvent, Type: records.TypeLedgerTampered,
			Subject: records.Subject{Kind: records.SubjectLedger, ID: "orgo.test/log"}, Actor: records.SystemActor, Codes: []string{string(gates.LedgerTampered)},
		}, "", records.LedgerTampered{Problems: problems})
		require.NoError(t, err)
		found := of(t, e, triage.Context{})
		require.Equal(t, []string{"open audit/ledger/orgo.test/log"}, said(found))
		admitted(t, e, found[0])
		o := found[0].Opening
		require.Equal(t, []string{string(gates.LedgerTampered)}, o.Codes)
		require.Equal(t, cases.Incident, o.Category)
		require.True(t, strings.HasPrefix(o.Summary, "The log is not what was recorded"))
		if len(problems) > 0 {
			require.Contains(t, o.Summary, "first: "+string([]rune(problems[0])[:40]))
		}
	}
}
