package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/initkoa/orgo/records"
)

// timeLayout is RFC 3339 in UTC with microseconds: of fixed width, so that the
// order of the text is the order of the times.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// fact is an entry that was checked and made ready to be written, before any
// lock is taken.
type fact struct {
	records.Entry
	row    entryRow // all but its sequence
	output *output  // of an entry of kind output
}

// output is what makes an entry the output of a stage.
type output struct {
	key    string
	digest records.Digest // identity of the outputs
}

func newFacts(entries []records.Entry) ([]fact, error) {
	facts := make([]fact, len(entries))
	for i, entry := range entries {
		var err error
		if facts[i], err = newFact(entry); err != nil {
			return nil, err
		}
		if entry.Organization != entries[0].Organization {
			return nil, invalid(entry, "it is of another organization than the first entry of the append; append them apart")
		}
	}
	return facts, nil
}

func newFact(entry records.Entry) (fact, error) {
	entry.At = entry.At.UTC().Truncate(time.Microsecond)
	if err := check(entry); err != nil {
		return fact{}, err
	}
	row, err := newRow(entry)
	if err != nil {
		return fact{}, err
	}
	if row.Salt, err = newSalt(); err != nil {
		return fact{}, err
	}
	output, err := newOutput(entry)
	if err != nil {
		return fact{}, err
	}
	return fact{Entry: entry, row: row, output: output}, nil
}

// check refuses an entry that is incomplete, whose body is not what its digest
// says, or that the two databases would not keep alike.
func check(entry records.Entry) error {
	for _, field := range []struct {
		name, value string
		required    bool
	}{
		{"organization", entry.Organization, true},
		{"id", entry.ID, true},
		{"kind", string(entry.Kind), true},
		{"type", entry.Type, true},
		{"subject kind", entry.Subject.Kind, true},
		{"subject id", entry.Subject.ID, true},
		{"actor", entry.Actor, true},
		{"on_behalf_of", entry.OnBehalfOf, false},
		{"reason", entry.Reason, false},
		{"body", string(entry.Body), true},
	} {
		switch {
		case field.required && field.value == "":
			return invalid(entry, "its %s is empty", field.name)
		case !utf8.ValidString(field.value) || strings.ContainsRune(field.value, 0):
			return invalid(entry, "its %s is not UTF-8 text without NUL", field.name)
		}
	}
	switch {
	case entry.At.IsZero() || entry.At.Year() < 1 || entry.At.Year() > 9999:
		return invalid(entry, "its time %s is not one of the years 1 to 9999", entry.At)
	case entry.Digest != records.DigestOf(entry.Body):
		return invalid(entry, "its body has not the digest %s; make entries with records.NewEntry", entry.Digest)
	case !json.Valid(entry.Body):
		return invalid(entry, "its body is not JSON")
	}
	return nil
}

// newOutput returns nil for an entry that is no stage output. Kind and type must
// agree, so that no output gets past the rule of one per key as an event.
func newOutput(entry records.Entry) (*output, error) {
	isOutput, isFinished := entry.Kind == records.KindOutput, entry.Type == records.TypeStageFinished
	if isOutput != isFinished {
		return nil, invalid(entry, "kind %q and type %q do not belong together: %q is the kind of %q and of nothing else",
			entry.Kind, entry.Type, records.KindOutput, records.TypeStageFinished)
	}
	if !isOutput {
		return nil, nil
	}
	var finished records.StageFinished
	if err := json.Unmarshal(entry.Body, &finished); err != nil {
		return nil, invalid(entry, "its body is no stage output: %v", err)
	}
	if finished.Key == "" {
		return nil, invalid(entry, "its body has no idempotency_key")
	}
	digest, err := records.OutputsDigest(finished.Outputs)
	if err != nil {
		return nil, invalid(entry, "its outputs have no identity: %v", err)
	}
	return &output{key: finished.Key, digest: digest}, nil
}

func invalid(entry records.Entry, format string, args ...any) *InvalidEntry {
	return &InvalidEntry{EntryID: entry.ID, Type: entry.Type, Reason: fmt.Sprintf(format, args...)}
}
