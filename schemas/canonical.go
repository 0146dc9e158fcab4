package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Form is a document in canonical form. It is what Canonical returned, or what somebody
// answers for who has changed that and kept it canonical: Canonical takes it as it is.
type Form []byte

// Canonical returns v as canonical JSON (RFC 8785). v is first marshalled by
// encoding/json, so its tags and methods say what the document holds; what
// encoding/json makes of a value is therefore what is digested (invalid UTF-8 in
// a Go string, for one, has become U+FFFD).
//
// Errors are those of encoding/json, and a *JSONError where the document is
// beyond the limits or has an integer that a double cannot carry.
func Canonical(v any) ([]byte, error) {
	if form, is := v.(Form); is {
		return form, nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("canonical json of %T: %w", v, err)
	}
	canonical, err := canonicalize(raw)
	if err != nil {
		return nil, fmt.Errorf("canonical json of %T: %w", v, err)
	}
	return canonical, nil
}

// CanonicalizeJSON returns the canonical form (RFC 8785) of one JSON document.
//
// A *JSONError says why a document has none: it is not JSON (RFC 8259), or has
// duplicate keys, invalid UTF-8 or anything after its end; it is beyond the
// limits of this package; or it has an integer that canonical form would change,
// as it writes all numbers as doubles. data is not changed.
func CanonicalizeJSON(data []byte) ([]byte, error) {
	return canonicalize(bytes.Clone(data))
}

// canonicalize works in place.
func canonicalize(raw []byte) ([]byte, error) {
	if err := checkLimits(raw, exactIntegers); err != nil {
		return nil, err
	}
	value := jsontext.Value(raw)
	if err := value.Canonicalize(); err != nil {
		return nil, syntaxError(err)
	}
	return value, nil
}
