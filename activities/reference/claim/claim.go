// Package claim has the documents that the reference stages hand to each other:
// Claim-IR and Resolved Claim-IR, version 3.0. The schemas in the pinned
// contract set say what is valid; these types are only as wide as what the
// reference stages read and write.
package claim

import "github.com/initkoa/orgo/records"

// SchemaVersion is the version of both forms.
const SchemaVersion = "3.0"

// The kinds of object values.
const (
	KindItem            = "item"
	KindString          = "string"
	KindQuantity        = "quantity"
	KindTime            = "time"
	KindMonolingualText = "monolingual_text"
	KindCoord           = "coord"
	KindURL             = "url"
)

// The statuses of a resolution.
const (
	StatusResolved   = "resolved"
	StatusAmbiguous  = "ambiguous"
	StatusUnresolved = "unresolved"
)

// Document is one Claim-IR document: the claims about one subject, as extracted
// from one record of one file.
type Document struct {
	SchemaVersion string      `json:"schema_version"`
	Document      *Source     `json:"document,omitempty"`
	Extraction    *Extraction `json:"extraction,omitempty"`
	Subject       Entity      `json:"subject"`
	Claims        []Claim     `json:"claims"`
	Warnings      []Notice    `json:"warnings,omitempty"`
}

// Source is the file and record that a document was extracted from.
type Source struct {
	DocID       string          `json:"doc_id,omitempty"` // "path#row=7"
	Title       string          `json:"title,omitempty"`  // path in the snapshot
	SourceID    string          `json:"source_id,omitempty"`
	ContentHash *records.Digest `json:"content_hash,omitempty"`
}

// Extraction says what extracted the document.
type Extraction struct {
	Producer Producer `json:"producer"`
}

// Producer is the extractor's kind ("rules"), name and version.
type Producer struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Entity refers to an entity by Q-id, by surface form, or both.
type Entity struct {
	QID        string      `json:"qid,omitempty"`
	Surface    string      `json:"surface,omitempty"`
	Lang       string      `json:"lang,omitempty"`
	Candidates []Candidate `json:"candidates,omitempty"`
}

// Predicate refers to a property by P-id, by surface form, or both.
type Predicate struct {
	PID        string      `json:"pid,omitempty"`
	Surface    string      `json:"surface,omitempty"`
	Lang       string      `json:"lang,omitempty"`
	Candidates []Candidate `json:"candidates,omitempty"`
}

// Candidate is one thing that a surface form may mean, with a score in [0,1].
type Candidate struct {
	ID     string  `json:"id"`
	Score  float64 `json:"score"`
	Label  string  `json:"label,omitempty"`
	Source string  `json:"source,omitempty"`
}

// Claim is one extracted statement.
type Claim struct {
	ClaimID    string      `json:"claim_id"`
	Predicate  Predicate   `json:"predicate"`
	Object     Object      `json:"object"`
	Qualifiers []Qualifier `json:"qualifiers,omitempty"`
	Evidence   []Evidence  `json:"evidence,omitempty"`
}

// Qualifier narrows a claim.
type Qualifier struct {
	Predicate Predicate `json:"predicate"`
	Object    Object    `json:"object"`
}

// Object is a typed value. Value's type follows Kind: Entity (item), string
// (string, url), Quantity, Time, Text, or Coord.
type Object struct {
	Kind  string `json:"kind"`
	Value any    `json:"value"`
}

// Quantity is a number with an optional unit and optional bounds of its
// uncertainty.
type Quantity struct {
	Amount     float64  `json:"amount"`
	UnitQID    string   `json:"unit_qid,omitempty"`
	LowerBound *float64 `json:"lower_bound,omitempty"`
	UpperBound *float64 `json:"upper_bound,omitempty"`
}

// Time is a point in time: ISO 8601 with at least year, month and day. Calendar
// is empty for the Gregorian one.
type Time struct {
	ISO8601   string `json:"iso8601"`
	Precision string `json:"precision,omitempty"`
	Calendar  string `json:"calendar,omitempty"`
}

// Text is text in a language.
type Text struct {
	Text string `json:"text"`
	Lang string `json:"lang"`
}

// Coord is a point on a globe, in degrees.
type Coord struct {
	Lat   float64 `json:"lat"`
	Lon   float64 `json:"lon"`
	Globe string  `json:"globe,omitempty"`
}

// Evidence points at the place a claim was read from. SourceID is the file's
// digest with a fragment: "sha256:…#row=7" (RFC 7111, rows from 1, the header
// being row 1), "#line=12" (RFC 5147 writes 0-based positions; Orgo counts
// lines from 1) or "#/a/b" (RFC 6901 §6). Title is the path in the snapshot.
type Evidence struct {
	Source EvidenceSource `json:"source"`
	Quote  string         `json:"quote,omitempty"`
}

// EvidenceSource names the source of evidence.
type EvidenceSource struct {
	SourceID string `json:"source_id"`
	Title    string `json:"title,omitempty"`
}

// Notice is a warning or an error inside a document; the schema fixes the codes.
type Notice struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Path    string `json:"path,omitempty"`
}

// Resolved is one Resolved Claim-IR document.
type Resolved struct {
	SchemaVersion string          `json:"schema_version"`
	Input         ResolvedInput   `json:"input"`
	Resolution    Resolution      `json:"resolution"`
	Subject       ResolvedEntity  `json:"subject"`
	Claims        []ResolvedClaim `json:"claims"`
	Warnings      []Notice        `json:"warnings,omitempty"`
}

// ResolvedInput names the Claim-IR document that was resolved.
type ResolvedInput struct {
	ClaimIRRef  ClaimIRRef      `json:"claim_ir_ref"`
	ClaimIRHash *records.Digest `json:"claim_ir_hash,omitempty"`
}

// ClaimIRRef refers to a Claim-IR document.
type ClaimIRRef struct {
	DocID    string `json:"doc_id,omitempty"`
	SourceID string `json:"source_id,omitempty"`
}

// Resolution says what resolved the document. RunID and CreatedAt come from the
// recipe and the pipeline's source date, never from a clock.
type Resolution struct {
	RunID     string   `json:"run_id"`
	CreatedAt string   `json:"created_at"`
	Resolver  Resolver `json:"resolver"`
}

// Resolver is the resolver's name and version.
type Resolver struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// ResolvedEntity is an entity reference with its outcome.
type ResolvedEntity struct {
	Status     string      `json:"status"`
	QID        string      `json:"qid,omitempty"`
	Surface    string      `json:"surface,omitempty"`
	Lang       string      `json:"lang,omitempty"`
	Candidates []Candidate `json:"candidates,omitempty"`
	Decision   *Choice     `json:"decision,omitempty"`
}

// ResolvedPredicate is a property reference with its outcome.
type ResolvedPredicate struct {
	Status     string      `json:"status"`
	PID        string      `json:"pid,omitempty"`
	Surface    string      `json:"surface,omitempty"`
	Lang       string      `json:"lang,omitempty"`
	Candidates []Candidate `json:"candidates,omitempty"`
	Decision   *Choice     `json:"decision,omitempty"`
}

// Choice says how a candidate was chosen: "exact_match" or "alias_match".
type Choice struct {
	Method string `json:"method"`
}

// ResolvedClaim is one statement with resolved references. The value of an
// Object of kind item is a ResolvedEntity.
type ResolvedClaim struct {
	ClaimID    string              `json:"claim_id"`
	Predicate  ResolvedPredicate   `json:"predicate"`
	Object     Object              `json:"object"`
	Qualifiers []ResolvedQualifier `json:"qualifiers,omitempty"`
	Evidence   []Evidence          `json:"evidence,omitempty"`
}

// ResolvedQualifier narrows a resolved claim.
type ResolvedQualifier struct {
	Predicate ResolvedPredicate `json:"predicate"`
	Object    Object            `json:"object"`
}
