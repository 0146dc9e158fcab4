package gates_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
)

var update = flag.Bool("update", false, "add new reason codes to the golden file")

var (
	severities = []gates.Severity{gates.Sev1, gates.Sev2, gates.Sev3, gates.Sev4}
	clearers   = []gates.ClearedBy{gates.ByPublisher, gates.ByRunnerOwner, gates.ByPolicyOwner, gates.ByOperator,
		gates.ByRequester, gates.ByApprover, gates.ByTime, gates.ByNobody}
)

const golden = "testdata/reasons.golden"

// A code, once published, stays and keeps its class. New codes are appended with
// -update; a removal or a change fails here and must not be updated away.
func TestReasonCodesAreStable(t *testing.T) {
	t.Parallel()
	now := map[string]string{}
	for _, reason := range gates.Reasons() {
		_, twice := now[string(reason.Code)]
		require.False(t, twice, "%s is in the table twice", reason.Code)
		require.Regexp(t, regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$`), string(reason.Code))
		require.NotEmpty(t, reason.Meaning, reason.Code)
		require.NotEmpty(t, reason.Remedy, reason.Code)
		require.Contains(t, severities, reason.Severity, reason.Code)
		require.Contains(t, clearers, reason.ClearedBy, reason.Code)
		now[string(reason.Code)] = string(reason.Class)
	}
	data, err := os.ReadFile(golden)
	require.NoError(t, err)
	published := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		code, class, found := strings.Cut(line, " ")
		if !found {
			continue
		}
		published[code] = true
		require.Equal(t, class, now[code], "%s was published with class %s", code, class)
	}
	var added []string
	for _, reason := range gates.Reasons() {
		if !published[string(reason.Code)] {
			added = append(added, fmt.Sprintf("%s %s\n", reason.Code, reason.Class))
		}
	}
	if *update {
		require.NoError(t, os.WriteFile(golden, append(data, strings.Join(added, "")...), 0o600))
		return
	}
	require.Empty(t, added, "new codes: run go test ./gates -update")
}
