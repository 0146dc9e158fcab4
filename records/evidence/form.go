package evidence

import (
	"encoding/hex"
	"encoding/json"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/ledger"
)

// Format names the form of a bundle.
const Format = "orgo-evidence/1"

// The files of a bundle.
const (
	headerFile     = "evidence.json"
	checkpointFile = "checkpoint"
	entriesFile    = "entries.jsonl"
	artifactsDir   = "artifacts"
)

// header says what a bundle is about.
type header struct {
	Format       string `json:"format"`
	Organization string `json:"organization"`
	BuildID      string `json:"build_id"`
	ReleaseID    string `json:"release_id,omitempty"` // of a release, which brings that build
}

// line is an entry with its place in the log: a line of entries.jsonl, in canonical
// JSON.
type line struct {
	Leaf     int64         `json:"leaf"`
	Sequence int64         `json:"sequence"`
	Salt     string        `json:"salt"`             // hex; empty once the entry was erased
	Erased   string        `json:"erased,omitempty"` // then the leaf's commitment, hex
	Proof    [][]byte      `json:"proof"`            // audit path (RFC 6962 section 2.1.1)
	Entry    records.Entry `json:"entry"`
}

// erasureOf is the subject whose entry says that a line was erased.
func erasureOf(l line) records.Subject {
	return records.Subject{Kind: records.SubjectErasure, ID: l.Entry.ID}
}

// leaf returns what the log holds of the entry.
func (l line) leaf() (ledger.Leaf, error) {
	if l.Erased != "" {
		if l.Salt != "" {
			return ledger.Leaf{}, refusef("entry %s: it was erased and has a salt", l.Entry.ID)
		}
		return ledger.ErasedLeaf(l.Entry, l.Sequence, l.Erased), nil
	}
	var salt [ledger.SaltSize]byte
	decoded, err := hex.DecodeString(l.Salt)
	if err != nil || len(decoded) != ledger.SaltSize || hex.EncodeToString(decoded) != l.Salt {
		return ledger.Leaf{}, refusef("entry %s: its salt is not %d bytes of lower-case hex", l.Entry.ID, ledger.SaltSize)
	}
	copy(salt[:], decoded)
	return ledger.NewLeaf(l.Entry, l.Sequence, salt)
}

// artifactName is the path of an artifact in a bundle.
func artifactName(digest records.Digest) string {
	return artifactsDir + "/" + digest.Alg + "-" + digest.Value
}

// required returns the documents whose bytes belong to the evidence of a build, in
// order and each once: what it was asked, unless that was erased, what it was tied
// to, what its inputs were, what validation reported, and what was signed. What it
// made is named by digest, and not among them: that is what was shipped.
func (e ending) required() []records.Ref {
	record, attested := e.record, e.attested
	list := []records.Ref{record.MandateBundle, record.Snapshot, record.Outputs.Validation.Report}
	if !e.requestErased {
		list = append(list, record.Request)
	}
	if record.PinsRef != nil && record.Pins != nil {
		list = append(list, *record.PinsRef, record.Pins.Pipeline, record.Pins.Contracts)
		for _, stage := range record.Pins.Stages {
			list = append(list, stage.Config)
		}
	}
	for _, attestation := range attested.Attestations {
		list = append(list, attestation.Bundle)
	}
	return distinct(list)
}

// distinct returns each document once, as it comes first.
func distinct(list []records.Ref) []records.Ref {
	var once []records.Ref
	seen := map[records.Digest]bool{}
	for _, ref := range list {
		if !seen[ref.Digest] {
			seen[ref.Digest] = true
			once = append(once, ref)
		}
	}
	return once
}

// ending is how a build ended, from its own entries: what all other evidence hangs on.
type ending struct {
	record       records.BuildRecord
	attested     records.RecordAttested
	attestedLeaf int64
	// recordErased and requestErased say that the record is no longer what its hash
	// says, and that the request document is gone.
	recordErased, requestErased bool
}

// endingOf returns the record of a build that ended, and what is attested of it.
func endingOf(lines []line) (ending, error) {
	var e ending
	var recorded, attested bool
	for _, l := range lines {
		var into any
		switch l.Entry.Type {
		case records.TypeBuildRequested:
			e.requestErased = l.Erased != ""
			continue
		case records.TypeRecordWritten:
			recorded, into, e.recordErased = true, &e.record, l.Erased != ""
		case records.TypeRecordAttested:
			attested, into, e.attestedLeaf = true, &e.attested, l.Leaf
		default:
			continue
		}
		if err := json.Unmarshal(l.Entry.Body, into); err != nil {
			return e, refusef("entry %s (%s): %v", l.Entry.ID, l.Entry.Type, err)
		}
	}
	switch {
	case !recorded:
		return e, refusef("the build has no record: it has not ended")
	case !attested:
		return e, refusef("the build's record is not attested: its worker had no signing key")
	default:
		return e, nil
	}
}
