package schemas

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// decodeJSON reads one document into the types that the library takes: nil,
// bool, string, []any, map[string]any, and json.Number so that numbers stay
// exact. Errors are a *JSONError.
func decodeJSON(data []byte) (any, error) {
	if err := checkLimits(data, inRange); err != nil {
		return nil, err
	}
	decoder := decoders.Get().(*jsontext.Decoder)
	defer decoders.Put(decoder)
	// The decoder reads a bytes.Buffer in place. It leaves data as it is.
	decoder.Reset(bytes.NewBuffer(data))
	value, err := decodeValue(decoder)
	if err != nil {
		return nil, syntaxError(err)
	}
	end := decoder.InputOffset()
	if _, err := decoder.ReadToken(); err != io.EOF {
		if err != nil {
			return nil, syntaxError(err)
		}
		return nil, &JSONError{Code: CodeSyntax, Offset: end, Problem: "there is something after the document"}
	}
	return value, nil
}

var decoders = sync.Pool{New: func() any { return jsontext.NewDecoder(bytes.NewBuffer(nil)) }}

// decodeValue recurses no deeper than MaxDepth, which checkLimits has seen to.
func decodeValue(decoder *jsontext.Decoder) (any, error) {
	token, err := decoder.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case 'n':
		return nil, nil
	case 't', 'f':
		return token.Bool(), nil
	case '"':
		return token.String(), nil
	case '0':
		return json.Number(token.String()), nil
	case '[':
		return decodeArray(decoder)
	default: // '{' is what remains
		return decodeObject(decoder)
	}
}

func decodeArray(decoder *jsontext.Decoder) (any, error) {
	items := []any{}
	for decoder.PeekKind() != ']' {
		item, err := decodeValue(decoder)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := decoder.ReadToken()
	return items, err
}

func decodeObject(decoder *jsontext.Decoder) (any, error) {
	members := map[string]any{}
	for decoder.PeekKind() != '}' {
		token, err := decoder.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String()
		if members[name], err = decodeValue(decoder); err != nil {
			return nil, err
		}
	}
	_, err := decoder.ReadToken()
	return members, err
}
