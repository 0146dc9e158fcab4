package extract

import (
	"fmt"
	"slices"
	"strings"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/records"
)

// builder turns the records of one file into documents.
type builder struct {
	path    string
	digest  records.Digest
	source  string // the digest as text
	mapping *mapping
	plans   map[string]*plan
	seen    map[string]struct{} // claim ids of the document at hand
	hasher  hasher

	// The document at hand, and what it points at: the next one overwrites them.
	doc        claim.Document
	origin     claim.Source
	extraction claim.Extraction
}

func newBuilder(f records.SnapshotFile, m *mapping) *builder {
	return &builder{
		path: f.Path, digest: f.Digest, source: f.Digest.String(), mapping: m,
		plans: map[string]*plan{}, seen: map[string]struct{}{},
		extraction: claim.Extraction{Producer: claim.Producer{Kind: "rules", Name: ProducerName, Version: Version}},
	}
}

// plan is what is known of a field by its name alone.
type plan struct {
	rule        Field
	ignore      bool
	predicate   claim.Predicate
	qidRank     int
	surfaceRank int
}

// maxPlans bounds how many names are remembered: objects may have any.
const maxPlans = 4096

func (b *builder) plan(name string) *plan {
	if known, found := b.plans[name]; found {
		return known
	}
	if len(b.plans) >= maxPlans {
		clear(b.plans)
	}
	made := &plan{qidRank: rank(name, qidNames), surfaceRank: rank(name, surfaceNames)}
	if b.mapping != nil {
		made.rule, made.ignore = b.mapping.Fields[name], b.mapping.ignores(name)
	}
	made.predicate = predicateOf(name, made.rule)
	b.plans[name] = made
	return made
}

// predicateOf returns what the mapping says, or else the field's name: as a
// P-id if it is one.
func predicateOf(name string, rule Field) claim.Predicate {
	switch {
	case rule.PID != "" || rule.Predicate != "":
		return claim.Predicate{PID: rule.PID, Surface: rule.Predicate}
	case isID(name, 'P'):
		return claim.Predicate{PID: name}
	default:
		return claim.Predicate{Surface: name}
	}
}

// document returns the document of a record, valid until the next. ok is false
// if it has no subject.
func (b *builder) document(rec *record) (doc *claim.Document, ok bool, err error) {
	about, ok, err := b.subjectOf(rec)
	if err != nil || !ok {
		return nil, false, err
	}
	doc = b.begin(rec.at, about.entity)
	for i, f := range rec.fields {
		if plan := b.plan(f.name); !plan.ignore && !about.names(i) {
			if err := b.claims(doc, rec, f, plan); err != nil {
				return nil, false, err
			}
		}
	}
	finish(doc)
	return doc, true, nil
}

// begin returns an empty document about entity, as found at a fragment of the
// file.
func (b *builder) begin(at string, entity claim.Entity) *claim.Document {
	clear(b.seen)
	b.hasher.begin(entity)
	b.origin = claim.Source{DocID: b.path + at, Title: b.path, SourceID: b.source + at, ContentHash: &b.digest}
	b.doc = claim.Document{
		SchemaVersion: claim.SchemaVersion, Document: &b.origin, Extraction: &b.extraction,
		Subject: entity, Claims: b.doc.Claims[:0], Warnings: b.doc.Warnings[:0],
	}
	return &b.doc
}

// finish says so if a document has no claims: its record exists all the same.
func finish(doc *claim.Document) {
	if len(doc.Claims) == 0 {
		doc.Warnings = append(doc.Warnings, claim.Notice{
			Code: "NO_CLAIMS_EXTRACTED", Message: "the record says nothing but its subject",
		})
	}
}

// claims adds the claims that one field makes.
func (b *builder) claims(doc *claim.Document, rec *record, f field, p *plan) error {
	if f.value.link != nil {
		linked, ok, err := b.subjectOf(f.value.link)
		if err != nil || !ok {
			return err
		}
		object := claim.Object{Kind: claim.KindItem, Value: linked.entity}
		b.add(doc, claim.Claim{Predicate: p.predicate, Object: object, Evidence: b.evidence(doc, f.at, "")})
		return nil
	}
	texts := []string{f.value.text}
	if p.rule.Separator != "" {
		texts = strings.Split(f.value.text, p.rule.Separator)
	}
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if text == "" || slices.Contains(p.rule.Empty, text) {
			continue
		}
		object, same, err := objectOf(value{form: f.value.form, text: text}, p.rule)
		if err != nil {
			return misfit(rec.place, "field %q is mapped to kind %s: %w", f.name, p.rule.Kind, err)
		}
		quote := ""
		if !same || p.rule.Separator != "" {
			quote = text
		}
		b.add(doc, claim.Claim{Predicate: p.predicate, Object: object, Evidence: b.evidence(doc, f.at, quote)})
	}
	return nil
}

// objectOf returns v as the kind that the rule demands, or by the fixed rules.
func objectOf(v value, rule Field) (object claim.Object, same bool, err error) {
	if rule.Kind == "" {
		object, same = v.object()
		return object, same, nil
	}
	converted, same, err := conversions[rule.Kind](v.text, rule)
	return claim.Object{Kind: rule.Kind, Value: converted}, same, err
}

// add adds a claim with its id, unless the document has the very same already.
func (b *builder) add(doc *claim.Document, c claim.Claim) {
	c.ClaimID = b.hasher.claimID(&c)
	if _, twice := b.seen[c.ClaimID]; twice {
		return
	}
	b.seen[c.ClaimID] = struct{}{}
	doc.Claims = append(doc.Claims, c)
}

// evidence points at a fragment of the file. quote is the text there, where the
// object shows it differently. Claims of one place share theirs.
func (b *builder) evidence(doc *claim.Document, at, quote string) []claim.Evidence {
	id := doc.Document.SourceID
	if id[len(b.source):] != at {
		id = b.source + at
	}
	if last := len(doc.Claims) - 1; last >= 0 {
		shared := doc.Claims[last].Evidence
		if shared[0].Quote == quote && shared[0].Source.SourceID == id {
			return shared
		}
	}
	return []claim.Evidence{{Source: claim.EvidenceSource{SourceID: id, Title: b.path}, Quote: quote}}
}

// emit writes the documents of a record and of the records inside it, the outer
// ones first.
func (f *file) emit(rec *record) error {
	if len(rec.fields) > f.limits.Fields {
		return tooLarge(rec.place, "the record has %d fields, more than the limit of %d; map its records, or raise limits.fields", len(rec.fields), f.limits.Fields)
	}
	doc, ok, err := f.builder.document(rec)
	if err != nil {
		return err
	}
	if ok {
		err = f.write(doc, rec.place)
	} else {
		f.leaveOut(rec.at, "no field names the subject")
	}
	for i := 0; err == nil && i < len(rec.inner); i++ {
		err = f.emit(rec.inner[i])
	}
	return err
}

// write writes one document as a line.
func (f *file) write(doc *claim.Document, place position) error {
	line, err := appendDocument(f.line[:0], doc)
	if err != nil {
		return unparsable(place, fmt.Errorf("the record has no canonical form: %w", err))
	}
	f.line = append(line, '\n')
	if len(f.line) > claim.MaxLineBytes {
		return tooLarge(place, "the record's document has %d bytes, more than the limit of %d", len(f.line), claim.MaxLineBytes)
	}
	f.tally.documents++
	f.tally.claims += int64(len(doc.Claims))
	if _, err := f.out.Write(f.line); err != nil {
		return fmt.Errorf("store the claims: %w", err)
	}
	return nil
}

// leaveOut records that the record at a fragment made no document.
func (f *file) leaveOut(at, reason string) {
	f.tally.leftOut++
	if len(f.leftOut) < maxListed {
		f.leftOut = append(f.leftOut, excludedRecord{Path: f.Path, Place: at, Reason: reason})
	}
}
