package store

import (
	"errors"
	"fmt"

	"github.com/initkoa/orgo/records"
)

// ErrNotFound is returned for what the organization does not have.
var ErrNotFound = errors.New("not found")

// ErrClosed is returned by a store that was closed.
var ErrClosed = errors.New("the store is closed")

// EntryConflict refuses an entry whose id is taken by another fact. Nothing of
// its Append was written.
type EntryConflict struct {
	Organization string
	EntryID      string
	Kept         records.Digest // body of the stored entry
	Refused      records.Digest // body of the entry that was offered
}

// Error names the entry and both bodies.
func (e *EntryConflict) Error() string {
	return fmt.Sprintf("entry %s of organization %s is stored with body %s and cannot become %s (or change its kind, type or subject): "+
		"entries are append-only, so give the new fact its own discriminator", e.EntryID, e.Organization, e.Kept, e.Refused)
}

// OutputConflict refuses a second output under a stage's idempotency key.
// Nothing of its Append was written.
type OutputConflict struct {
	Organization string
	Key          string
	Kept         records.Digest // identity of the authoritative outputs
	Refused      records.Digest // identity of the outputs that were offered
}

// Error names the key and both identities.
func (e *OutputConflict) Error() string {
	return fmt.Sprintf("stage key %s of organization %s has the authoritative outputs %s and cannot get %s: "+
		"find out why the stage is not deterministic, or retry it as a new generation", e.Key, e.Organization, e.Kept, e.Refused)
}

// InvalidEntry refuses an entry that no database should hold.
type InvalidEntry struct {
	EntryID string
	Type    string
	Reason  string
}

// Error names the entry and what is wrong with it.
func (e *InvalidEntry) Error() string {
	return fmt.Sprintf("entry %q (%s) is refused: %s", e.EntryID, e.Type, e.Reason)
}

// InvalidCursor refuses a page cursor that this store did not issue.
type InvalidCursor struct{ Cursor string }

// Error names the cursor.
func (e *InvalidCursor) Error() string {
	return fmt.Sprintf("cursor %q is not one this store issued: start again without a cursor", e.Cursor)
}

// SchemaMismatch says that the database's schema is not the one that this
// binary was made for. Version 0 is a database without a schema.
type SchemaMismatch struct{ Have, Want int64 }

// Error says which side is behind and what to do.
func (e *SchemaMismatch) Error() string {
	if e.Have > e.Want {
		return fmt.Sprintf("the database has schema version %d, newer than the %d this orgo knows: run a newer orgo", e.Have, e.Want)
	}
	return fmt.Sprintf("the database has schema version %d and this orgo needs %d: run \"orgo migrate\"", e.Have, e.Want)
}

// Unavailable wraps a failure of the database or of the way to it. The same
// call may succeed later; an Append that ended so may or may not have been
// stored, and repeating it is safe.
type Unavailable struct {
	Op  string
	Err error
}

// Error says what could not be done, and why.
func (e *Unavailable) Error() string { return fmt.Sprintf("%s: database unavailable: %v", e.Op, e.Err) }

// Unwrap returns the driver's error.
func (e *Unavailable) Unwrap() error { return e.Err }
