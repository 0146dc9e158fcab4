package schemas

import (
	"regexp"

	"github.com/kaptinlin/jsonschema"
)

// formats are the values of "format" that are asserted, each with its check.
// Every other value makes a schema refused. A check is given strings only.
var formats = map[string]func(any) bool{
	"date":                  shaped(dateShape, jsonschema.IsDate),
	"date-time":             shaped(dateShape+"[Tt]"+timeShape, jsonschema.IsDateTime),
	"duration":              jsonschema.IsDuration,
	"ipv4":                  jsonschema.IsIPV4,
	"ipv6":                  jsonschema.IsIPV6,
	"json-pointer":          jsonschema.IsJSONPointer,
	"time":                  shaped(timeShape, jsonschema.IsTime),
	"uri":                   jsonschema.IsURI,
	"uuid":                  jsonschema.IsUUID,
	"hostname":              jsonschema.IsHostname,
	"email":                 jsonschema.IsEmail,
	"uri-reference":         jsonschema.IsURIReference,
	"uri-template":          jsonschema.IsURITemplate,
	"relative-json-pointer": jsonschema.IsRelativeJSONPointer,
	"regex":                 jsonschema.IsRegex,
	"iri":                   jsonschema.IsURI,
	"iri-reference":         jsonschema.IsURIReference,
}

// The shapes of RFC 3339 §5.6, digit by digit. The library reads the numbers of a
// time as signed ones, so that "+1:+2:+3Z" would pass.
const (
	dateShape = `[0-9]{4}-[0-9]{2}-[0-9]{2}`
	timeShape = `[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})`
)

// shaped returns a check that holds if check does and the whole text has a shape.
func shaped(shape string, check func(any) bool) func(any) bool {
	whole := regexp.MustCompile("^(?:" + shape + ")$")
	return func(value any) bool {
		text, isText := value.(string)
		return isText && whole.MatchString(text) && check(value)
	}
}
