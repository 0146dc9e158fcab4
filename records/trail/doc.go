// Package trail reads out of the entries of a build or a release what auditors ask of it:
// what happened, what gates decided, and which artifacts are named. Everything in it is a
// function of the entries alone, so that whoever has them can say the same.
package trail
