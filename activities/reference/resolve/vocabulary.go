package resolve

import (
	"context"
	"errors"

	"github.com/initkoa/orgo/activities/reference/document"
	"github.com/initkoa/orgo/activities/reference/identity"
	"github.com/initkoa/orgo/activities/reference/index"
	"github.com/initkoa/orgo/activities/reference/stream"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// vocabulary is all names that are known.
type vocabulary struct{ items, properties *names }

// learnIndex takes in the names of a pinned index, if there is one.
func (v vocabulary) learnIndex(ctx context.Context, store runner.ArtifactStore, ref *index.Ref) error {
	if ref == nil {
		return nil
	}
	for entry, err := range index.Read(ctx, store, ref.Ref) {
		if err != nil {
			return err
		}
		if err := v.learnEntry(entry); err != nil {
			return namesFailure(err, "index "+ref.Digest.String())
		}
	}
	return nil
}

func (v vocabulary) learnEntry(entry index.Entry) error {
	into := v.items
	if entry.Property() {
		into = v.properties
	}
	number, err := identity.Number(entry.ID, entry.Letter())
	if err != nil {
		return err
	}
	label, err := into.put(identity.Label(entry.Label))
	if err != nil {
		return err
	}
	if err := into.add(entry.Label, number, 0, label); err != nil {
		return err
	}
	for _, alias := range entry.Aliases {
		if err := into.add(alias, number, isAlias, label); err != nil {
			return err
		}
	}
	return nil
}

// learnCorpus takes in the names of the subjects that say their own Q-id, and
// returns the number of documents.
func (v vocabulary) learnCorpus(
	ctx context.Context, store runner.ArtifactStore, claims records.Ref, progress runner.Progress,
) (int64, error) {
	var documents int64
	for line, err := range stream.Lines(ctx, store, claims, gates.ClaimInvalid) {
		if err != nil {
			return 0, err
		}
		documents = line.Number
		if line.Number%progressEvery == 0 {
			progress(line.Number, 0)
		}
		subject, err := document.Subject(line.Bytes)
		if err != nil {
			return 0, stream.AtLine(gates.ClaimInvalid, err, claims, line.Number)
		}
		if subject.QID == "" || identity.Fold(subject.Surface) == "" {
			continue
		}
		number, err := identity.Number(subject.QID, v.items.letter)
		if err != nil {
			return 0, stream.AtLine(gates.ClaimInvalid, err, claims, line.Number)
		}
		if err := v.items.add(subject.Surface, number, fromCorpus, noLabel); err != nil {
			return 0, namesFailure(err, "claims "+claims.Digest.String())
		}
	}
	return documents, nil
}

func namesFailure(err error, in string) error {
	if errors.Is(err, errTooManyNames) {
		return runner.Fail(gates.InputTooLarge, err, "names in %s", in)
	}
	return err
}
