package gates_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/telemetry"
)

// What telemetry refuses with, the table explains.
func TestTheCodesOfTelemetryAreInTheTable(t *testing.T) {
	t.Parallel()
	for _, code := range telemetry.Codes() {
		_, known := gates.Lookup(gates.Code(code))
		require.True(t, known, code)
	}
}
