// Package gates decides. It is pure: no I/O, no clock, no SDK, no SQL. Whoever
// reads it knows what Orgo permits.
//
// A gate is a function from evidence, policy and a given time to a Decision.
// Activities gather the evidence; workflows call the gate; the same evidence
// under the same policy and evaluator version gives the same decision, byte for
// byte.
//
// Every gate fails closed: a Decision starts without a verdict that permits
// anything, and only findings that are each PASS make it one. Missing, malformed
// or unchecked evidence is a finding of its own, never the absence of one.
package gates
