package extract

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/initkoa/orgo/activities/reference/claim"
)

// form says what a file's format tells about a value.
type form int

const (
	// formText is text that may stand for anything, as in a CSV cell.
	formText form = iota
	// formString is a string in a format that has numbers of its own, as in JSON:
	// it never means a number.
	formString
	// formNumber is a number literal of such a format.
	formNumber
)

// value is one scalar of a record.
type value struct {
	form form
	text string // without white space around it
	link *record
}

// object returns v as a typed value by the fixed rules, the first that fits:
// Q-id, number, date, URL of an item or anything else on the web, string. same
// reports whether the object shows the text as it was.
func (v value) object() (object claim.Object, same bool) {
	if v.form != formString {
		if number, same, ok := decimal(v.text, v.form == formNumber); ok {
			return claim.Object{Kind: claim.KindQuantity, Value: claim.Quantity{Amount: number}}, same
		}
	}
	switch first := v.text[0]; {
	case first == 'Q' && isID(v.text, 'Q'):
		return claim.Object{Kind: claim.KindItem, Value: claim.Entity{QID: v.text}}, true
	case first == '-' || first >= '0' && first <= '9':
		if at, ok := parseTime(v.text); ok {
			return claim.Object{Kind: claim.KindTime, Value: at}, true
		}
	case first == 'h' || first == 'H':
		if qid, ok := itemOfURL(v.text); ok {
			return claim.Object{Kind: claim.KindItem, Value: claim.Entity{QID: qid}}, false
		}
		if isWebURL(v.text) {
			return claim.Object{Kind: claim.KindURL, Value: v.text}, true
		}
	}
	return claim.Object{Kind: claim.KindString, Value: v.text}, true
}

// conversions turns a text into the value of the kind that a mapping demands.
var conversions = map[string]func(text string, rule Field) (value any, same bool, err error){
	claim.KindString: func(text string, _ Field) (any, bool, error) { return text, true, nil },
	claim.KindItem:   toItem,
	claim.KindQuantity: func(text string, rule Field) (any, bool, error) {
		number, same, ok := decimal(text, true)
		if !ok {
			return nil, false, fmt.Errorf("%q is not a number that a double carries exactly", text)
		}
		return claim.Quantity{Amount: number, UnitQID: rule.UnitQID}, same, nil
	},
	claim.KindTime: func(text string, _ Field) (any, bool, error) {
		at, ok := parsePartialTime(text)
		if !ok {
			return nil, false, fmt.Errorf("%q is not an ISO 8601 year, month, date or time", text)
		}
		return at, at.ISO8601 == text, nil
	},
	claim.KindMonolingualText: func(text string, rule Field) (any, bool, error) {
		return claim.Text{Text: text, Lang: rule.Lang}, true, nil
	},
	claim.KindURL: func(text string, _ Field) (any, bool, error) {
		if !isURI(text) {
			return nil, false, fmt.Errorf("%q is not an absolute URI", text)
		}
		return text, true, nil
	},
	claim.KindCoord: toCoord,
}

func toItem(text string, rule Field) (any, bool, error) {
	if isID(text, 'Q') {
		return claim.Entity{QID: text}, true, nil
	}
	if qid, ok := itemOfURL(text); ok {
		return claim.Entity{QID: qid}, false, nil
	}
	return claim.Entity{Surface: text, Lang: rule.Lang}, true, nil
}

// toCoord reads "latitude,longitude" in degrees.
func toCoord(text string, _ Field) (any, bool, error) {
	lat, lon, found := strings.Cut(text, ",")
	north, _, okLat := decimal(strings.TrimSpace(lat), false)
	east, _, okLon := decimal(strings.TrimSpace(lon), false)
	if !found || !okLat || !okLon || !onGlobe(north, east) {
		return nil, false, fmt.Errorf("%q is not a latitude, a comma and a longitude in degrees", text)
	}
	return claim.Coord{Lat: north, Lon: east}, true, nil
}

func onGlobe(lat, lon float64) bool { return lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180 }

// isID reports whether text is the letter and 1 to 18 digits that do not begin
// with a zero, as Wikidata writes the ids of items (Q) and properties (P).
func isID(text string, letter byte) bool {
	const maxDigits = 18
	if len(text) < 2 || len(text) > 1+maxDigits || text[0] != letter || text[1] == '0' {
		return false
	}
	_, rest := leadingDigits(text[1:])
	return rest == ""
}

// itemURLs are the beginnings of the URIs that name Wikidata items.
var itemURLs = []string{
	"http://www.wikidata.org/entity/", "https://www.wikidata.org/entity/",
	"http://www.wikidata.org/wiki/", "https://www.wikidata.org/wiki/",
}

// itemOfURL returns the Q-id that a URI of Wikidata names.
func itemOfURL(text string) (string, bool) {
	for _, prefix := range itemURLs {
		if qid, found := strings.CutPrefix(text, prefix); found && isID(qid, 'Q') {
			return qid, true
		}
	}
	return "", false
}

// isWebURL reports whether text is a URI of scheme http or https with a host.
func isWebURL(text string) bool {
	scheme, _, found := strings.Cut(text, "://")
	if !found || !slices.Contains([]string{"http", "https"}, strings.ToLower(scheme)) || !isURI(text) {
		return false
	}
	parsed, err := url.Parse(text)
	return err == nil && parsed.Hostname() != ""
}

// isURI reports whether text is an absolute URI of the characters that RFC 3986
// admits, percent encoding checked; what a browser would forgive is not one.
func isURI(text string) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '%':
			if i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2]) {
				return false
			}
		case !isURIByte(c):
			return false
		}
	}
	parsed, err := url.Parse(text)
	if err != nil || !parsed.IsAbs() || strings.Count(text, "#") > 1 {
		return false
	}
	if strings.ContainsAny(strings.Replace(text, parsed.Host, "", 1), "[]") {
		return false // brackets are for the addresses of hosts only
	}
	return parsed.Opaque != "" || parsed.Host != "" || parsed.Path != ""
}

func isURIByte(c byte) bool {
	return isUnreserved(c) || strings.IndexByte(":/?#[]@!$&'()*+,;=", c) >= 0
}

func isUnreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		strings.IndexByte("-._~", c) >= 0
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
