// Package document reads Claim-IR and Resolved Claim-IR documents into the types
// of package claim, with the value of every object in the type of its kind.
package document

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/records"
)

// ErrUnknownKind says that an object is of a kind that does not exist.
var ErrUnknownKind = errors.New("unknown kind of object")

// errNoValue says that an object has no value.
var errNoValue = errors.New("object has no value")

// Claims decodes a Claim-IR document. Values of kind item become claim.Entity.
// A member that package claim does not know is an error: resolving would lose it.
func Claims(line []byte) (claim.Document, error) {
	var doc claim.Document
	err := json.Unmarshal(line, &doc, json.RejectUnknownMembers(true), json.WithUnmarshalers(claimObject))
	return doc, err
}

// Subject decodes the subject of a Claim-IR document and nothing else.
func Subject(line []byte) (claim.Entity, error) {
	var doc struct {
		Subject claim.Entity `json:"subject"`
	}
	err := json.Unmarshal(line, &doc)
	return doc.Subject, err
}

// Resolved is a Resolved Claim-IR document with the errors that its resolver
// left in it.
type Resolved struct {
	claim.Resolved
	Errors []claim.Notice `json:"errors,omitempty"`
	// ID is the identity of the document: the digest of the Claim-IR document
	// that was resolved or, where that is not said, its own.
	ID string `json:"-"`
}

// ReadResolved decodes a Resolved Claim-IR document. Values of kind item become
// claim.ResolvedEntity. Members that package claim does not know are left out.
func ReadResolved(line []byte) (Resolved, error) {
	var doc Resolved
	if err := json.Unmarshal(line, &doc, json.WithUnmarshalers(resolvedObject)); err != nil {
		return doc, err
	}
	if doc.SchemaVersion != claim.SchemaVersion {
		return doc, fmt.Errorf("schema_version is %q, not %q", doc.SchemaVersion, claim.SchemaVersion)
	}
	if hash := doc.Input.ClaimIRHash; hash != nil && hash.Valid() {
		doc.ID = hash.String()
	} else {
		doc.ID = records.DigestOf(line).String()
	}
	return doc, nil
}

// claimObject and resolvedObject differ in what an item is.
var (
	claimObject    = json.UnmarshalFromFunc(decodeObject[claim.Entity])
	resolvedObject = json.UnmarshalFromFunc(decodeObject[claim.ResolvedEntity])
)

// valueDecoders says how the value of each kind is decoded, items aside.
var valueDecoders = map[string]func(jsontext.Value, json.Options) (any, error){
	claim.KindString:          decodeAs[string],
	claim.KindURL:             decodeAs[string],
	claim.KindQuantity:        decodeAs[claim.Quantity],
	claim.KindTime:            decodeAs[claim.Time],
	claim.KindMonolingualText: decodeAs[claim.Text],
	claim.KindCoord:           decodeAs[claim.Coord],
}

func decodeObject[Item any](decoder *jsontext.Decoder, object *claim.Object) error {
	var raw struct {
		Kind  string         `json:"kind"`
		Value jsontext.Value `json:"value"`
	}
	if err := json.UnmarshalDecode(decoder, &raw); err != nil {
		return err
	}
	decode, known := valueDecoders[raw.Kind]
	switch {
	case raw.Kind == claim.KindItem:
		decode = decodeAs[Item]
	case !known:
		return fmt.Errorf("%w: %q", ErrUnknownKind, raw.Kind)
	}
	if len(raw.Value) == 0 || raw.Value.Kind() == 'n' {
		return errNoValue
	}
	value, err := decode(raw.Value, decoder.Options())
	if err != nil {
		return err
	}
	*object = claim.Object{Kind: raw.Kind, Value: value}
	return nil
}

func decodeAs[T any](raw jsontext.Value, options json.Options) (any, error) {
	var value T
	err := json.Unmarshal(raw, &value, options)
	return value, err
}
