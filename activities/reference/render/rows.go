package render

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/document"
	"github.com/initkoa/orgo/activities/reference/identity"
	"github.com/initkoa/orgo/activities/reference/statement"
	"github.com/initkoa/orgo/activities/reference/stream"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// thingRow is a row of a dictionary.
type thingRow struct {
	Candidates []claim.Candidate `json:"candidates"`
	ID         string            `json:"id"`
	Labels     []label           `json:"labels"`
	Status     string            `json:"status"`
}

type label struct {
	Lang string `json:"lang"`
	Text string `json:"text"`
}

// name is what the thing is called, or its id.
func (t thingRow) name() string {
	if len(t.Labels) == 0 {
		return t.ID
	}
	return t.Labels[0].Text
}

// statementRow is a row of the statements. Object and Qualifiers are kept as they
// are written, since the id is a hash of that; stated and narrowed are what they say.
type statementRow struct {
	Evidence   []evidence     `json:"evidence"`
	ID         string         `json:"id"`
	Object     jsontext.Value `json:"object"`
	Property   string         `json:"property"`
	Qualifiers jsontext.Value `json:"qualifiers"`
	Subject    string         `json:"subject"`

	stated   value
	narrowed []narrowed
}

// narrowed is a qualifier that was read.
type narrowed struct {
	property string
	value    value
}

// evidence is where one claim says the statement. A claim without evidence of its own
// has no source.
type evidence struct {
	ClaimID string                `json:"claim_id"`
	Quote   string                `json:"quote"`
	Source  *claim.EvidenceSource `json:"source"`
}

// from says where a claim was read, as Markdown.
func (e evidence) from() string {
	var said string
	if e.Source != nil {
		said = ", from " + escape(e.Source.SourceID) + inBrackets(e.Source.Title)
	}
	if e.Quote != "" {
		said += ", quoting: " + escape(e.Quote)
	}
	return said
}

// digest returns the digest of the file that a claim was read from, where the id of
// its source begins with one.
func (e evidence) digest() (records.Digest, bool) {
	if e.Source == nil {
		return records.Digest{}, false
	}
	id, _, _ := strings.Cut(e.Source.SourceID, "#")
	digest, err := records.ParseDigest(id)
	return digest, err == nil
}

// errUntraced is the cause of refusing a statement that no claim stands behind.
var errUntraced = errors.New("cannot be traced back to a claim")

// readStatement reads a row, and refuses it unless it is what its id says and each
// piece of its evidence names a claim.
func readStatement(line []byte) (statementRow, error) {
	var row statementRow
	if err := json.Unmarshal(line, &row, json.RejectUnknownMembers(true)); err != nil {
		return row, err
	}
	if _, err := numbered(row.Subject, 'Q'); err != nil {
		return row, fmt.Errorf("subject: %w", err)
	}
	if _, err := numbered(row.Property, 'P'); err != nil {
		return row, fmt.Errorf("property: %w", err)
	}
	if err := row.read(); err != nil {
		return row, err
	}
	if id := row.hash().String(); row.ID != id {
		return row, fmt.Errorf("statement %q is %s by what it states", document.Excerpt(row.ID), id)
	}
	if len(row.Evidence) == 0 {
		return row, fmt.Errorf("statement %s %w: it has no evidence", row.ID, errUntraced)
	}
	for i, e := range row.Evidence {
		if e.ClaimID == "" {
			return row, fmt.Errorf("statement %s %w: evidence %d names none", row.ID, errUntraced, i)
		}
	}
	return row, nil
}

// read reads the object and the qualifiers.
func (r *statementRow) read() error {
	var stated object
	err := decode(r.Object, &stated)
	if err == nil {
		r.stated, err = stated.read()
	}
	if err != nil {
		return fmt.Errorf("object: %w", err)
	}
	if r.Qualifiers == nil {
		return nil
	}
	var qualifiers []qualifier
	if err := decode(r.Qualifiers, &qualifiers); err != nil {
		return fmt.Errorf("qualifiers: %w", err)
	}
	for i, q := range qualifiers {
		_, err := numbered(q.Property, 'P')
		n := narrowed{property: q.Property}
		if err == nil {
			n.value, err = q.Object.read()
		}
		if err != nil {
			return fmt.Errorf("qualifier %d: %w", i, err)
		}
		r.narrowed = append(r.narrowed, n)
	}
	return nil
}

// hash returns the id that the statement has by what it states: what
// statement.Statement.ID returns of the same.
func (r statementRow) hash() statement.ID {
	h := sha256.New()
	fmt.Fprintf(h, `{"object":%s,"property":"%s"`, r.Object, r.Property)
	if r.Qualifiers != nil {
		fmt.Fprintf(h, `,"qualifiers":%s`, r.Qualifiers)
	}
	fmt.Fprintf(h, `,"subject":"%s"}`, r.Subject)
	return statement.ID(h.Sum(nil))
}

const (
	localPrefix = "local:"
	localDigits = 32
)

// numbered reports whether an id is a letter and a number, and not one made of a name.
// One that is neither is an error.
func numbered(id string, letter byte) (bool, error) {
	digits, byName := strings.CutPrefix(id, localPrefix)
	if !byName {
		_, err := identity.Number(document.Excerpt(id), letter) // what an excerpt cuts is too long to be one
		return true, err
	}
	if len(digits) != localDigits || strings.Trim(digits, "0123456789abcdef") != "" {
		return false, fmt.Errorf("%q is not %s and %d hex digits", document.Excerpt(id), localPrefix, localDigits)
	}
	return false, nil
}

// readThing reads a row of a dictionary and returns the key that it is sorted by, as
// identity.Ref.AppendKey makes it.
func readThing(line []byte, letter byte) (row thingRow, key []byte, err error) {
	if err := json.Unmarshal(line, &row, json.RejectUnknownMembers(true)); err != nil {
		return row, nil, err
	}
	own, err := numbered(row.ID, letter)
	if err != nil {
		return row, nil, err
	}
	class := map[string]identity.Class{claim.StatusUnresolved: identity.Named, claim.StatusAmbiguous: identity.Ambiguous}[row.Status]
	if own && row.Status == claim.StatusResolved {
		number, err := identity.Number(row.ID, letter)
		return row, fmt.Appendf(nil, "%c%020d", byte(identity.Item), number), err
	}
	if own || class == 0 {
		return row, nil, fmt.Errorf("%s cannot have the status %q", row.ID, document.Excerpt(row.Status))
	}
	hash, err := hex.DecodeString(row.ID[len(localPrefix):])
	return row, append([]byte{byte(class)}, hash...), err
}

// placed is a row and where it stands.
type placed[T any] struct {
	row  T
	in   records.Ref
	line int64
}

func (p placed[T]) fail(code gates.Code, format string, args ...any) *runner.Failure {
	return stream.AtLine(code, fmt.Errorf(format, args...), p.in, p.line)
}

// rows reads the rows of the files of a table, one after the other, and ends after
// the first error.
func rows[T any](ctx context.Context, store runner.ArtifactStore, files []records.Artifact, read func([]byte) (T, error)) iter.Seq2[placed[T], error] {
	return func(yield func(placed[T], error) bool) {
		for _, file := range files {
			for line, err := range stream.Lines(ctx, store, file.Ref, gates.ContractViolation) {
				at := placed[T]{in: file.Ref, line: line.Number}
				if err == nil {
					at.row, err = read(line.Bytes)
					if err != nil {
						err = stream.AtLine(codeOf(err, gates.ContractViolation), err, file.Ref, line.Number)
					}
				}
				if !yield(at, err) || err != nil {
					return
				}
			}
		}
	}
}

// things reads a dictionary, each thing of which comes once, in order.
func (s *Stage) things(ctx context.Context, files []records.Artifact, letter byte) iter.Seq2[placed[thingRow], error] {
	var last []byte
	return rows(ctx, s.store, files, func(line []byte) (thingRow, error) {
		row, key, err := readThing(line, letter)
		if err == nil && bytes.Compare(last, key) >= 0 {
			err = fmt.Errorf("%s comes twice, or not in order", row.ID)
		}
		last = key
		return row, err
	})
}

// statements reads the statements, of which no two that follow each other are the
// same.
func (s *Stage) statements(ctx context.Context, files []records.Artifact) iter.Seq2[placed[statementRow], error] {
	var last statementRow
	return rows(ctx, s.store, files, func(line []byte) (statementRow, error) {
		row, err := readStatement(line)
		if err == nil && row.Subject == last.Subject && row.Property == last.Property && row.ID <= last.ID {
			err = fmt.Errorf("statement %s comes twice, or not in order", row.ID)
		}
		last = statementRow{ID: row.ID, Subject: row.Subject, Property: row.Property}
		return row, err
	})
}

// pulled is a sequence that is read row by row. The row is valid while more is set.
type pulled[T any] struct {
	row  T
	more bool
	err  error
	pull func() (T, error, bool)
	stop func()
}

// pull returns a sequence at its first row. The caller calls stop.
func pull[T any](from iter.Seq2[T, error]) *pulled[T] {
	p := &pulled[T]{}
	p.pull, p.stop = iter.Pull2(from)
	p.next()
	return p
}

func (p *pulled[T]) next() {
	var more bool
	p.row, p.err, more = p.pull()
	p.more = more && p.err == nil
}
