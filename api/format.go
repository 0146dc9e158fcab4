package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/danielgtaylor/huma/v2"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// jsonFormat reads strictly (RFC 8259 with unique names and valid UTF-8, as
// RFC 7493 asks) and writes plainly.
func jsonFormat() huma.Format {
	return huma.Format{
		Marshal: func(w io.Writer, v any) error {
			encoder := json.NewEncoder(w)
			encoder.SetEscapeHTML(false)
			return encoder.Encode(v)
		},
		Unmarshal: unmarshalStrictly,
	}
}

// unmarshalStrictly says in its errors at which line and column of data they
// are, both from 1.
func unmarshalStrictly(data []byte, v any) error {
	err := jsonv2.Unmarshal(data, v)
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		return &bodyError{place: placeOf(data, syntax.ByteOffset), pointer: string(syntax.JSONPointer), cause: syntax.Err}
	}
	var semantic *jsonv2.SemanticError
	if errors.As(err, &semantic) && semantic.Err != nil {
		return &bodyError{place: placeOf(data, semantic.ByteOffset), pointer: string(semantic.JSONPointer), cause: semantic.Err}
	}
	return err
}

// bodyError is an error at a place of a request body.
type bodyError struct {
	place   textPlace
	pointer string // JSON Pointer (RFC 6901)
	cause   error
}

func (e *bodyError) Error() string {
	if e.pointer == "" {
		return fmt.Sprintf("%s: %v", e.place, e.cause)
	}
	return fmt.Sprintf("%s, at %s: %v", e.place, e.pointer, e.cause)
}

func (e *bodyError) Unwrap() error { return e.cause }

// textPlace is a place in a text, from 1.
type textPlace struct{ line, column int }

func (p textPlace) String() string { return fmt.Sprintf("line %d, column %d", p.line, p.column) }

func placeOf(data []byte, offset int64) textPlace {
	before := data[:min(int(offset), len(data))]
	return textPlace{line: bytes.Count(before, []byte{'\n'}) + 1, column: len(before) - bytes.LastIndexByte(before, '\n')}
}

// decodeStrictly reads a document into a struct and refuses members that the
// struct does not have.
func decodeStrictly(data []byte, into any) error {
	err := jsonv2.Unmarshal(data, into, jsonv2.RejectUnknownMembers(true))
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		return &bodyError{place: placeOf(data, syntax.ByteOffset), pointer: string(syntax.JSONPointer), cause: syntax.Err}
	}
	var semantic *jsonv2.SemanticError
	if errors.As(err, &semantic) {
		cause := semantic.Err
		if cause == nil {
			cause = fmt.Errorf("a JSON %s does not belong here", semantic.JSONKind)
		}
		return &bodyError{place: placeOf(data, semantic.ByteOffset), pointer: string(semantic.JSONPointer), cause: cause}
	}
	return err
}
