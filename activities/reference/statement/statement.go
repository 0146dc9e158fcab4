// Package statement says what a resolved claim states, in one canonical form.
// Validate finds repeated and contradicting claims by it, and compile writes it,
// so what the one takes for the same the other merges.
package statement

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/identity"
)

// Statement is what a claim states about its subject. Object and Qualifiers are
// canonical JSON (RFC 8785); Qualifiers is an array, nil if there are none.
type Statement struct {
	Subject    identity.Ref
	Property   identity.Ref
	Object     []byte
	Qualifiers []byte
}

// Of returns what a claim about subject states. document is the identity of the
// document that the claim stands in.
func Of(subject identity.Ref, c claim.ResolvedClaim, document string) (Statement, error) {
	property, err := identity.PropertyOf(c.Predicate)
	if err != nil {
		return Statement{}, fmt.Errorf("predicate: %w", err)
	}
	object, err := appendObject(nil, c.Object, document)
	if err != nil {
		return Statement{}, fmt.Errorf("object: %w", err)
	}
	qualifiers, err := qualifiersOf(c.Qualifiers, document)
	if err != nil {
		return Statement{}, fmt.Errorf("qualifiers: %w", err)
	}
	return Statement{Subject: subject, Property: property, Object: object, Qualifiers: qualifiers}, nil
}

// ID is the identity of a statement: claims with the same one state the same.
type ID [sha256.Size]byte

// String returns "sha256:" and the hash in hex.
func (id ID) String() string { return fmt.Sprintf("sha256:%x", id[:]) }

// ID returns the SHA-256 of the statement's canonical JSON:
// {"object":…,"property":…,"qualifiers":…,"subject":…}.
func (s Statement) ID() ID {
	b := make([]byte, 0, 160+len(s.Object)+len(s.Qualifiers))
	b = append(append(b, `{"object":`...), s.Object...)
	b = append(append(b, `,"property":"`...), s.Property.String()...)
	b = append(b, '"')
	if s.Qualifiers != nil {
		b = append(append(b, `,"qualifiers":`...), s.Qualifiers...)
	}
	b = append(append(b, `,"subject":"`...), s.Subject.String()...)
	return sha256.Sum256(append(b, `"}`...))
}

// qualifiersOf returns the qualifiers as a canonical array: a set, so each once
// and sorted.
func qualifiersOf(qualifiers []claim.ResolvedQualifier, document string) ([]byte, error) {
	if len(qualifiers) == 0 {
		return nil, nil
	}
	list := make([][]byte, 0, len(qualifiers))
	for _, q := range qualifiers {
		property, err := identity.PropertyOf(q.Predicate)
		if err != nil {
			return nil, err
		}
		one, err := appendObject([]byte(`{"object":`), q.Object, document)
		if err != nil {
			return nil, err
		}
		list = append(list, fmt.Appendf(one, `,"property":"%s"}`, property))
	}
	slices.SortFunc(list, bytes.Compare)
	list = slices.CompactFunc(list, bytes.Equal)
	return append(append([]byte("["), bytes.Join(list, []byte(","))...), ']'), nil
}
