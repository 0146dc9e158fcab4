package schemas

import (
	"net/netip"
	"regexp"

	"github.com/kaptinlin/jsonschema"
)

// formats are the values of "format" that are asserted, each with its check.
// Every other value makes a schema refused. A check is given strings only.
//
// Where the library's check takes more than the RFC, the text must also have the
// shape that the RFC gives.
var formats = map[string]func(any) bool{
	"date":                  shaped(dateShape, jsonschema.IsDate),
	"date-time":             shaped(dateShape+"[Tt]"+timeShape, jsonschema.IsDateTime),
	"duration":              jsonschema.IsDuration,
	"ipv4":                  isIPv4,
	"ipv6":                  jsonschema.IsIPV6,
	"json-pointer":          jsonschema.IsJSONPointer,
	"time":                  shaped(timeShape, jsonschema.IsTime),
	"uri":                   uriOf(false, jsonschema.IsURI),
	"uuid":                  jsonschema.IsUUID,
	"hostname":              shaped(hostnameShape+`\.?`, jsonschema.IsHostname),
	"email":                 shaped(emailShape, jsonschema.IsEmail),
	"uri-reference":         uriOf(false, jsonschema.IsURIReference),
	"uri-template":          shaped(templateShape, jsonschema.IsURITemplate),
	"relative-json-pointer": jsonschema.IsRelativeJSONPointer,
	"regex":                 isRegex,
	"iri":                   uriOf(true, jsonschema.IsURI),
	"iri-reference":         uriOf(true, jsonschema.IsURIReference),
}

// The shapes of RFC 3339 §5.6, digit by digit. The library reads the numbers of a
// time as signed ones, so that "+1:+2:+3Z" would pass.
const (
	dateShape = `[0-9]{4}-[0-9]{2}-[0-9]{2}`
	timeShape = `[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})`
)

// hostnameShape is that of RFC 1123 §2.1. The library looks for a hyphen before
// the first label alone.
const (
	labelShape    = `[A-Za-z0-9](?:[-A-Za-z0-9]{0,61}[A-Za-z0-9])?`
	hostnameShape = labelShape + `(?:\.` + labelShape + `)*`
)

// emailShape is a Mailbox of RFC 5321 §4.1.2. The library cuts off blanks, lets
// every letter of Unicode in, and does not read the local part before an address
// literal.
const (
	atomShape  = "[-A-Za-z0-9!#$%&'*+/=?^_`{|}~]+"
	emailShape = `(?:` + atomShape + `(?:\.` + atomShape + `)*|"(?:[ !#-\[\]-~]|\\[ -~])+")@(?:` + hostnameShape + `\.?|\[[0-9A-Za-z.:]+\])`
)

// templateShape is that of RFC 6570 §2. The library hardly looks.
const (
	percentShape  = `%[0-9A-Fa-f]{2}`
	nameShape     = `(?:[A-Za-z0-9_]|` + percentShape + `)(?:\.?(?:[A-Za-z0-9_]|` + percentShape + `))*`
	variableShape = nameShape + `(?::[1-9][0-9]{0,3}|\*)?`
	templateShape = "(?:[^\\x00-\\x20\"%<>\\\\^`{|}\\x7f]|" + percentShape + `|\{[+#./;?&=,!@|]?` + variableShape + `(?:,` + variableShape + `)*\})*`
)

// shaped returns a check that holds if check does and the whole text has a shape.
func shaped(shape string, check func(any) bool) func(any) bool {
	whole := regexp.MustCompile("^(?:" + shape + ")$")
	return func(value any) bool {
		text, isText := value.(string)
		return isText && whole.MatchString(text) && check(value)
	}
}

// uriOf returns a check that holds if check does and the text has the characters
// of a URI, or of an IRI.
func uriOf(beyondASCII bool, check func(any) bool) func(any) bool {
	return func(value any) bool {
		text, isText := value.(string)
		return isText && isURIText(text, beyondASCII) && check(value)
	}
}

// isIPv4 holds for four numbers without signs and leading zeros (RFC 2673 §3.2).
func isIPv4(value any) bool {
	text, _ := value.(string)
	address, err := netip.ParseAddr(text)
	return err == nil && address.Is4()
}

// isRegex holds for what the keyword pattern takes.
func isRegex(value any) bool {
	text, isText := value.(string)
	if !isText {
		return false
	}
	_, problem := translateRegex(text)
	return problem == ""
}
