// Package release has what is asked of a release, what is decided on, and the
// Release Record (CONTRACTS §1). How a release moves is in gates/rollout.
package release
