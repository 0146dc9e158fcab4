package statement

import (
	"fmt"
	"math"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/identity"
)

// appendObject appends {"kind":…,"value":…}. The value of an item is its id.
// It writes canonical JSON directly, members in order, since a corpus has
// millions of them.
func appendObject(to []byte, object claim.Object, document string) ([]byte, error) {
	to = append(append(append(to, `{"kind":"`...), object.Kind...), `","value":`...)
	to, err := appendValue(to, object.Value, document)
	return append(to, '}'), err
}

func appendValue(to []byte, value any, document string) ([]byte, error) {
	switch v := value.(type) {
	case claim.ResolvedEntity:
		ref, err := identity.Entity(v, document)
		if err != nil {
			return to, err
		}
		return append(append(append(to, '"'), ref.String()...), '"'), nil
	case string:
		return jsontext.AppendQuote(to, v)
	case claim.Quantity:
		m := members{to: to}
		m.number("amount", &v.Amount)
		m.number("lower_bound", v.LowerBound)
		m.text("unit_qid", v.UnitQID)
		m.number("upper_bound", v.UpperBound)
		return m.end()
	case claim.Time:
		m := members{to: to}
		m.text("calendar", v.Calendar)
		m.string("iso8601", v.ISO8601)
		m.text("precision", v.Precision)
		return m.end()
	case claim.Text:
		m := members{to: to}
		m.string("lang", v.Lang)
		m.string("text", v.Text)
		return m.end()
	case claim.Coord:
		m := members{to: to}
		m.text("globe", v.Globe)
		m.number("lat", &v.Lat)
		m.number("lon", &v.Lon)
		return m.end()
	default:
		return to, fmt.Errorf("value of type %T has no canonical form", value)
	}
}

// members writes an object. Its methods are called in the order of the names.
type members struct {
	to   []byte
	open bool
	err  error
}

func (m *members) name(name string) {
	if m.open {
		m.to = append(m.to, ',')
	} else {
		m.to = append(m.to, '{')
	}
	m.open = true
	m.to = append(append(append(m.to, '"'), name...), `":`...)
}

// string writes a member.
func (m *members) string(name, value string) {
	if m.err == nil {
		m.name(name)
		m.to, m.err = jsontext.AppendQuote(m.to, value)
	}
}

// text writes a member that is left out if it is empty.
func (m *members) text(name, value string) {
	if value != "" {
		m.string(name, value)
	}
}

// number writes a member that is left out if it is nil.
func (m *members) number(name string, value *float64) {
	if m.err == nil && value != nil {
		m.name(name)
		m.to, m.err = appendNumber(m.to, *value)
	}
}

// end closes the object.
func (m *members) end() ([]byte, error) {
	if !m.open {
		m.to = append(m.to, '{')
	}
	return append(m.to, '}'), m.err
}

// appendNumber appends a number as RFC 8785 §3.2.2.3 wants it.
func appendNumber(to []byte, number float64) ([]byte, error) {
	if math.IsNaN(number) || math.IsInf(number, 0) {
		return to, fmt.Errorf("number %v has no JSON form", number)
	}
	if number == 0 {
		return append(to, '0'), nil // also for minus zero
	}
	text, err := json.Marshal(number)
	return append(to, text...), err
}

// AppendEvidence appends one piece of evidence for a statement, with the claim
// that brought it. A claim without evidence has only the claim's id.
func AppendEvidence(to []byte, claimID string, evidence *claim.Evidence) ([]byte, error) {
	m := members{to: to}
	m.string("claim_id", claimID)
	if evidence != nil {
		m.text("quote", evidence.Quote)
		m.name("source")
		source := members{to: m.to, err: m.err}
		source.string("source_id", evidence.Source.SourceID)
		source.text("title", evidence.Source.Title)
		m.to, m.err = source.end()
	}
	return m.end()
}

// AppendLabel appends a label: {"lang":…,"text":…}, without a language if it is
// not known.
func AppendLabel(to []byte, text, lang string) ([]byte, error) {
	m := members{to: to}
	m.text("lang", lang)
	m.string("text", text)
	return m.end()
}

// AppendCandidate appends a candidate of a reference that came to no one thing.
func AppendCandidate(to []byte, c claim.Candidate) ([]byte, error) {
	m := members{to: to}
	m.string("id", c.ID)
	m.text("label", c.Label)
	m.number("score", &c.Score)
	m.text("source", c.Source)
	return m.end()
}
