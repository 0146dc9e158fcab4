package extract

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/initkoa/orgo/activities/reference/claim"
)

// dataValues converts the values of Wikidata by their type. What cannot be said
// exactly in the kind that fits becomes a string, and loss says why. A value
// that is not what its type demands gives no kind, and loss is the error.
var dataValues = map[string]func(v *node, datatype string) (object claim.Object, loss string){
	"wikibase-entityid": entityValue,
	"string":            stringValue,
	"time":              timeValue,
	"quantity":          quantityValue,
	"globecoordinate":   globeValue,
	"monolingualtext":   textValue,
}

func stringObject(text, loss string) (claim.Object, string) {
	return claim.Object{Kind: claim.KindString, Value: text}, loss
}

func entityValue(v *node, _ string) (claim.Object, string) {
	id := v.get("id").string()
	if id == "" && v.get("entity-type").string() == "item" {
		id = "Q" + v.get("numeric-id").string()
	}
	switch {
	case isID(id, 'Q'):
		return claim.Object{Kind: claim.KindItem, Value: claim.Entity{QID: id}}, ""
	case id == "":
		return claim.Object{}, "the value has no entity id"
	default:
		return stringObject(id, "the value is an entity that is not an item; its id was kept as a string")
	}
}

func stringValue(v *node, datatype string) (claim.Object, string) {
	switch {
	case !v.is(stringNode):
		return claim.Object{}, "the value is not a string"
	case datatype != "url":
		return stringObject(v.text, "")
	case !isURI(v.text):
		return stringObject(v.text, "the value is not a URI; it was kept as a string")
	default:
		return claim.Object{Kind: claim.KindURL, Value: v.text}, ""
	}
}

func textValue(v *node, _ string) (claim.Object, string) {
	text, lang := v.get("text"), v.get("language").string()
	switch {
	case !text.is(stringNode):
		return claim.Object{}, "the value has no text"
	case !langPattern.MatchString(lang):
		return stringObject(text.text, "the language "+strconv.Quote(lang)+" is not of the form xx or xx-XX; the text was kept as a string")
	default:
		return claim.Object{Kind: claim.KindMonolingualText, Value: claim.Text{Text: text.text, Lang: lang}}, ""
	}
}

// itemID returns the Q-id in a URI of Wikidata.
func itemID(uri string) string {
	qid, _ := itemOfURL(uri)
	return qid
}

func quantityValue(v *node, _ string) (claim.Object, string) {
	text := v.get("amount").string()
	if text == "" {
		return claim.Object{}, "the quantity has no amount"
	}
	amount, ok := signed(text)
	quantity := claim.Quantity{Amount: amount}
	unit := v.get("unit").string()
	if unit != "" && unit != "1" {
		quantity.UnitQID = itemID(unit)
		ok = ok && quantity.UnitQID != ""
	}
	if !ok {
		return stringObject(strings.TrimSpace(text+" "+unit), "the quantity or its unit cannot be said exactly; it was kept as a string")
	}
	lower, okLower := boundOf(v.get("lowerBound").string(), text)
	upper, okUpper := boundOf(v.get("upperBound").string(), text)
	quantity.LowerBound, quantity.UpperBound = lower, upper
	loss := ""
	if !okLower || !okUpper {
		loss = "a bound of the quantity cannot be said exactly; it was left out"
	}
	return claim.Object{Kind: claim.KindQuantity, Value: quantity}, loss
}

// boundOf reads a bound of a quantity; one that is the amount itself says nothing
// and is none.
func boundOf(text, amount string) (bound *float64, ok bool) {
	if text == "" || text == amount {
		return nil, true
	}
	number, ok := signed(text)
	if !ok {
		return nil, false
	}
	return &number, true
}

// signed reads a number with a plus or minus before it.
func signed(text string) (float64, bool) {
	number, _, ok := decimal(strings.TrimPrefix(text, "+"), true)
	return number, ok
}

func globeValue(v *node, _ string) (claim.Object, string) {
	lat, lon := v.get("latitude").string(), v.get("longitude").string()
	if lat == "" || lon == "" {
		return claim.Object{}, "the coordinate has no latitude or no longitude"
	}
	north, okLat := signed(lat)
	east, okLon := signed(lon)
	if !okLat || !okLon || !onGlobe(north, east) {
		return stringObject(lat+","+lon, "the coordinate cannot be said exactly; it was kept as a string")
	}
	return claim.Object{Kind: claim.KindCoord, Value: claim.Coord{Lat: north, Lon: east, Globe: itemID(v.get("globe").string())}}, ""
}

// precisions are those of Wikidata that the contract knows, by their number.
var precisions = map[string]string{
	"9": precisionYear, "10": precisionMonth, "11": precisionDay,
	"12": precisionHour, "13": precisionMinute, "14": precisionSecond,
}

// gregorian is the calendar that ISO 8601 means.
const gregorian = "http://www.wikidata.org/entity/Q1985727"

// timeValue reads a time such as +1952-03-11T00:00:00Z with precision 11. Parts
// beyond the precision are written as 01, and the time of day only where the
// precision reaches it. Wikidata has no year 0, ISO 8601 does: -0044 becomes
// -0043.
func timeValue(v *node, _ string) (claim.Object, string) {
	text, precision := v.get("time").string(), v.get("precision").string()
	if text == "" || precision == "" {
		return claim.Object{}, "the time has no value or no precision"
	}
	date, clock, _ := strings.Cut(text, "T")
	name, known := precisions[precision]
	year, okYear := isoYear(date)
	parts := strings.Split(strings.TrimLeft(date, "+-"), "-")
	if !known || !okYear || len(parts) != 3 {
		return stringObject(text+"/"+precision, "the time's precision or year is beyond what can be said; it was kept as a string with its precision")
	}
	iso := year
	switch name {
	case precisionYear:
		iso += "-01-01"
	case precisionMonth:
		iso += "-" + parts[1] + "-01"
	case precisionDay:
		iso += "-" + parts[1] + "-" + parts[2]
	default:
		iso += "-" + parts[1] + "-" + parts[2] + "T" + clock
	}
	_, valid := parseTime(iso)
	if calendar := v.get("calendarmodel").string(); !valid || calendar != "" && calendar != gregorian {
		return stringObject(text+"/"+precision, "the time is no date of the Gregorian calendar; it was kept as a string with its precision")
	}
	return claim.Object{Kind: claim.KindTime, Value: claim.Time{ISO8601: iso, Precision: name}}, ""
}

// isoYear returns the year at the start of a date of Wikidata, in four digits
// and with the sign that ISO 8601 needs.
func isoYear(date string) (string, bool) {
	if date == "" || date[0] != '+' && date[0] != '-' {
		return "", false
	}
	digits, _ := leadingDigits(date[1:])
	number, err := strconv.Atoi(digits)
	if err != nil || len(digits) != 4 || number == 0 {
		return "", false
	}
	if date[0] == '+' {
		return digits, true
	}
	if number == 1 {
		return "0000", true
	}
	return fmt.Sprintf("-%04d", number-1), true
}
