package schemas

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// What one JSON document may be. A document beyond any of these is a *JSONError,
// never a pass.
const (
	// MaxDocumentBytes is the largest document, in bytes.
	MaxDocumentBytes = 64 << 20
	// MaxDepth is how deep arrays and objects may be nested.
	MaxDepth = 100
	// MaxNumberBytes is the longest literal of a number, in bytes.
	MaxNumberBytes = 128
)

// The codes of a JSONError. They are stable.
const (
	// CodeSyntax: it is not JSON (RFC 8259), or not UTF-8.
	CodeSyntax = "JSON_SYNTAX"
	// CodeDuplicateName: an object has a member twice.
	CodeDuplicateName = "JSON_DUPLICATE_NAME"
	// CodeTooLarge: it has more than MaxDocumentBytes.
	CodeTooLarge = "JSON_TOO_LARGE"
	// CodeTooDeep: it is nested deeper than MaxDepth.
	CodeTooDeep = "JSON_TOO_DEEP"
	// CodeNumberTooLong: a number has more than MaxNumberBytes.
	CodeNumberTooLong = "JSON_NUMBER_TOO_LONG"
	// CodeNumberRange: a double turns a number into infinity or zero.
	CodeNumberRange = "JSON_NUMBER_RANGE"
	// CodeIntegerInexact: canonical form would change an integer.
	CodeIntegerInexact = "JSON_INTEGER_INEXACT"
)

// JSONError says that bytes are not a JSON document that Orgo takes, and where.
type JSONError struct {
	Code    string // stable, such as CodeTooDeep
	Offset  int64  // of the first byte at fault, or shortly before it
	Pointer string // JSON Pointer (RFC 6901) of the value it lies in
	Problem string
	Cause   error // may be nil
}

// Error names the place and the problem.
func (e *JSONError) Error() string {
	return fmt.Sprintf("%s: json at byte %d, pointer %q: %s", e.Code, e.Offset, e.Pointer, e.Problem)
}

// Unwrap returns the cause.
func (e *JSONError) Unwrap() error { return e.Cause }

// numberRule says what is asked of a number besides its length.
type numberRule int

const (
	// inRange asks for a number that a double does not turn into infinity or zero.
	inRange numberRule = iota
	// exactIntegers asks moreover that integers survive canonical form, which
	// writes them as doubles (RFC 8785, section 3.2.2.3).
	exactIntegers
)

// checkLimits refuses a document that is too large, nested too deeply, or has a
// number that breaks the rule. It assumes nothing of the syntax and reports none
// of its faults: it is a scan of a nanosecond a byte that a decoder follows.
func checkLimits(data []byte, rule numberRule) error {
	if len(data) > MaxDocumentBytes {
		return &JSONError{Code: CodeTooLarge, Problem: fmt.Sprintf("the document has %d bytes, more than %d", len(data), MaxDocumentBytes)}
	}
	depth := 0
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			i = stringEnd(data, i)
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return locate(data, i, CodeTooDeep, fmt.Sprintf("nested deeper than %d", MaxDepth))
			}
		case c == '}' || c == ']':
			depth--
		case c == '-' || '0' <= c && c <= '9':
			end := numberEnd(data, i)
			if code, problem := numberProblem(data[i:end], rule); code != "" {
				return locate(data, i, code, problem)
			}
			i = end - 1
		}
	}
	return nil
}

// stringEnd returns the index of the quote that closes the string opened at i.
func stringEnd(data []byte, i int) int {
	for i++; i < len(data) && data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i
}

func numberEnd(data []byte, i int) int {
	for i < len(data) && strings.IndexByte("+-.0123456789Ee", data[i]) >= 0 {
		i++
	}
	return i
}

// plainDigits is how many decimal digits every double carries exactly.
const plainDigits = 15

// numberProblem returns what is wrong with a number, and its code; or nothing.
func numberProblem(literal []byte, rule numberRule) (code, problem string) {
	if len(literal) <= plainDigits && !bytes.ContainsAny(literal, "eE") {
		return "", ""
	}
	if len(literal) > MaxNumberBytes {
		return CodeNumberTooLong, fmt.Sprintf("a number of %d characters, more than %d", len(literal), MaxNumberBytes)
	}
	text := string(literal)
	double, err := strconv.ParseFloat(text, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return CodeNumberRange, fmt.Sprintf("the number %s is beyond the range of a double", text)
	case err != nil:
		return "", "" // a syntax error, which the decoder names better
	case double == 0 && strings.ContainsAny(strings.SplitN(strings.ToLower(text), "e", 2)[0], "123456789"):
		return CodeNumberRange, fmt.Sprintf("the number %s is too small for a double", text)
	case rule == exactIntegers && !integerSurvives(text, double):
		return CodeIntegerInexact, fmt.Sprintf("the integer %s changes when read as a double; write it as a string", text)
	}
	return "", ""
}

// integerSurvives reports whether an integer is a double exactly, or is again the
// same once that double is written with as few digits as tell it apart (1e30).
// Numbers with a fraction are rounded, as everywhere in JSON.
func integerSurvives(text string, double float64) bool {
	exact, ok := new(big.Rat).SetString(text)
	if !ok {
		return false
	}
	if !exact.IsInt() || exact.Cmp(new(big.Rat).SetFloat64(double)) == 0 {
		return true
	}
	written, ok := new(big.Rat).SetString(strconv.FormatFloat(double, 'g', -1, 64))
	return ok && exact.Cmp(written) == 0
}

// locate returns the error of a problem at offset, with its pointer; or the
// syntax error that a decoder meets before it gets there.
func locate(data []byte, offset int, code, problem string) error {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(data))
	for decoder.InputOffset() <= int64(offset) {
		if _, err := decoder.ReadToken(); err != nil {
			return syntaxError(err)
		}
	}
	return &JSONError{Code: code, Offset: int64(offset), Pointer: string(decoder.StackPointer()), Problem: problem}
}

// syntaxError turns what jsontext says into a *JSONError.
func syntaxError(err error) error {
	var syntactic *jsontext.SyntacticError
	if !errors.As(err, &syntactic) {
		return &JSONError{Code: CodeSyntax, Problem: err.Error(), Cause: err}
	}
	code := CodeSyntax
	if errors.Is(err, jsontext.ErrDuplicateName) {
		code = CodeDuplicateName
	}
	return &JSONError{
		Code:    code,
		Offset:  syntactic.ByteOffset,
		Pointer: string(syntactic.JSONPointer),
		Problem: strings.TrimPrefix(syntactic.Err.Error(), "jsontext: "),
		Cause:   err,
	}
}
