package render

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/document"
)

// value is what a statement states, and can be shown as Markdown.
type value interface{ show(*names) string }

// object is a value with its kind, as a pack has it.
type object struct {
	Kind  string         `json:"kind"`
	Value jsontext.Value `json:"value"`
}

type qualifier struct {
	Object   object `json:"object"`
	Property string `json:"property"`
}

type (
	item  string
	text  string
	local struct { // text in a language
		Lang string `json:"lang"`
		Text string `json:"text"`
	}
	quantity struct {
		Amount     number `json:"amount"`
		LowerBound number `json:"lower_bound"`
		UnitQID    string `json:"unit_qid"`
		UpperBound number `json:"upper_bound"`
	}
	moment struct {
		Calendar  string `json:"calendar"`
		ISO8601   string `json:"iso8601"`
		Precision string `json:"precision"`
	}
	coord struct {
		Globe string `json:"globe"`
		Lat   number `json:"lat"`
		Lon   number `json:"lon"`
	}
)

// number is a JSON number as it is written: it is shown, never calculated with. It is
// empty where there is none.
type number string

// UnmarshalJSON takes numbers alone.
func (n *number) UnmarshalJSON(b []byte) error {
	if jsontext.Value(b).Kind() != '0' {
		return errors.New("not a number")
	}
	*n = number(b)
	return nil
}

// read returns the value, of which nothing may be that would not be shown.
func (o object) read() (value, error) {
	switch o.Kind {
	case claim.KindItem:
		var id item
		if err := decode(o.Value, &id); err != nil {
			return nil, err
		}
		_, err := numbered(string(id), 'Q')
		return id, err
	case claim.KindString, claim.KindURL:
		return read[text](o.Value, func(text) bool { return true })
	case claim.KindMonolingualText:
		return read[local](o.Value, func(local) bool { return true })
	case claim.KindQuantity:
		return read[quantity](o.Value, func(q quantity) bool { return q.Amount != "" })
	case claim.KindTime:
		return read[moment](o.Value, func(t moment) bool { return t.ISO8601 != "" })
	case claim.KindCoord:
		return read[coord](o.Value, func(c coord) bool { return c.Lat != "" && c.Lon != "" })
	default:
		return nil, fmt.Errorf("object has the kind %q", document.Excerpt(o.Kind))
	}
}

func read[T value](raw jsontext.Value, whole func(T) bool) (value, error) {
	var v T
	if err := decode(raw, &v); err != nil {
		return nil, err
	}
	if !whole(v) {
		return nil, errors.New("object is incomplete")
	}
	return v, nil
}

// decode reads JSON strictly. Null is nothing that a value may be.
func decode(raw jsontext.Value, into any) error {
	if len(raw) == 0 || raw.Kind() == 'n' {
		return errors.New("object has no value")
	}
	return json.Unmarshal(raw, into, json.RejectUnknownMembers(true))
}

func (v item) show(n *names) string { return n.show(string(v)) }

func (v text) show(*names) string { return escape(string(v)) }

func (v local) show(*names) string { return escape(v.Text) + inBrackets(v.Lang) }

func (v quantity) show(n *names) string {
	shown := escape(string(v.Amount))
	if v.UnitQID != "" {
		shown += " " + n.show(v.UnitQID)
	}
	if v.LowerBound != "" {
		shown += ", at least " + escape(string(v.LowerBound))
	}
	if v.UpperBound != "" {
		shown += ", at most " + escape(string(v.UpperBound))
	}
	return shown
}

func (v moment) show(*names) string { return escape(v.ISO8601) + inBrackets(v.Precision, v.Calendar) }

func (v coord) show(*names) string {
	return escape(string(v.Lat)) + ", " + escape(string(v.Lon)) + inBrackets(v.Globe)
}

// inBrackets returns what more there is to say, or nothing.
func inBrackets(more ...string) string {
	var said []string
	for _, m := range more {
		if m != "" {
			said = append(said, escape(m))
		}
	}
	if said == nil {
		return ""
	}
	return " (" + strings.Join(said, ", ") + ")"
}
