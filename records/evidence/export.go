package evidence

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/ledger"
)

// Source is where evidence is exported from.
type Source interface {
	// History returns the entries of a subject with their leaves, in order. An
	// entry that waits for its leaf has -1.
	History(ctx context.Context, organization string, subject records.Subject) ([]Sequenced, error)
	// Checkpoint returns the newest signed checkpoint.
	Checkpoint(ctx context.Context) ([]byte, error)
	Hashes(ctx context.Context) *ledger.HashReader
}

// Sequenced is an entry with its place in the log.
type Sequenced struct {
	Entry    records.Entry
	Sequence int64 // among the entries of its subject
	Salt     [ledger.SaltSize]byte
	Erased   string // the leaf's commitment, in hex, of an entry that was erased: its salt is gone
	Leaf     int64  // or -1
}

// Artifacts opens content by its digest, and verifies it while it is read.
type Artifacts interface {
	Open(ctx context.Context, ref records.Ref) (io.ReadCloser, error)
}

// PendingError says that an entry is recorded and not yet in the log.
type PendingError struct{ EntryID string }

// Error names the entry.
func (e *PendingError) Error() string {
	return fmt.Sprintf("entry %s has no leaf yet; try again in a second", e.EntryID)
}

// Export writes the evidence of a build that has ended into a new directory.
func Export(ctx context.Context, source Source, artifacts Artifacts, organization, buildID, directory string) error {
	x := exporter{source: source, artifacts: artifacts, organization: organization, directory: directory}
	build, end, err := x.build(ctx, buildID)
	if err != nil {
		return err
	}
	return x.bundle(ctx, header{BuildID: buildID}, build, []string{end.attested.KeyID}, end.required())
}

// ExportRelease writes the evidence of a release that has closed well or ended, as far as
// it is recorded by now, and of the build that it brings.
func ExportRelease(ctx context.Context, source Source, artifacts Artifacts, organization, releaseID, directory string) error {
	x := exporter{source: source, artifacts: artifacts, organization: organization, directory: directory}
	history, err := x.history(ctx, records.ReleaseSubject(releaseID))
	if err != nil {
		return err
	}
	life, err := lifeOf(history)
	if err != nil {
		return err
	}
	buildID := life.newest().Request.BuildID
	build, end, err := x.build(ctx, buildID)
	if err != nil {
		return err
	}
	return x.bundle(ctx, header{BuildID: buildID, ReleaseID: releaseID}, append(history, build...), keysOf(end, life), requiredOf(end, life))
}

// build returns the entries of a build, and how it ended.
func (x *exporter) build(ctx context.Context, id string) ([]line, ending, error) {
	build, err := x.history(ctx, records.Subject{Kind: records.SubjectBuild, ID: id})
	if err != nil {
		return nil, ending{}, err
	}
	end, err := endingOf(build)
	return build, end, err
}

// bundle writes lines, those of the keys that signed, and what was erased of any of them.
func (x *exporter) bundle(ctx context.Context, of header, lines []line, keys []string, documents []records.Ref) error {
	for _, id := range keys {
		history, err := x.history(ctx, records.Subject{Kind: records.SubjectKey, ID: id})
		if err != nil {
			return err
		}
		lines = append(lines, history...)
	}
	erasures, err := x.erasures(ctx, lines)
	if err != nil {
		return err
	}
	if err := os.Mkdir(x.directory, 0o750); err != nil {
		return fmt.Errorf("evidence is written into a new directory: %w", err)
	}
	of.Format, of.Organization = Format, x.organization
	if err := x.writeJSON(headerFile, of); err != nil {
		return err
	}
	if err := x.writeLog(ctx, append(lines, erasures...)); err != nil {
		return err
	}
	return x.writeArtifacts(ctx, documents)
}

type exporter struct {
	source       Source
	artifacts    Artifacts
	organization string
	directory    string
}

func (x *exporter) history(ctx context.Context, subject records.Subject) ([]line, error) {
	history, err := x.source.History(ctx, x.organization, subject)
	if err != nil {
		return nil, err
	}
	if len(history) == 0 {
		return nil, refusef("nothing is recorded of %s %s", subject.Kind, subject.ID)
	}
	lines := make([]line, len(history))
	for i, s := range history {
		if s.Leaf < 0 {
			return nil, &PendingError{EntryID: s.Entry.ID}
		}
		lines[i] = line{Leaf: s.Leaf, Sequence: s.Sequence, Erased: s.Erased, Entry: s.Entry}
		if s.Erased == "" {
			lines[i].Salt = hex.EncodeToString(s.Salt[:])
		}
	}
	return lines, nil
}

// erasures returns the entries that say which of the lines were erased.
func (x *exporter) erasures(ctx context.Context, lines []line) ([]line, error) {
	var all []line
	for _, l := range lines {
		if l.Erased == "" {
			continue
		}
		erasure, err := x.history(ctx, erasureOf(l))
		if err != nil {
			return nil, err
		}
		all = append(all, erasure...)
	}
	return all, nil
}

// writeLog writes the entries, each with its proof, and the checkpoint that the
// proofs lead to.
func (x *exporter) writeLog(ctx context.Context, lines []line) error {
	note, err := x.source.Checkpoint(ctx)
	if err != nil {
		return err
	}
	size, err := ledger.SizeOf(note)
	if err != nil {
		return err
	}
	hashes := x.source.Hashes(ctx)
	var text strings.Builder
	for _, l := range lines {
		if l.Leaf >= size {
			return &PendingError{EntryID: l.Entry.ID}
		}
		proof, err := tlog.ProveRecord(size, l.Leaf, hashes)
		if err != nil {
			return fmt.Errorf("prove leaf %d: %w", l.Leaf, err)
		}
		l.Proof = [][]byte{}
		for _, hash := range proof {
			l.Proof = append(l.Proof, hash[:])
		}
		encoded, err := records.Canonical(l)
		if err != nil {
			return fmt.Errorf("entry %s: %w", l.Entry.ID, err)
		}
		text.Write(encoded)
		text.WriteByte('\n')
	}
	if err := x.write(checkpointFile, note); err != nil {
		return err
	}
	return x.write(entriesFile, []byte(text.String()))
}

func (x *exporter) writeArtifacts(ctx context.Context, refs []records.Ref) error {
	if err := os.Mkdir(filepath.Join(x.directory, artifactsDir), 0o750); err != nil {
		return err
	}
	for _, ref := range refs {
		if err := x.writeArtifact(ctx, ref); err != nil {
			return err
		}
	}
	return nil
}

func (x *exporter) writeArtifact(ctx context.Context, ref records.Ref) error {
	content, err := x.artifacts.Open(ctx, ref)
	if err != nil {
		return err
	}
	defer content.Close()
	file, err := os.OpenFile(filepath.Join(x.directory, artifactName(ref.Digest)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, content); err != nil {
		_ = file.Close()
		return fmt.Errorf("artifact %s: %w", ref.Digest, err)
	}
	return file.Close()
}

func (x *exporter) writeJSON(name string, document any) error {
	canonical, err := records.Canonical(document)
	if err != nil {
		return err
	}
	return x.write(name, append(canonical, '\n'))
}

func (x *exporter) write(name string, content []byte) error {
	return os.WriteFile(filepath.Join(x.directory, name), content, 0o640)
}
