package gates_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
)

const reasonsPage = "../docs/reason-codes.md"

// The page of reason codes is made from the table; -update writes it.
func TestThePageOfReasonCodesIsFresh(t *testing.T) {
	t.Parallel()
	page := renderReasons()
	if *update {
		require.NoError(t, os.WriteFile(reasonsPage, []byte(page), 0o600))
		return
	}
	written, err := os.ReadFile(reasonsPage)
	require.NoError(t, err)
	require.Equal(t, page, string(written), "stale: run go test ./gates -update")
}

func renderReasons() string {
	var b strings.Builder
	b.WriteString(`<!-- Generated from gates/reasons.go by go test ./gates -update. Do not edit. -->

# Reason codes

Every refusal and failure bears a stable code; none is ever removed or gets another meaning. ` + "`orgo explain CODE`" + ` says the same.
The severity is that of a refusal with the code for itself: SEV1 is the worst. That of an incident follows from what is around it, too ([cases.md](cases.md)). *Again* says whether
trying again unchanged can help.

| Code | Class | Severity | What it means | What to do | Cleared by | Again |
| --- | --- | --- | --- | --- | --- | --- |
`)
	for _, r := range gates.Reasons() {
		again := "may help"
		if r.Final {
			again = "no"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", r.Code, r.Class, r.Severity, r.Meaning, r.Remedy, r.ClearedBy, again)
	}
	return b.String()
}
