//go:build !race

package schemas

// underRace: see the file for the race detector.
const underRace = false
