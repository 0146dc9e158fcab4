package telemetry

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

// MaxSampleBytes bounds a sample.
const MaxSampleBytes = 64 << 10

// Problem is one thing that is wrong with a sample, and where: Pointer is a JSON
// Pointer (RFC 6901) into the sample.
type Problem struct {
	Pointer string `json:"pointer"`
	Message string `json:"message"`
}

// InvalidSample refuses a sample that cannot be read. Its code is SampleInvalid.
type InvalidSample struct{ Problems []Problem }

// Error lists every problem with its place.
func (e *InvalidSample) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.Pointer + ": " + p.Message
	}
	return "sample is not valid: " + strings.Join(texts, "; ")
}

// Item is a sample with what identifies it.
type Item struct {
	Sample
	// ID is the one that the sender chose, or the digest: samples of one id are one.
	ID string
	// Digest is that of Body.
	Digest records.Digest
	// Body is the sample in canonical JSON, without the id and the organization.
	Body []byte
}

// Read reads a sample as it was sent. The error is an *InvalidSample.
func Read(sent []byte) (Item, error) {
	if len(sent) > MaxSampleBytes {
		return Item{}, refused("", fmt.Sprintf("has %d bytes; %d are admitted", len(sent), MaxSampleBytes))
	}
	sample, err := decode(sent)
	if err != nil {
		return Item{}, err
	}
	if problems := check(sample); len(problems) > 0 {
		return Item{}, &InvalidSample{Problems: problems}
	}
	return newItem(sample)
}

func newItem(sample Sample) (Item, error) {
	item := Item{Sample: sample, ID: sample.SampleID}
	bare := sample
	bare.SampleID, bare.OrganizationID = "", ""
	bare.At = bare.At.UTC()
	var err error
	if item.Body, err = schemas.Canonical(bare); err != nil {
		return Item{}, refused("", err.Error())
	}
	item.Digest = records.DigestOf(item.Body)
	if item.ID == "" {
		item.ID = item.Digest.String()
	}
	return item, nil
}

// ReadStored reads the body of a sample that was read before.
func ReadStored(body []byte) (Sample, error) { return decode(body) }

// decode is strict: no unknown member, no name twice, no text but UTF-8.
func decode(data []byte) (Sample, error) {
	var sample Sample
	err := json.Unmarshal(data, &sample, json.RejectUnknownMembers(true))
	if err == nil {
		return sample, nil
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		return sample, refused(string(semantic.JSONPointer), reasonOf(semantic))
	}
	return sample, refused("", err.Error())
}

// reasonOf says what is wrong with a value, without the library's own words.
func reasonOf(e *json.SemanticError) string {
	switch {
	case errors.Is(e, json.ErrUnknownName):
		return "is not a member that a sample has there"
	case e.Err != nil:
		return "is not what must be there: " + e.Err.Error()
	default:
		return fmt.Sprintf("is %s, which must not be there", e.JSONKind)
	}
}

func refused(pointer, message string) *InvalidSample {
	return &InvalidSample{Problems: []Problem{{Pointer: pointer, Message: message}}}
}
