package schemas

import (
	"testing"

	"github.com/kaptinlin/jsonschema"
	"github.com/stretchr/testify/require"
)

// The library alone takes signed numbers for a time; the formats asserted here do
// not.
func TestTimesAreWrittenDigitByDigit(t *testing.T) {
	t.Parallel()
	require.True(t, jsonschema.IsTime("+1:+2:+3Z"), "the fault that this guards against")
	cases := map[string]map[string]bool{
		"time":      {"+1:+2:+3Z": false, "01:02:03Z": true, "01:02:03.5+01:00": true, "1:2:3Z": false, "25:00:00Z": false},
		"date":      {"2020-02-29": true, "2021-02-29": false, "+020-02-01": false},
		"date-time": {"2020-01-01T+1:+2:+3Z": false, "2020-01-01T01:02:03Z": true, "2020-01-01 01:02:03Z": false, "2020-01-01T01:02:03": false},
	}
	for format, values := range cases {
		for value, want := range values {
			require.Equal(t, want, formats[format](value), "%s %s", format, value)
		}
	}
}
