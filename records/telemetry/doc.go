// Package telemetry has what nodes report about a release, and what it is reduced
// to: a window for each cohort, which is what a rollout is judged by.
//
// Read reads a sample, Admit says whether it counts, and a Reducer turns samples
// into windows. A window is cumulative: it holds everything that was reported of
// its cohort up to its sequence, so that a lost signal loses nothing, and one that
// comes twice or late changes nothing (see Merge). What does not count is counted
// apart, by its code, and is never mixed in.
//
// The package is pure: the time, and what releases there are, come in.
package telemetry
