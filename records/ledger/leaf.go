package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/initkoa/orgo/records"
)

// leafVersion is the version of a leaf's form. A leaf never changes; a new form
// gets a new number.
const leafVersion = 1

// Leaf is what the log holds of an entry. What may have to be erased one day, a
// person's name or free text, is in the payload, and the leaf holds only a
// commitment to that.
type Leaf struct {
	Version      int                 `json:"v"`
	Organization string              `json:"organization"`
	EntryID      string              `json:"entry_id"`
	Kind         records.EntryKind   `json:"kind"`
	Type         string              `json:"type"`
	Subject      records.Subject     `json:"subject"`
	Sequence     int64               `json:"sequence"`
	At           time.Time           `json:"at"`
	Codes        []string            `json:"codes"`
	Correlation  records.Correlation `json:"correlation"`
	Payload      string              `json:"payload"` // commitment, in hex
}

// SaltSize is the length of a salt, in bytes.
const SaltSize = 16

// NewLeaf returns the leaf of an entry, which is the given one of its subject.
func NewLeaf(e records.Entry, sequence int64, salt [SaltSize]byte) (Leaf, error) {
	commitment, err := Commitment(e, salt)
	if err != nil {
		return Leaf{}, err
	}
	return ErasedLeaf(e, sequence, hex.EncodeToString(commitment[:])), nil
}

// ErasedLeaf returns the leaf of an entry whose payload is no longer what was
// committed to: the commitment, in hex, is given.
func ErasedLeaf(e records.Entry, sequence int64, commitment string) Leaf {
	return Leaf{
		Version: leafVersion, Organization: e.Organization, EntryID: e.ID, Kind: e.Kind, Type: e.Type,
		Subject: e.Subject, Sequence: sequence, At: e.At.UTC(), Codes: append([]string{}, e.Codes...),
		Correlation: e.Correlation, Payload: commitment,
	}
}

// commitmentPrefix keeps a commitment from being the hash of anything else.
const commitmentPrefix = "orgo payload v1\n"

// Commitment binds a leaf to the payload of an entry: SHA-256 over the prefix
// "orgo payload v1\n", the salt, and the canonical JSON (RFC 8785) of actor, body,
// on_behalf_of and reason. Without the salt nobody can tell from it whether a
// guessed payload is right.
func Commitment(e records.Entry, salt [SaltSize]byte) ([sha256.Size]byte, error) {
	actor, err := records.Canonical(e.Actor)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("actor of entry %s: %w", e.ID, err)
	}
	rest, err := records.Canonical(struct {
		OnBehalfOf string `json:"on_behalf_of"`
		Reason     string `json:"reason"`
	}{e.OnBehalfOf, e.Reason})
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("payload of entry %s: %w", e.ID, err)
	}
	// The body is canonical by the promise of records.NewEntry, and "body" sorts
	// after "actor" and before the rest: the object is put together, not parsed.
	hash := sha256.New()
	for _, part := range [][]byte{
		[]byte(commitmentPrefix), salt[:], []byte(`{"actor":`), actor, []byte(`,"body":`), e.Body, []byte(`,`), rest[1:],
	} {
		hash.Write(part)
	}
	return [sha256.Size]byte(hash.Sum(nil)), nil
}

// Bytes returns the leaf in canonical JSON (RFC 8785).
func (l Leaf) Bytes() ([]byte, error) { return records.Canonical(l) }

// Hash returns the hash of the leaf: RFC 6962 section 2.1, SHA-256 over 0x00 and
// its bytes.
func (l Leaf) Hash() (tlog.Hash, error) {
	content, err := l.Bytes()
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("leaf of entry %s: %w", l.EntryID, err)
	}
	return tlog.RecordHash(content), nil
}
