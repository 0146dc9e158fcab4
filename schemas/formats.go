package schemas

import "github.com/kaptinlin/jsonschema"

// formats are the values of "format" that are asserted, each with its check.
// Every other value makes a schema refused. A check is given strings only.
var formats = map[string]func(any) bool{
	"date":                  jsonschema.IsDate,
	"date-time":             jsonschema.IsDateTime,
	"duration":              jsonschema.IsDuration,
	"ipv4":                  jsonschema.IsIPV4,
	"ipv6":                  jsonschema.IsIPV6,
	"json-pointer":          jsonschema.IsJSONPointer,
	"time":                  jsonschema.IsTime,
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
