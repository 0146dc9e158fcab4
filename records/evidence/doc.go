// Package evidence writes everything that was recorded of a build into one
// directory, and checks such a directory with the log's public key alone: with no
// server, no database and no network. docs/evidence.md describes its files.
package evidence
