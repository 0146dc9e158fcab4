// Package mandate reads mandate bundles, the files in which operators write policy.
// It is the one place that says what a bundle must be before it decides anything:
// well-formed, of its schema, signed by whom it must be, and made of rules that gates
// understand. Everything that is wrong is found at once, and where it stands.
//
// It also runs the cases that operators write beside a bundle, and compares bundles.
// Like gates it is pure: bytes in, no I/O, no clock.
package mandate
