package gates_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/cases"
)

// What a Case refuses with, the table explains.
func TestTheCodesOfCasesAreInTheTable(t *testing.T) {
	t.Parallel()
	for _, code := range cases.Codes() {
		_, known := gates.Lookup(gates.Code(code))
		require.True(t, known, code)
	}
}
