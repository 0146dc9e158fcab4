package compile

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/document"
	"github.com/initkoa/orgo/activities/reference/identity"
	"github.com/initkoa/orgo/activities/reference/spill"
	"github.com/initkoa/orgo/activities/reference/statement"
)

// Documents are taken apart into rows, and the rows are sorted. Then everything
// about one thing stands together, in the order in which it is written:
//
//	section · thing · candidate · JSON
//	section · thing · label · JSON
//	section · thing · statement · property · statement id · evidence JSON → object, qualifiers
//
// A row that comes twice is the same bytes, so repeating one changes nothing.

// section is which list of the Exchange a row belongs to.
type section byte

const (
	entities section = iota
	properties
)

// part is which part of a thing a row is.
type part byte

const (
	candidatePart part = iota
	labelPart
	statementPart
)

// headSize is the length of section, thing and part.
const headSize = 1 + identity.KeySize + 1

// rows takes documents apart.
type rows struct {
	sorter *spill.Sorter
	key    []byte
	value  []byte
	recent map[string]struct{} // rows that were added before
	count  int64
}

// maxRecent bounds what is remembered of the rows that were added.
const maxRecent = 20_000

func newRows(memory int) *rows {
	return &rows{sorter: spill.New("", memory), recent: map[string]struct{}{}}
}

func (r *rows) close() error { return r.sorter.Close() }

// document adds the rows of one document.
func (r *rows) document(doc document.Resolved) error {
	subject, err := r.entity(doc.Subject, doc.ID)
	if err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	for _, c := range doc.Claims {
		if err := r.claim(subject, c, doc.ID); err != nil {
			return fmt.Errorf("claim %q: %w", document.Excerpt(c.ClaimID), err)
		}
	}
	return nil
}

func (r *rows) claim(subject identity.Ref, c claim.ResolvedClaim, documentID string) error {
	states, err := statement.Of(subject, c, documentID)
	if err != nil {
		return err
	}
	if err := r.mentions(c.Predicate, c.Object, documentID); err != nil {
		return err
	}
	for _, q := range c.Qualifiers {
		if err := r.mentions(q.Predicate, q.Object, documentID); err != nil {
			return err
		}
	}
	if len(c.Evidence) == 0 {
		return r.statement(states, c.ClaimID, nil)
	}
	for i := range c.Evidence {
		if err := r.statement(states, c.ClaimID, &c.Evidence[i]); err != nil {
			return err
		}
	}
	return nil
}

// statement adds the row of one piece of evidence for a statement.
func (r *rows) statement(s statement.Statement, claimID string, evidence *claim.Evidence) error {
	id := s.ID()
	r.head(entities, s.Subject, statementPart)
	r.key = append(s.Property.AppendKey(r.key), id[:]...)
	var err error
	if r.key, err = statement.AppendEvidence(r.key, claimID, evidence); err != nil {
		return err
	}
	r.value = binary.AppendUvarint(r.value[:0], uint64(len(s.Object)))
	r.value = append(append(r.value, s.Object...), s.Qualifiers...)
	r.count++
	return r.sorter.Add(r.key, r.value)
}

// mentions adds the rows of the things that a claim mentions.
func (r *rows) mentions(predicate claim.ResolvedPredicate, object claim.Object, documentID string) error {
	property, err := identity.PropertyOf(predicate)
	if err != nil {
		return err
	}
	if err := r.thing(properties, property, predicate.Surface, predicate.Lang, predicate.Candidates); err != nil {
		return err
	}
	if entity, isItem := object.Value.(claim.ResolvedEntity); isItem {
		_, err = r.entity(entity, documentID)
	}
	return err
}

func (r *rows) entity(e claim.ResolvedEntity, documentID string) (identity.Ref, error) {
	ref, err := identity.Entity(e, documentID)
	if err != nil {
		return ref, err
	}
	return ref, r.thing(entities, ref, e.Surface, e.Lang, e.Candidates)
}

// thing adds the labels of a thing: the one that it is mentioned by and, where
// it was found by name, its own. Where it is not known which thing it is, it
// adds all that it may be.
func (r *rows) thing(in section, ref identity.Ref, surface, lang string, candidates []claim.Candidate) error {
	resolved := ref.Status() == claim.StatusResolved
	for _, candidate := range candidates {
		var err error
		switch {
		case !resolved:
			err = r.candidate(in, ref, candidate)
		case candidate.ID == ref.String():
			err = r.label(in, ref, candidate.Label, "")
		}
		if err != nil {
			return err
		}
	}
	return r.label(in, ref, surface, lang)
}

func (r *rows) candidate(in section, ref identity.Ref, candidate claim.Candidate) error {
	r.head(in, ref, candidatePart)
	var err error
	if r.key, err = statement.AppendCandidate(r.key, candidate); err != nil {
		return err
	}
	return r.addOnce()
}

// label adds a label; an empty one only says that there is such a thing.
func (r *rows) label(in section, ref identity.Ref, text, lang string) error {
	r.head(in, ref, labelPart)
	if label := identity.Label(text); label != "" {
		var err error
		if r.key, err = statement.AppendLabel(r.key, label, lang); err != nil {
			return err
		}
	}
	return r.addOnce()
}

func (r *rows) head(in section, ref identity.Ref, p part) {
	r.key = append(ref.AppendKey(append(r.key[:0], byte(in))), byte(p))
}

// addOnce adds the row in r.key, unless it was added a short while ago.
func (r *rows) addOnce() error {
	if _, known := r.recent[string(r.key)]; known {
		return nil
	}
	if len(r.recent) >= maxRecent {
		clear(r.recent)
	}
	r.recent[string(r.key)] = struct{}{}
	r.count++
	return r.sorter.Add(r.key, nil)
}

// row is a row, taken apart again.
type row struct {
	section section
	thing   identity.Ref
	part    part
	rest    []byte // of the key: JSON or, of a statement, what is below
	value   []byte
}

func readRow(record spill.Record) row {
	return row{
		section: section(record.Key[0]),
		thing:   identity.FromKey(record.Key[1:]),
		part:    part(record.Key[headSize-1]),
		rest:    record.Key[headSize:],
		value:   record.Value,
	}
}

// stated is the rest of a statement's row.
type stated struct {
	key        []byte // property and statement id: what its rows have in common
	property   identity.Ref
	id         statement.ID
	evidence   []byte
	object     []byte
	qualifiers []byte
}

func (r row) stated() stated {
	const keySize = identity.KeySize + len(statement.ID{})
	s := stated{key: r.rest[:keySize], property: identity.FromKey(r.rest), evidence: r.rest[keySize:]}
	copy(s.id[:], r.rest[identity.KeySize:])
	size, width := binary.Uvarint(r.value)
	s.object = r.value[width : width+int(size)]
	s.qualifiers = r.value[width+int(size):]
	return s
}

// clone returns a copy that lasts; the evidence, which differs from row to row,
// is left out.
func (s stated) clone() stated {
	s.key, s.object, s.qualifiers = bytes.Clone(s.key), bytes.Clone(s.object), bytes.Clone(s.qualifiers)
	s.evidence = nil
	return s
}
