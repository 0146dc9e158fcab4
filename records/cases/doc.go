// Package cases holds Cases and the Tasks in them: governed work of people, that
// failures, reviews and incidents become.
//
// A Case is the fold of the entries of its subject, and so are its Tasks: a Task is
// always one of a Case. Reduce is the only place that says what may happen to either.
// The store folds with it in the transaction that appends an entry, so what is not
// legal is never written, with or without Temporal.
//
//	entry ──► Reduce(view, entry) ──► view        what is true now
//	                                   │
//	                                   └─► Next(view) ──► when something is due
//
// How a Case is handled (who owns it, by when, who hears of it when nobody does) is
// its Route. That is decided once, by package gates from policy, and recorded with the
// entry that opens the Case.
package cases
