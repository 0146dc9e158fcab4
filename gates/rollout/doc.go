// Package rollout says what may become active where, and how it is taken back. It
// has two machines, each pure: state and event in, state and effects out.
//
//   - A Channel is the only writer of what is active on it. It admits forward moves,
//     contains what is bad, chooses what to go back to, and numbers every index
//     that it publishes.
//   - A Release takes one pack through its stages. It asks its channel for every
//     move, and never writes what is active.
//
// Workflows turn what happens into events and effects into activities, so that the
// machines that tests search through are those that run. TableDigest names them.
//
// Containment never depends on a release: a channel takes Contain and Restore from
// whoever may ask, whatever state the release is in.
package rollout
