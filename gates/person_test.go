package gates_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// The gates themselves take two writings of a name for one person, whoever asks them.
func TestGlassIsNotBrokenByOnePersonUnderTwoNames(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	faults := func(by ...string) []gates.Code {
		var codes []gates.Code
		for _, f := range gates.GlassFaults(gates.Context{At: at}, gates.GlassInputs{ReleaseID: "r", Requester: "ann", Glass: release.BreakGlass{
			CaseID: "4b1f0c6e-0000-4000-8000-000000000001", Reason: "outage", Gates: []string{"freeze"}, Intent: records.DigestOf([]byte("i")),
			By: by, OpenedAt: at, ExpiresAt: at.Add(time.Hour), ReviewBy: at.Add(time.Hour),
		}}) {
			codes = append(codes, f.Code)
		}
		return codes
	}
	require.NotContains(t, faults("bob", "carol"), gates.GlassUnconfirmed)
	require.Contains(t, faults("bob", "BOB"), gates.GlassUnconfirmed)
	require.Contains(t, faults("bob", "b\u00adob"), gates.GlassUnconfirmed)
	require.Contains(t, faults("Orgo", "bob"), gates.OverrideForbidden)
}
