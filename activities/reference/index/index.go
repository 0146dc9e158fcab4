// Package index reads a pinned index: JSON Lines that give items and properties
// their names.
package index

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/identity"
	"github.com/initkoa/orgo/activities/reference/stream"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Ref is the reference to an index in a stage's config. Path is only known to
// the command line, which uploads the file and puts the digest in its place.
type Ref struct {
	records.Ref
	Path string `json:"path,omitempty"`
}

// Check refuses a reference that is not pinned: one by path, or without a digest.
func (r *Ref) Check() error {
	switch {
	case r == nil:
		return nil
	case r.Path != "":
		return runner.Fail(gates.PinFloating, nil, "index names the path %q and no digest; upload it and name its digest", r.Path)
	case !r.Valid():
		return runner.Fail(gates.PinFloating, nil, "index has no sha256 digest")
	default:
		return nil
	}
}

// Entry is one item ("Q…") or property ("P…") and its names. Lang says which
// language the names are in. SingleValued and Datatype are for properties:
// whether a subject has at most one value, and of which kind.
type Entry struct {
	ID           string   `json:"id"`
	Label        string   `json:"label"`
	Aliases      []string `json:"aliases,omitempty"`
	Lang         string   `json:"lang,omitempty"`
	SingleValued bool     `json:"single_valued,omitempty"`
	Datatype     string   `json:"datatype,omitempty"`
}

// Property reports whether the entry is of a property.
func (e Entry) Property() bool { return strings.HasPrefix(e.ID, "P") }

// Letter returns 'Q' for an item and 'P' for a property.
func (e Entry) Letter() byte { return e.ID[0] }

// Read reads the index. A line that is not an entry is a failure with
// gates.IndexInvalid that names the line. Blank lines are passed over. The same
// id may come on several lines, say one for each language.
func Read(ctx context.Context, store runner.ArtifactStore, ref records.Ref) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for line, err := range stream.Lines(ctx, store, ref, gates.IndexInvalid) {
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if len(line.Bytes) == 0 {
				continue
			}
			entry, err := parse(line.Bytes)
			if err != nil {
				yield(Entry{}, stream.AtLine(gates.IndexInvalid, err, ref, line.Number))
				return
			}
			if !yield(entry, nil) {
				return
			}
		}
	}
}

var kinds = map[string]bool{
	claim.KindItem: true, claim.KindString: true, claim.KindQuantity: true, claim.KindTime: true,
	claim.KindMonolingualText: true, claim.KindCoord: true, claim.KindURL: true,
}

// Kind reports whether name is the name of a kind of object.
func Kind(name string) bool { return kinds[name] }

func parse(line []byte) (Entry, error) {
	var entry Entry
	if err := json.Unmarshal(line, &entry, json.RejectUnknownMembers(true)); err != nil {
		return Entry{}, err
	}
	if entry.ID == "" {
		return Entry{}, errors.New("id is missing")
	}
	letter := entry.Letter()
	if letter != 'P' {
		letter = 'Q'
	}
	if _, err := identity.Number(entry.ID, letter); err != nil {
		return Entry{}, fmt.Errorf("id %w", err)
	}
	for _, name := range append([]string{entry.Label}, entry.Aliases...) {
		if identity.Fold(name) == "" {
			return Entry{}, fmt.Errorf("%s has an empty label or alias", entry.ID)
		}
	}
	if entry.Datatype != "" && !Kind(entry.Datatype) {
		return Entry{}, fmt.Errorf("%s has the unknown datatype %q", entry.ID, entry.Datatype)
	}
	if !entry.Property() && (entry.SingleValued || entry.Datatype != "") {
		return Entry{}, fmt.Errorf("%s is an item; single_valued and datatype are for properties", entry.ID)
	}
	return entry, nil
}
