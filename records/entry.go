package records

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// EntryKind says what an entry is.
type EntryKind string

// The kinds of entries. All are append-only.
const (
	KindRecord   EntryKind = "record"   // a version of a record (Build Record, …)
	KindEvent    EntryKind = "event"    // something happened
	KindDecision EntryKind = "decision" // a gate decided
	KindOutput   EntryKind = "output"   // the authoritative output of a stage
)

// Subject is what an entry is about.
type Subject struct {
	Kind string `json:"kind"` // "build", later "release", "channel", "case", …
	ID   string `json:"id"`
}

// SystemActor is the actor of what Orgo does by itself.
const SystemActor = "orgo"

// SubjectBuild is the subject kind of everything that belongs to a build.
const SubjectBuild = "build"

// Correlation holds the ids that tie an entry to its surroundings.
type Correlation struct {
	BuildID    string `json:"build_id,omitempty"`
	ReleaseID  string `json:"release_id,omitempty"`
	CaseID     string `json:"case_id,omitempty"`
	Channel    string `json:"channel,omitempty"`
	Cohort     string `json:"cohort,omitempty"`
	Stage      Stage  `json:"stage,omitempty"`
	Generation int    `json:"generation,omitempty"`
	Attempt    int    `json:"attempt,omitempty"`
	WorkflowID string `json:"workflow_id,omitempty"`
	RunID      string `json:"run_id,omitempty"`
}

// Entry is one immutable fact. Everything that Orgo knows is the fold of its
// entries; every entry becomes a leaf of the ledger.
//
// ID is derived from what the entry means (see NewEntry), so a retried write of
// the same fact is the same entry, and the store keeps the first.
type Entry struct {
	Organization string          `json:"organization"`
	ID           string          `json:"id"`
	Kind         EntryKind       `json:"kind"`
	Type         string          `json:"type"` // "orgo.stage.finished"
	Subject      Subject         `json:"subject"`
	At           time.Time       `json:"at"`
	Actor        string          `json:"actor"`
	OnBehalfOf   string          `json:"on_behalf_of,omitempty"`
	Reason       string          `json:"reason,omitempty"`
	Codes        []string        `json:"codes,omitempty"` // sorted reason codes
	Correlation  Correlation     `json:"correlation"`
	Body         json.RawMessage `json:"body"` // canonical JSON (RFC 8785)
	Digest       Digest          `json:"digest"`
}

// NewEntry completes an entry: it makes body canonical, digests it, and derives
// the id from organization, type, subject and discriminator. The discriminator
// tells apart the entries of one type about one subject ("extract/1" for the
// start of extract in generation 1); the same fact must always get the same.
func NewEntry(e Entry, discriminator string, body any) (Entry, error) {
	canonical, err := Canonical(body)
	if err != nil {
		return Entry{}, fmt.Errorf("entry %s of %s %s: %w", e.Type, e.Subject.Kind, e.Subject.ID, err)
	}
	e.At = e.At.UTC().Truncate(time.Microsecond)
	e.Body = canonical
	e.Digest = DigestOf(canonical)
	e.ID = deriveID("entry", e.Organization, e.Type, e.Subject.Kind, e.Subject.ID, discriminator)
	return e, nil
}

// sortedDistinct sorts codes and drops repetitions, in place.
func sortedDistinct(codes []string) []string {
	slices.Sort(codes)
	return slices.Compact(codes)
}
