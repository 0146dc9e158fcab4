// Package store keeps Orgo's entries and the read models folded from them, in
// SQLite or in Postgres, behind one implementation.
//
// Append is the only write of entries. In one transaction it inserts the entries, gives
// each the next sequence number of its subject, and folds it into the read model
// with the pure reducers of package records. Nothing is stored that is not an
// entry or the fold of entries:
//
//	entries        append-only   the facts, with their canonical bodies
//	stage_outputs  append-only   which entry is the authoritative output of a stage key
//	subjects       derived       the last sequence number of each subject
//	builds         derived       records.BuildView of each build
//	cases, case_owners, tasks
//	               derived       cases.Case of each Case, and what lists are filtered by
//	positions      derived       how far each consumer of the log came
//
// AppendTelemetry is the one other write. Samples of telemetry are bulk data: no
// entries, and without leaves in the ledger. What is decided on a window of them is
// an entry, which holds the window's digest:
//
//	telemetry_samples append-only   what nodes reported about a release
//	telemetry_heads   derived       the last position of each release
//
// The database itself refuses UPDATE, DELETE and TRUNCATE of the append-only
// tables, by trigger, to their owner too. On Postgres the service can also run
// under a role that holds no such right: see postgres-roles.sql.
//
// Entry ids are derived from what an entry means, so appending again is always
// safe and yields what was stored first. A caller that does not know whether an
// Append succeeded (a lost connection, a canceled context) repeats it.
package store
