// Package triage says what an entry means for Cases: that one is needed, that what
// opened one is gone, that a Task of one is done, or that nobody needs one any more.
//
//	entry ──► Needs ──► Context ──► Of(entry, context) ──► meanings
//
// It is pure, and a table by the type of the entry. A meaning names the cause it is
// about, never a Case: whoever carries it out looks whether the cause has an open Case.
// To open one for a cause that has one is a recurrence; what else is said of a cause
// without an open Case means nothing. The meanings of one entry are carried out in
// their order, and carried out again they change nothing.
//
// The table is written out in docs/cases.md.
package triage
