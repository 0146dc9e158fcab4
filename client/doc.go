// Package client is the thin Go client of the Orgo API: it starts builds, reads
// them, follows them to their end, and moves artifacts. It needs nothing but the
// types in package records.
//
// Calls that may safely be repeated are repeated when the server cannot be
// reached: reads, uploads of content that can be read again, and everything that
// carries an idempotency key, always under the same key.
package client
