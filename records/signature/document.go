package signature

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/initkoa/orgo/schemas"
)

// member is where a document bears its signatures.
const member = "signatures"

// Checked is what was found of one signature.
type Checked struct {
	KeyID string
	// Valid says that it is the named, trusted key's, over the whole document.
	Valid bool
	// Pointer is the JSON Pointer of what is wrong, and Problem says what that is;
	// both are empty if it is valid.
	Pointer, Problem string
}

// entry is a signature as a document has it. What else stands in it says nothing
// about whether it holds.
type entry struct {
	KeyID        string    `json:"key_id"`
	Algorithm    Algorithm `json:"alg"`
	Signature    string    `json:"signature"`
	SignedFields []string  `json:"signed_fields,omitempty"`
}

// Check checks every signature that a JSON document bears, in its order. A document
// without the member has none. What stands there and is no list of signatures is
// one that is not valid: it must not pass for a document that bears none.
//
// The error is that of a document that is no JSON object, or has no canonical form.
func (k Keyring) Check(document []byte) ([]Checked, error) {
	bears, err := bearsAny(document)
	if err != nil || !bears {
		return nil, err
	}
	members, err := membersOf(document)
	if err != nil {
		return nil, err
	}
	raw := members[member]
	delete(members, member)
	message, err := schemas.Canonical(members)
	if err != nil {
		return nil, err
	}
	fields := slices.Sorted(maps.Keys(members))
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil || list == nil {
		return []Checked{{Pointer: "/" + member, Problem: "is no list of signatures"}}, nil
	}
	found := make([]Checked, 0, len(list))
	for i, raw := range list {
		at := fmt.Sprintf("/%s/%d", member, i)
		var e entry
		if err := json.Unmarshal(raw, &e); err != nil {
			found = append(found, Checked{Pointer: at, Problem: "is no signature: it must have key_id, alg and signature"})
			continue
		}
		found = append(found, k.check(e, at, message, fields))
	}
	return found, nil
}

// check checks one signature of a message that has the given top-level fields.
func (k Keyring) check(e entry, at string, message []byte, fields []string) Checked {
	wrong := func(pointer, format string, args ...any) Checked {
		return Checked{KeyID: e.KeyID, Pointer: at + pointer, Problem: fmt.Sprintf(format, args...)}
	}
	key, known := k.keys[e.KeyID]
	switch {
	case !known:
		return wrong("/key_id", "%q is no trusted key", e.KeyID)
	case e.Algorithm != key.algorithm:
		return wrong("/alg", "is %q, key %q signs with %s", e.Algorithm, e.KeyID, key.algorithm)
	}
	if missing := missingOf(fields, e.SignedFields); e.SignedFields != nil && missing != "" {
		return wrong("/signed_fields", "must name exactly the members that are signed, and they differ in %q: a part that is not signed could be anything", missing)
	}
	signature, err := decode(e.Signature)
	if err != nil || !verify(key.public, message, signature) {
		return wrong("/signature", "is not that of key %q over this content", e.KeyID)
	}
	return Checked{KeyID: e.KeyID, Valid: true}
}

// missingOf returns a name that is in only one of two lists, or "".
func missingOf(fields, named []string) string {
	for _, field := range fields {
		if !slices.Contains(named, field) {
			return field
		}
	}
	for _, field := range named {
		if !slices.Contains(fields, field) {
			return field
		}
	}
	return ""
}

// Sign returns a document in canonical form with one more signature, of a key that
// keyrings know by keyID.
func Sign(document []byte, keyID string, private crypto.Signer) ([]byte, error) {
	algorithm, err := algorithmOf(private.Public())
	if err != nil {
		return nil, fmt.Errorf("the key %w", err)
	}
	members, err := membersOf(document)
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if raw, there := members[member]; there {
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, fmt.Errorf("the document's %s: %w", member, err)
		}
		delete(members, member)
	}
	message, err := schemas.Canonical(members)
	if err != nil {
		return nil, err
	}
	signature, err := sign(private, algorithm, message)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	added, err := json.Marshal(entry{KeyID: keyID, Algorithm: algorithm, Signature: base64.RawURLEncoding.EncodeToString(signature)})
	if err != nil {
		return nil, err
	}
	if members[member], err = json.Marshal(append(list, added)); err != nil {
		return nil, err
	}
	return schemas.Canonical(members)
}

// bearsAny reports whether a document has the member. It is asked of every output,
// most of which have not, and large ones need not be made canonical to know.
func bearsAny(document []byte) (bool, error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(document))
	if decoder.PeekKind() != '{' {
		return false, errNoObject
	}
	if _, err := decoder.ReadToken(); err != nil {
		return false, err
	}
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			return false, err
		}
		if name.String() == member {
			return true, nil
		}
		if err := decoder.SkipValue(); err != nil {
			return false, err
		}
	}
	_, err := decoder.ReadToken()
	return false, err
}

var errNoObject = errors.New("the document is no JSON object")

// membersOf returns the top-level members of a document. One that names a member
// twice has none: what was signed and what is read could differ.
func membersOf(document []byte) (map[string]json.RawMessage, error) {
	canonical, err := schemas.CanonicalizeJSON(document)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(canonical, &members); err != nil || members == nil {
		return nil, errNoObject
	}
	return members, nil
}

// decode reads base64 in either alphabet (RFC 4648 §4, §5), padded or not.
func decode(text string) ([]byte, error) {
	text = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(text), "=")
	return base64.RawURLEncoding.DecodeString(text)
}
