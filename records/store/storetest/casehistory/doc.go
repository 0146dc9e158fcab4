// Package casehistory lets actors do random things to the Cases of a store at the same
// time, and judges what came of it.
//
// The judge folds nothing with package cases: it has the lifecycle of CONTRACTS §1 and
// docs/cases.md written down once more, as tables and a small model. It replays the log
// of a Case on that model, and holds every answer and every view that an actor got
// against it: each must be right for a version of the Case that was current at some
// moment between the question and the answer.
package casehistory
