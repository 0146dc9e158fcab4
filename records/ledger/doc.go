// Package ledger is the tamper-evident log of everything that Orgo records: a
// Merkle tree in the sense of RFC 6962 section 2.1, with signed checkpoints in
// the text form of C2SP tlog-checkpoint and signed-note.
//
// It is pure. Whoever stores the log gives it a Rows to read hashes through; it
// holds no clock, no key and no database.
package ledger
