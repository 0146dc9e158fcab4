package schemas

// use says what the validator does with a keyword.
type use int

const (
	// asserts: it constrains the value, and goes to the library as it is.
	asserts use = iota
	// applies: it holds schemas, which apply to the value or to parts of it.
	applies
	// defines: it holds schemas that apply to nothing by themselves.
	defines
	// identifies: it is resolved before the library sees the schema.
	identifies
	// annotates: it says something to people and is left out.
	annotates
)

// keyword is what is known of one keyword.
type keyword struct {
	use   use
	shape shape
	// inPlace: its schemas apply to the same value as the keyword itself.
	inPlace bool
	// code of a violation, where the keyword can be violated by itself.
	code string
}

// keywords are those of JSON Schema 2020-12 that Orgo understands. Any other
// makes a schema refused: one that is merely skipped lets documents pass that
// its author meant to stop. The annotations are: title, description, default,
// examples, deprecated, readOnly, writeOnly, $comment, contentMediaType and
// contentEncoding.
var keywords = map[string]keyword{
	"$schema": {use: identifies, shape: dialect},
	"$id":     {use: identifies, shape: absoluteURI},
	"$anchor": {use: identifies, shape: anchorName},
	"$ref":    {use: identifies, shape: reference, inPlace: true},

	"$defs":       {use: defines, shape: schemaMap},
	"definitions": {use: defines, shape: schemaMap},

	"allOf":                 {use: applies, shape: schemaList, inPlace: true},
	"anyOf":                 {use: applies, shape: schemaList, inPlace: true, code: "SCHEMA_ANY_OF"},
	"oneOf":                 {use: applies, shape: schemaList, inPlace: true, code: "SCHEMA_ONE_OF"},
	"not":                   {use: applies, shape: schema, inPlace: true, code: "SCHEMA_NOT"},
	"if":                    {use: applies, shape: schema, inPlace: true},
	"then":                  {use: applies, shape: schema, inPlace: true},
	"else":                  {use: applies, shape: schema, inPlace: true},
	"dependentSchemas":      {use: applies, shape: schemaMap, inPlace: true},
	"properties":            {use: applies, shape: schemaMap},
	"patternProperties":     {use: applies, shape: patternMap},
	"additionalProperties":  {use: applies, shape: schema, code: "SCHEMA_ADDITIONAL_PROPERTIES"},
	"propertyNames":         {use: applies, shape: schema},
	"prefixItems":           {use: applies, shape: schemaList},
	"items":                 {use: applies, shape: schema, code: "SCHEMA_ITEMS"},
	"contains":              {use: applies, shape: schema},
	"unevaluatedProperties": {use: applies, shape: schema, code: "SCHEMA_UNEVALUATED_PROPERTIES"},
	"unevaluatedItems":      {use: applies, shape: schema, code: "SCHEMA_UNEVALUATED_ITEMS"},

	"type":              {shape: typeNames, code: "SCHEMA_TYPE"},
	"enum":              {shape: nonEmptyList, code: "SCHEMA_ENUM"},
	"const":             {shape: anything, code: "SCHEMA_CONST"},
	"format":            {shape: formatName, code: "SCHEMA_FORMAT"},
	"minLength":         {shape: count, code: "SCHEMA_MIN_LENGTH"},
	"maxLength":         {shape: count, code: "SCHEMA_MAX_LENGTH"},
	"pattern":           {shape: regex, code: "SCHEMA_PATTERN"},
	"minimum":           {shape: number, code: "SCHEMA_MINIMUM"},
	"maximum":           {shape: number, code: "SCHEMA_MAXIMUM"},
	"exclusiveMinimum":  {shape: number, code: "SCHEMA_EXCLUSIVE_MINIMUM"},
	"exclusiveMaximum":  {shape: number, code: "SCHEMA_EXCLUSIVE_MAXIMUM"},
	"multipleOf":        {shape: positiveNumber, code: "SCHEMA_MULTIPLE_OF"},
	"minItems":          {shape: count, code: "SCHEMA_MIN_ITEMS"},
	"maxItems":          {shape: count, code: "SCHEMA_MAX_ITEMS"},
	"uniqueItems":       {shape: flag, code: "SCHEMA_UNIQUE_ITEMS"},
	"minContains":       {shape: count, code: "SCHEMA_MIN_CONTAINS"},
	"maxContains":       {shape: count, code: "SCHEMA_MAX_CONTAINS"},
	"minProperties":     {shape: count, code: "SCHEMA_MIN_PROPERTIES"},
	"maxProperties":     {shape: count, code: "SCHEMA_MAX_PROPERTIES"},
	"required":          {shape: names, code: "SCHEMA_REQUIRED"},
	"dependentRequired": {shape: namesMap, code: "SCHEMA_DEPENDENT_REQUIRED"},

	"title":            {use: annotates, shape: text},
	"description":      {use: annotates, shape: text},
	"default":          {use: annotates, shape: anything},
	"examples":         {use: annotates, shape: list},
	"deprecated":       {use: annotates, shape: flag},
	"readOnly":         {use: annotates, shape: flag},
	"writeOnly":        {use: annotates, shape: flag},
	"$comment":         {use: annotates, shape: text},
	"contentMediaType": {use: annotates, shape: text},
	"contentEncoding":  {use: annotates, shape: text},
}

// codeFalse is the code where a schema is false, and no keyword's code fits.
const codeFalse = "SCHEMA_FALSE"

// codeInvalid is the code where the library refuses and gives no reason.
const codeInvalid = "SCHEMA_INVALID"
