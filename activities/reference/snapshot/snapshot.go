// Package snapshot reads the manifest that ingest writes.
package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Read returns the snapshot that ref points at, after its content was verified
// to the last byte. What is not a well-formed snapshot is a *runner.Failure
// with gates.ContractViolation; failures of the store are passed on.
func Read(ctx context.Context, store runner.ArtifactStore, ref records.Ref) (records.Snapshot, error) {
	r, err := store.Open(ctx, ref)
	if err != nil {
		return records.Snapshot{}, fmt.Errorf("snapshot %s: %w", ref.Digest, err)
	}
	defer r.Close()

	var snapshot records.Snapshot
	decoder := jsontext.NewDecoder(r)
	decodeErr := json.UnmarshalDecode(decoder, &snapshot, json.RejectUnknownMembers(true))
	if decodeErr == nil {
		if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
			decodeErr = fmt.Errorf("something follows the manifest at offset %d", decoder.InputOffset())
		}
	}
	// Reading to the end says whether the content is what ref names; if it is not,
	// what it seemed to say does not matter.
	if _, err := io.Copy(io.Discard, r); err != nil {
		return records.Snapshot{}, fmt.Errorf("snapshot %s: %w", ref.Digest, err)
	}
	if decodeErr == nil {
		decodeErr = check(snapshot)
	}
	if decodeErr != nil {
		return records.Snapshot{}, runner.Fail(gates.ContractViolation, decodeErr, "artifact %s is not an input snapshot", ref.Digest)
	}
	return snapshot, nil
}

// check holds a snapshot to what records.Snapshot promises.
func check(s records.Snapshot) error {
	if s.Kind != records.SnapshotKind || s.SchemaVersion != records.SnapshotVersion {
		return fmt.Errorf("want kind %q version %q, found kind %q version %q",
			records.SnapshotKind, records.SnapshotVersion, s.Kind, s.SchemaVersion)
	}
	previous := ""
	for _, file := range s.Files {
		switch {
		case !fs.ValidPath(file.Path) || file.Path == ".":
			return fmt.Errorf("file %q has no relative path", file.Path)
		case file.Path <= previous:
			return fmt.Errorf("file %q is out of order", file.Path)
		case !file.Digest.Valid():
			return fmt.Errorf("file %q has no sha256 digest", file.Path)
		case file.Size < 0:
			return fmt.Errorf("file %q has a negative size", file.Path)
		case file.MediaType == "":
			return fmt.Errorf("file %q has no media type", file.Path)
		}
		previous = file.Path
	}
	return nil
}
