// Package schemas holds what is said about documents: canonical JSON, the JSON
// Schemas of the documents that Orgo owns, the contract sets that builds pin, and
// the validator that decides whether a document satisfies a schema.
//
// It is the lowest package of Orgo and imports nothing of it.
package schemas
