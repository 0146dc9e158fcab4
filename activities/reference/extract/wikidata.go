package extract

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/initkoa/orgo/activities/reference/claim"
)

// isEntityID reports whether text is the id of an item, property, lexeme or
// media file of Wikidata.
func isEntityID(text string) bool {
	return text != "" && strings.IndexByte("QPLM", text[0]) >= 0 && isID(text, text[0])
}

// isEntity reports whether an object is an entity in the JSON form of Wikibase:
// it has an id, and labels or claims.
func isEntity(n *node) bool {
	return isEntityID(n.get("id").string()) && (n.get("labels").is(objectNode) || n.get("claims").is(objectNode))
}

// The ranks of statements.
const (
	rankPreferred  = "preferred"
	rankNormal     = "normal"
	rankDeprecated = "deprecated"
)

// entity turns one entity of Wikidata into a document.
type entity struct {
	f    *file
	flat *flattener
	doc  *claim.Document
	base string // fragment of the entity
}

// emitEntity writes the document of an entity. Only items can be subjects; other
// entities are left out and recorded.
func (f *file) emitEntity(n *node, pointer string, flat *flattener) error {
	id := n.get("id").text
	base := flat.at(pointer, n)
	if id[0] != 'Q' {
		f.leaveOut(base, "entity "+id+" is not an item")
		return nil
	}
	e := &entity{f: f, flat: flat, base: base}
	e.doc = f.builder.begin(base, e.subject(n, id))
	e.terms(n, "labels", "label", pointer)
	e.terms(n, "descriptions", "description", pointer)
	e.terms(n, "aliases", "alias", pointer)
	claims := n.get("claims")
	for i := range claims.fields() {
		property := &claims.members[i]
		if err := e.property(property.name, &property.value, pointer+"/claims/"+escapeToken(property.name)); err != nil {
			return err
		}
	}
	place := flat.place(pointer)
	if len(e.doc.Claims) > f.limits.Fields {
		return tooLarge(place, "the entity has %d claims, more than limits.fields, %d", len(e.doc.Claims), f.limits.Fields)
	}
	finish(e.doc)
	return f.write(e.doc, place)
}

// fields returns the members of an object. Wikidata writes an empty one as [].
func (n *node) fields() []member {
	if n == nil {
		return nil
	}
	return n.members
}

// subject returns the item with its label: the English one, else the one for
// all languages, else the first.
func (e *entity) subject(n *node, id string) claim.Entity {
	labels := n.get("labels")
	for _, lang := range []string{"en", "mul"} {
		if text := strings.TrimSpace(labels.get(lang).get("value").string()); text != "" {
			return labelled(id, lang, text)
		}
	}
	for _, m := range labels.fields() {
		if text := strings.TrimSpace(m.value.get("value").string()); text != "" {
			return labelled(id, m.name, text)
		}
	}
	return claim.Entity{QID: id}
}

func labelled(id, lang, text string) claim.Entity {
	if !langPattern.MatchString(lang) {
		lang = ""
	}
	return claim.Entity{QID: id, Surface: text, Lang: lang}
}

// terms makes claims of the labels, descriptions or aliases. The label that
// names the subject makes none. What is in a language whose tag the contract
// does not admit is counted in one warning.
func (e *entity) terms(n *node, section, predicate, pointer string) {
	pointer += "/" + section
	skipped := 0
	for _, m := range n.get(section).fields() {
		texts := m.value.items
		if !m.value.is(arrayNode) {
			texts = []node{m.value}
		}
		if !langPattern.MatchString(m.name) {
			skipped += len(texts)
			continue
		}
		for i := range texts {
			text := strings.TrimSpace(texts[i].get("value").string())
			about := e.doc.Subject
			if text == "" || section == "labels" && about.Lang == m.name && about.Surface == text {
				continue
			}
			at := pointer + "/" + m.name
			if m.value.is(arrayNode) {
				at += "/" + strconv.Itoa(i)
			}
			e.add(claim.Claim{
				Predicate: claim.Predicate{Surface: predicate},
				Object:    claim.Object{Kind: claim.KindMonolingualText, Value: claim.Text{Text: text, Lang: m.name}},
			}, at, &texts[i])
		}
	}
	if skipped > 0 {
		e.warn(pointer, fmt.Sprintf("%d %s are in languages whose tags are not of the form xx or xx-XX; no claims were made", skipped, section))
	}
}

// property makes claims of the statements about one property: those of the best
// rank, as in Wikidata's own queries.
func (e *entity) property(id string, statements *node, pointer string) error {
	if !isID(id, 'P') || !statements.is(arrayNode) {
		return unparsable(e.flat.place(pointer), errors.New("the member is not a property with a list of statements"))
	}
	best := rankNormal
	for i := range statements.items {
		if statements.items[i].get("rank").string() == rankPreferred {
			best = rankPreferred
		}
	}
	for i := range statements.items {
		statement, at := &statements.items[i], pointer+"/"+strconv.Itoa(i)
		switch rank := statement.get("rank").string(); rank {
		case rankPreferred, rankNormal, rankDeprecated:
			if rank != best {
				e.f.tally.ranked++
				continue
			}
		default:
			return unparsable(e.flat.place(at), fmt.Errorf("the statement's rank %q is none of preferred, normal and deprecated", rank))
		}
		if err := e.statement(statement, id, at); err != nil {
			return err
		}
	}
	return nil
}

// statement makes a claim of one statement, unless it says that there is no
// value or that it is not known.
func (e *entity) statement(n *node, id, pointer string) error {
	object, known, err := e.snak(n.get("mainsnak"), pointer+"/mainsnak")
	if err != nil || !known {
		return err
	}
	made := claim.Claim{Predicate: claim.Predicate{PID: id}, Object: object}
	qualifiers := n.get("qualifiers")
	for _, id := range qualifierOrder(n, qualifiers) {
		at := pointer + "/qualifiers/" + escapeToken(id)
		snaks := qualifiers.get(id)
		if !isID(id, 'P') || !snaks.is(arrayNode) {
			return unparsable(e.flat.place(at), errors.New("the qualifier is not a property with a list of values"))
		}
		for i := range snaks.items {
			object, known, err := e.snak(&snaks.items[i], at+"/"+strconv.Itoa(i))
			if err != nil {
				return err
			}
			if known {
				made.Qualifiers = append(made.Qualifiers, claim.Qualifier{Predicate: claim.Predicate{PID: id}, Object: object})
			}
		}
	}
	e.add(made, pointer, n)
	return nil
}

// qualifierOrder returns the names of all qualifiers: first in the order that
// the statement gives, then in that of the file.
func qualifierOrder(statement, qualifiers *node) []string {
	var names []string
	if order := statement.get("qualifiers-order"); order.is(arrayNode) {
		for i := range order.items {
			if name := order.items[i].string(); qualifiers.get(name) != nil && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, m := range qualifiers.fields() {
		if !slices.Contains(names, m.name) {
			names = append(names, m.name)
		}
	}
	return names
}

// snak returns the value of a property. known is false, with a warning in the
// document, for what has none.
func (e *entity) snak(n *node, pointer string) (object claim.Object, known bool, err error) {
	kind := n.get("snaktype").string()
	switch kind {
	case "value":
	case "somevalue", "novalue":
		e.warn(pointer, "the value is "+kind+"; no claim was made")
		return claim.Object{}, false, nil
	default:
		return claim.Object{}, false, unparsable(e.flat.place(pointer), fmt.Errorf("the snak's type %q is none of value, somevalue and novalue", kind))
	}
	data := n.get("datavalue")
	convert, found := dataValues[data.get("type").string()]
	if !found {
		e.warn(pointer, fmt.Sprintf("values of type %q are not known; no claim was made", data.get("type").string()))
		return claim.Object{}, false, nil
	}
	object, loss := convert(data.get("value"), n.get("datatype").string())
	if object.Kind == "" {
		return claim.Object{}, false, unparsable(e.flat.place(pointer), errors.New(loss))
	}
	if loss != "" {
		e.warn(pointer, loss)
	}
	return object, true, nil
}

// add adds a claim with the evidence of its place.
func (e *entity) add(c claim.Claim, pointer string, n *node) {
	at := e.base
	if e.flat.perValue {
		at = e.flat.at(pointer, n)
	}
	c.Evidence = e.f.builder.evidence(e.doc, at, "")
	e.f.builder.add(e.doc, c)
}

func (e *entity) warn(pointer, message string) {
	e.doc.Warnings = append(e.doc.Warnings, claim.Notice{
		Code: "VALUE_NORMALIZATION_NEEDED", Message: message, Path: pointer,
	})
}
