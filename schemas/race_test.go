//go:build race

package schemas

// underRace: the race detector makes pure computation ten times as slow, and
// finds nothing in it. Tests that are such are left to the run without it.
const underRace = true
