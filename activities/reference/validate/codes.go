package validate

// Severity is how grave an issue is.
type Severity string

// The severities. Off leaves the issue out of the report.
const (
	Error   Severity = "ERROR"
	Warning Severity = "WARNING"
	Info    Severity = "INFO"
	Off     Severity = "OFF"
)

// gravity orders severities, the gravest first.
var gravity = map[Severity]int{Error: 0, Warning: 1, Info: 2, Off: 3}

// Code is the stable code of an issue. Codes are never removed and never change
// their meaning.
type Code string

// The codes of issues; codeTable says what each means.
const (
	AmbiguityCoerced      Code = "AMBIGUITY_COERCED"
	ContradictingValues   Code = "CONTRADICTING_VALUES"
	DuplicateClaim        Code = "DUPLICATE_CLAIM"
	EntityAmbiguous       Code = "ENTITY_AMBIGUOUS"
	EntityUnresolved      Code = "ENTITY_UNRESOLVED"
	EvidenceMissing       Code = "EVIDENCE_MISSING"
	EvidenceUnknownSource Code = "EVIDENCE_UNKNOWN_SOURCE"
	NoClaims              Code = "NO_CLAIMS"
	NoClaimsAtAll         Code = "NO_CLAIMS_AT_ALL"
	PropertyAmbiguous     Code = "PROPERTY_AMBIGUOUS"
	PropertyUnresolved    Code = "PROPERTY_UNRESOLVED"
	ResolutionFailed      Code = "RESOLUTION_FAILED"
	SchemaViolation       Code = "SCHEMA_VIOLATION"
	ValueInvalid          Code = "VALUE_INVALID"
	ValueType             Code = "VALUE_TYPE"
)

// rule is one row of the table.
type rule struct {
	severity Severity // unless the config says otherwise
	// lowest is the least severity that a config may give. What says that the
	// evidence or the documents themselves cannot be trusted stays an error.
	lowest Severity
	says   string
}

// codeTable is chosen so that the documents of any directory pass: what nobody
// could resolve is information, what several things could be is a warning.
var codeTable = map[Code]rule{
	AmbiguityCoerced:      {Error, Error, "was resolved although no candidate is strictly the best"},
	ContradictingValues:   {Error, Off, "has several values for a property that has one"},
	DuplicateClaim:        {Info, Off, "states what another claim states"},
	EntityAmbiguous:       {Warning, Off, "may mean several items"},
	EntityUnresolved:      {Info, Off, "is the name of no item that is known"},
	EvidenceMissing:       {Error, Warning, "has no evidence"},
	EvidenceUnknownSource: {Error, Error, "has evidence that is not in the input snapshot"},
	NoClaims:              {Info, Off, "makes no claim"},
	NoClaimsAtAll:         {Error, Error, "make no claim"},
	PropertyAmbiguous:     {Warning, Off, "may mean several properties"},
	PropertyUnresolved:    {Info, Off, "is the name of no property that is known"},
	ResolutionFailed:      {Error, Warning, "could not be resolved"},
	SchemaViolation:       {Error, Error, "is not a resolved document"},
	ValueInvalid:          {Warning, Off, "is not a possible value of its kind"},
	ValueType:             {Error, Off, "is not of the kind that its property has"},
}
