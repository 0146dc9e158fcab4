package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// SubjectErasure is the subject kind of an erasure; its id is that of the entry.
const SubjectErasure = "erasure"

// TypeEntryErased is the type of the entry that says that another was erased.
const TypeEntryErased = "orgo.entry.erased"

// Erased stands where personal data was.
const Erased = "[erased]"

// Erasure is the body of TypeEntryErased. The log holds only a commitment to what
// an entry said. That commitment stays, so that the log still verifies; and with
// the digest of what is left of the body, nothing else can be changed under the
// pretext of an erasure.
type Erasure struct {
	EntryID    string   `json:"entry_id"`
	Type       string   `json:"type"`
	Leaf       int64    `json:"leaf"`
	Commitment string   `json:"commitment"` // of the leaf, in hex
	Body       Digest   `json:"body"`       // of what is left
	Fields     []string `json:"fields"`     // that were erased
}

// personal says for each type of entry where its body names people or quotes them,
// or has what a runner wrote, which may. "*" stands for every element of a list, and
// "*:name" for those that have the named member. What gates decide names nobody, but
// for decisions about an override.
var personal = map[string][][]string{
	TypeBuildRequested: {{"trigger", "actor"}, {"trigger", "reason"}, {"trigger", "source_ref"}},
	TypeRecordWritten: {{"trigger", "actor"}, {"trigger", "reason"}, {"trigger", "source_ref"},
		{"actions", "*", "actor"}, {"actions", "*", "reason"},
		{"stages", "*", "message"}, {"stages", "*", "notes"}, {"stages", "*", "attempts", "*", "message"},
		{"decisions", "*:override", "actor"}, {"decisions", "*:override", "override", "actor"},
		{"decisions", "*:override", "override", "reason"}, {"decisions", "*:override", "inputs"}},
	TypeGateOverridden:  {{"actor"}, {"override", "actor"}, {"override", "reason"}, {"inputs"}},
	TypeOverrideRefused: {{"actor"}, {"override", "actor"}, {"override", "reason"}, {"inputs"}},
	TypeStageFailed:     {{"message"}, {"details"}},
	TypeStageFinished:   {{"notes"}},
	TypeStageConflict:   {{"notes"}},
	// Of package cases, which imports this one.
	"orgo.case.opened":    {{"summary"}, {"description"}, {"refs", "*", "note"}},
	"orgo.case.moved":     {{"resolution"}},
	"orgo.case.linked":    {{"ref", "note"}},
	"orgo.case.commented": {{"text"}},
	"orgo.task.moved":     {{"resolution"}},
	"orgo.task.commented": {{"text"}},
}

// PersonalDocuments returns the documents that go when an entry is erased: the
// request of a build, and what a program wrote to stderr.
func PersonalDocuments(e Entry) ([]Ref, error) {
	switch e.Type {
	case TypeBuildRequested:
		body, err := decode[BuildRequested](e)
		return []Ref{body.Request}, err
	case TypeStageFinished, TypeStageConflict:
		body, err := decode[StageFinished](e)
		var documents []Ref
		for _, attachment := range body.Attachments {
			if attachment.Name == AttachmentStderr {
				documents = append(documents, attachment.Ref)
			}
		}
		return documents, err
	default:
		return nil, nil
	}
}

// Redact returns an entry without its personal data, and which fields were erased:
// all that held something, and the documents that must go. To redact it again changes nothing and yields the same
// fields. Its id stays: it was derived when it was written.
func Redact(e Entry) (Entry, []string, error) {
	fields := []string{}
	for _, field := range []struct {
		name string
		text *string
		stay string
	}{{"actor", &e.Actor, SystemActor}, {"on_behalf_of", &e.OnBehalfOf, ""}, {"reason", &e.Reason, ""}} {
		if *field.text != "" && *field.text != field.stay {
			*field.text = Erased
			fields = append(fields, field.name)
		}
	}
	var body any
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return e, nil, fmt.Errorf("body of entry %s: %w", e.ID, err)
	}
	documents, err := PersonalDocuments(e)
	if err != nil {
		return e, nil, err
	}
	for _, document := range documents {
		fields = append(fields, "document "+document.Digest.String())
	}
	changed := false
	for _, path := range personal[e.Type] {
		erase(body, path, "body", func(field string) {
			changed = true
			fields = append(fields, field)
		})
	}
	if !changed {
		return e, fields, nil // a body that says nothing of people stays byte for byte
	}
	canonical, err := Canonical(body)
	if err != nil {
		return e, nil, fmt.Errorf("body of entry %s: %w", e.ID, err)
	}
	e.Body, e.Digest = canonical, DigestOf(canonical)
	return e, fields, nil
}

// Left returns why an entry is not what the erasure left of it; nil if it is. It
// trusts the erasure, which therefore must come from the log.
func (x Erasure) Left(e Entry) error {
	if x.EntryID != e.ID || x.Type != e.Type || x.Body != e.Digest || e.Digest != DigestOf(e.Body) {
		return errors.New("it is not what its recorded erasure left of it")
	}
	again, fields, err := Redact(e)
	switch {
	case err != nil:
		return err
	case again.Actor != e.Actor || again.OnBehalfOf != e.OnBehalfOf || again.Reason != e.Reason || again.Digest != e.Digest:
		return errors.New("it was erased and says something again")
	case !slices.Equal(fields, x.Fields):
		return fmt.Errorf("%v are erased, and its recorded erasure is of %v", fields, x.Fields)
	default:
		return nil
	}
}

// erase replaces what is at a path, if there is something.
func erase(value any, path []string, at string, erased func(field string)) {
	if every, with, _ := strings.Cut(path[0], ":"); every == "*" {
		list, _ := value.([]any)
		for i, element := range list {
			if members, _ := element.(map[string]any); with != "" && members[with] == nil {
				continue
			}
			erase(element, path[1:], fmt.Sprintf("%s[%d]", at, i), erased)
		}
		return
	}
	object, _ := value.(map[string]any)
	inner, found := object[path[0]]
	at += "." + path[0]
	switch {
	case !found || inner == nil || inner == "":
	case len(path) > 1:
		erase(inner, path[1:], at, erased)
	default:
		object[path[0]] = Erased
		erased(at)
	}
}
