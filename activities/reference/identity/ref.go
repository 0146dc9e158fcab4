package identity

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/initkoa/orgo/activities/reference/claim"
)

// Class is what is known of a thing. Classes are ordered: what has an id of its
// own comes first.
type Class byte

// The classes of things.
const (
	// Item and Property have an id that somebody gave them, and a number.
	Item     Class = 1
	Property Class = 2
	// Named is a thing of which only a name is known: every mention of the name,
	// but for case, means it.
	Named Class = 3
	// Ambiguous is a thing whose name may mean several. An entity is told apart
	// by the document that names it too: making one of all would be a guess.
	Ambiguous Class = 4
)

// Ref identifies an entity or a property. Refs are compared with ==.
type Ref struct {
	class Class
	id    [16]byte // the number, big endian, or a hash
}

// errNoName says that a reference has neither an id nor a name.
var errNoName = errors.New("reference has neither an id nor a name")

// Entity identifies what a resolved reference means. document is the identity of
// the document that it stands in.
func Entity(e claim.ResolvedEntity, document string) (Ref, error) {
	switch {
	case e.Status == claim.StatusResolved:
		return numbered(Item, e.QID, 'Q')
	case e.Surface == "":
		return Ref{}, errNoName
	case e.Status == claim.StatusAmbiguous:
		return hashed(Ambiguous, "ambiguous entity", Fold(e.Surface), document), nil
	default:
		return hashed(Named, "entity", Fold(e.Surface)), nil
	}
}

// PropertyOf identifies what a resolved predicate means. An ambiguous one is the
// same wherever it comes: a name of a column, not of a thing.
func PropertyOf(p claim.ResolvedPredicate) (Ref, error) {
	switch {
	case p.Status == claim.StatusResolved:
		return numbered(Property, p.PID, 'P')
	case p.Surface == "":
		return Ref{}, errNoName
	case p.Status == claim.StatusAmbiguous:
		return hashed(Ambiguous, "ambiguous property", Fold(p.Surface)), nil
	default:
		return hashed(Named, "property", Fold(p.Surface)), nil
	}
}

func numbered(class Class, id string, letter byte) (Ref, error) {
	number, err := Number(id, letter)
	if err != nil {
		return Ref{}, err
	}
	ref := Ref{class: class}
	binary.BigEndian.PutUint64(ref.id[8:], number)
	return ref, nil
}

// hashed makes an id of 128 bits from parts, the first of which says of what.
func hashed(class Class, parts ...string) Ref {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	ref := Ref{class: class}
	copy(ref.id[:], h.Sum(nil))
	return ref
}

// Class returns what is known of the thing.
func (r Ref) Class() Class { return r.class }

// Status returns the status of a reference to the thing.
func (r Ref) Status() string {
	switch r.class {
	case Named:
		return claim.StatusUnresolved
	case Ambiguous:
		return claim.StatusAmbiguous
	default:
		return claim.StatusResolved
	}
}

// String returns the id: "Q42", "P31", or "local:" and 32 hex digits.
func (r Ref) String() string {
	switch r.class {
	case Item:
		return "Q" + strconv.FormatUint(binary.BigEndian.Uint64(r.id[8:]), 10)
	case Property:
		return "P" + strconv.FormatUint(binary.BigEndian.Uint64(r.id[8:]), 10)
	default:
		return "local:" + hex.EncodeToString(r.id[:])
	}
}

// KeySize is the length of a key.
const KeySize = 17

// AppendKey appends the key of r: bytes that sort by class, then by number or
// hash.
func (r Ref) AppendKey(to []byte) []byte {
	return append(append(to, byte(r.class)), r.id[:]...)
}

// FromKey returns the Ref whose key is at the start of key.
func FromKey(key []byte) Ref {
	ref := Ref{class: Class(key[0])}
	copy(ref.id[:], key[1:KeySize])
	return ref
}
