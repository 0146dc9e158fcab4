// Package gatestest is what tests of gates and of the packages below share.
package gatestest

import (
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Cases returns how many cases a property is tried on: wanted, or as many times as
// ORGO_PROPERTY_SCALE says.
func Cases(t testing.TB, wanted int) int {
	t.Helper()
	scale, set := os.LookupEnv("ORGO_PROPERTY_SCALE")
	if !set {
		return wanted
	}
	factor, err := strconv.ParseFloat(scale, 64)
	require.NoError(t, err, "ORGO_PROPERTY_SCALE")
	require.Positive(t, factor, "ORGO_PROPERTY_SCALE")
	return int(float64(wanted) * factor)
}
