// Package nodes plays the nodes that releases reach, through the public API alone: as
// a node would, it looks what is active in its cohort, says that it runs that, and
// then how each use of it ended. Failures can be injected.
package nodes
