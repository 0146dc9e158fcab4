package extract

import (
	"math"
	"strings"

	"github.com/initkoa/orgo/activities/reference/claim"
)

// The names of fields, in lower case, that name the subject of a record: its
// Q-id, and what it is called. The first that a record has a value for counts.
var (
	qidNames     = []string{"qid", "wikidata", "wikidata_id", "wikidata_qid", "item", "id"}
	surfaceNames = []string{"name", "label", "title", "itemlabel", "subject", "entity", "item", "identifier", "id", "key", "code", "slug"}
)

// noRank is the rank of a field that does not name the subject.
const noRank = math.MaxInt

// rank returns the position of a field's name among names, case aside; smaller
// is better. A nested field counts by its last part, after all that are not
// nested.
func rank(name string, names []string) int {
	nested := 0
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		name, nested = name[dot+1:], len(names)
	}
	for i, known := range names {
		if strings.EqualFold(name, known) {
			return nested + i
		}
	}
	return noRank
}

// isSubjectName reports whether a member of an object that holds records makes
// it a record itself.
func isSubjectName(name string) bool {
	return !strings.Contains(name, ".") && (rank(name, qidNames) < noRank || rank(name, surfaceNames) < noRank)
}

// subject is what a record is about, and the fields that say so: they make no
// claims.
type subject struct {
	entity  claim.Entity
	qid     int // index of the field, or -1
	surface int
}

// names reports whether field i is what names the subject.
func (s subject) names(i int) bool { return i == s.qid || i == s.surface }

// subjectOf finds the subject of a record. ok is false if there is none.
func (b *builder) subjectOf(rec *record) (found subject, ok bool, err error) {
	found = subject{qid: -1, surface: -1}
	if err := b.findQID(rec, &found); err != nil {
		return subject{}, false, err
	}
	switch m := b.mapping; {
	case m != nil && m.template != nil:
		found.entity.Surface = fill(m.template, rec.fields)
	case m != nil && m.Subject != "":
		found.surface = firstNamed(rec.fields, m.Subject)
	default:
		b.findSurface(rec, &found)
	}
	if found.surface >= 0 {
		found.entity.Surface = rec.fields[found.surface].value.text
	}
	if found.entity.QID == "" && isID(found.entity.Surface, 'Q') {
		found.entity = claim.Entity{QID: found.entity.Surface}
	}
	return found, found.entity.QID != "" || found.entity.Surface != "", nil
}

// findQID looks for the field with the Q-id: the one that the mapping names, or
// the best of qidNames whose value is one.
func (b *builder) findQID(rec *record, found *subject) error {
	if b.mapping != nil && b.mapping.SubjectQID != "" {
		i := firstNamed(rec.fields, b.mapping.SubjectQID)
		if i < 0 {
			return nil
		}
		qid, ok := qidOf(rec.fields[i].value.text)
		if !ok {
			return misfit(rec.place, "field %q is mapped to the subject's Q-id but has the value %q", rec.fields[i].name, rec.fields[i].value.text)
		}
		found.qid, found.entity.QID = i, qid
		return nil
	}
	best := noRank
	for i, f := range rec.fields {
		if f.value.link != nil {
			continue
		}
		if plan := b.plan(f.name); plan.qidRank < best {
			if qid, ok := qidOf(f.value.text); ok {
				best, found.qid, found.entity.QID = plan.qidRank, i, qid
			}
		}
	}
	return nil
}

// findSurface looks for the field with the name: the best of surfaceNames, or
// without any, and without a Q-id, the first of all.
func (b *builder) findSurface(rec *record, found *subject) {
	best, first := noRank, -1
	for i, f := range rec.fields {
		if f.value.link != nil || i == found.qid {
			continue
		}
		if first < 0 {
			first = i
		}
		if plan := b.plan(f.name); plan.surfaceRank < best {
			best, found.surface = plan.surfaceRank, i
		}
	}
	if found.surface < 0 && found.qid < 0 {
		found.surface = first
	}
}

// qidOf returns the Q-id that text is, or names as a URI.
func qidOf(text string) (string, bool) {
	if isID(text, 'Q') {
		return text, true
	}
	return itemOfURL(text)
}

// firstNamed returns the index of the first scalar field of the given name, or
// -1.
func firstNamed(fields []field, name string) int {
	for i, f := range fields {
		if f.name == name && f.value.link == nil {
			return i
		}
	}
	return -1
}

// fill returns the template with the fields' values, or nothing if a field is
// missing.
func fill(template []piece, fields []field) string {
	var text strings.Builder
	for _, piece := range template {
		if !piece.field {
			text.WriteString(piece.text)
			continue
		}
		i := firstNamed(fields, piece.text)
		if i < 0 {
			return ""
		}
		text.WriteString(fields[i].value.text)
	}
	return strings.TrimSpace(text.String())
}
