package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/attest"
	"github.com/initkoa/orgo/records/ledger"
)

// Refusal says why a directory is not the evidence that it claims to be.
type Refusal struct{ What string }

// Error says what is wrong.
func (e *Refusal) Error() string { return e.What }

func refusef(format string, args ...any) error { return &Refusal{What: fmt.Sprintf(format, args...)} }

// Report is what evidence proves.
type Report struct {
	Organization string             `json:"organization"`
	BuildID      string             `json:"build_id"`
	State        records.BuildState `json:"state"`
	Codes        []string           `json:"reason_codes"`
	EndedAt      time.Time          `json:"ended_at"`
	RecordHash   records.Digest     `json:"build_record_hash"`
	Subjects     []attest.Resource  `json:"subjects"`
	KeyID        string             `json:"key_id"`
	LogOrigin    string             `json:"log_origin"`
	LogSize      int64              `json:"log_size"`
	Entries      int                `json:"entries"`
	Artifacts    int                `json:"artifacts"`
	// Erased is what the log says is no longer there, in the order of the leaves.
	Erased []Erased `json:"erased,omitempty"`
	// KeyRetired says that the key was retired after it attested the build. Without
	// it the key may have been, too: only the log shows that none was.
	KeyRetired *Retired `json:"key_retired,omitempty"`
	// Release is what is proved of the release that brings the build; none of a build
	// alone.
	Release *Released `json:"release,omitempty"`
}

// Verify checks a bundle against the log's public key. It accepts exactly what
// Export writes: every byte of every file is bound to the signed checkpoint or is in
// the only form that Verify reads, so that none can be changed, added or left out.
// What is wrong is a *Refusal.
func Verify(bundle fs.FS, verifiers note.Verifiers, origin string) (Report, error) {
	v := verifier{bundle: bundle}
	if err := v.run(verifiers, origin); err != nil {
		return Report{}, err
	}
	return v.report, nil
}

type verifier struct {
	bundle fs.FS
	header header
	report Report
	lines  map[records.Subject][]line
	order  []string // the ids of the entries
}

func (v *verifier) run(verifiers note.Verifiers, origin string) error {
	if err := v.readHeader(); err != nil {
		return err
	}
	if err := v.readEntries(verifiers, origin); err != nil {
		return err
	}
	build := v.lines[records.Subject{Kind: records.SubjectBuild, ID: v.header.BuildID}]
	end, err := endingOf(build)
	if err != nil {
		return err
	}
	var story life
	released := v.lines[records.ReleaseSubject(v.header.ReleaseID)]
	if v.header.ReleaseID != "" {
		if story, err = lifeOf(released); err != nil {
			return err
		}
	}
	lines := slices.Concat(released, build)
	for _, id := range keysOf(end, story) {
		lines = append(lines, v.history(id)...)
	}
	if err := v.checkErasures(lines); err != nil {
		return err
	}
	if err := v.checkRecord(build, end); err != nil {
		return err
	}
	key, retired, err := v.keyOf(end.attested.KeyID, end.attestedLeaf)
	if err != nil {
		return err
	}
	refs := requiredOf(end, story)
	contents, err := v.readArtifacts(refs)
	if err != nil {
		return err
	}
	if err := checkAttestations(end, key, contents); err != nil {
		return err
	}
	if v.header.ReleaseID != "" {
		if err := v.checkRelease(released, story, end, contents); err != nil {
			return err
		}
	}
	if err := v.nothingElse(refs); err != nil {
		return err
	}
	v.report.KeyID, v.report.KeyRetired, v.report.Artifacts = key.ID(), retired, len(refs)
	return nil
}

// history returns the lines of a key.
func (v *verifier) history(keyID string) []line {
	return v.lines[records.Subject{Kind: records.SubjectKey, ID: keyID}]
}

func (v *verifier) read(name string) ([]byte, error) {
	content, err := fs.ReadFile(v.bundle, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, refusef("%s is missing", name)
	}
	return content, err
}

// exactly decodes canonical JSON, and refuses any other spelling of it.
func exactly(what string, text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return refusef("%s: %v", what, err)
	}
	again, err := records.Canonical(into)
	if err != nil || !bytes.Equal(again, text) {
		return refusef("%s is not in the form that Orgo writes", what)
	}
	return nil
}

func (v *verifier) readHeader() error {
	text, err := v.read(headerFile)
	if err != nil {
		return err
	}
	line, ends := bytes.CutSuffix(text, []byte("\n"))
	if !ends {
		return refusef("%s does not end with a line end", headerFile)
	}
	if err := exactly(headerFile, line, &v.header); err != nil {
		return err
	}
	if v.header.Format != Format {
		return refusef("%s is of format %q, and this Orgo reads %q", headerFile, v.header.Format, Format)
	}
	v.report.Organization, v.report.BuildID = v.header.Organization, v.header.BuildID
	return nil
}

// readEntries reads the entries and proves each to be in the log. Those of a subject
// are consecutive from the first one on.
func (v *verifier) readEntries(verifiers note.Verifiers, origin string) error {
	signed, err := v.read(checkpointFile)
	if err != nil {
		return err
	}
	checkpoint, err := ledger.OpenCheckpoint(signed, verifiers, origin)
	if err != nil {
		return refusef("checkpoint: %v", err)
	}
	v.report.LogOrigin, v.report.LogSize = checkpoint.Origin, checkpoint.Size
	text, err := v.read(entriesFile)
	if err != nil {
		return err
	}
	lines := strings.Split(string(text), "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	} else {
		return refusef("%s does not end with a line end", entriesFile)
	}
	v.lines = map[records.Subject][]line{}
	for i, text := range lines {
		place := fmt.Sprintf("%s:%d", entriesFile, i+1)
		var l line
		if err := exactly(place, []byte(text), &l); err != nil {
			return err
		}
		if err := l.prove(checkpoint); err != nil {
			return refusef("%s: %v", place, err)
		}
		if l.Entry.Organization != v.header.Organization {
			return refusef("%s: entry %s is of another organization", place, l.Entry.ID)
		}
		of := v.lines[l.Entry.Subject]
		if l.Sequence != int64(len(of)+1) {
			return refusef("%s: entry %s is number %d of %s %s, and number %d is missing",
				place, l.Entry.ID, l.Sequence, l.Entry.Subject.Kind, l.Entry.Subject.ID, len(of)+1)
		}
		v.lines[l.Entry.Subject] = append(of, l)
		v.order = append(v.order, l.Entry.ID)
		v.report.Entries++
	}
	return nil
}

// prove checks that an entry is whole and in the log.
func (l line) prove(checkpoint ledger.Checkpoint) error {
	if records.DigestOf(l.Entry.Body) != l.Entry.Digest {
		return fmt.Errorf("entry %s: its body is not what its digest says", l.Entry.ID)
	}
	leaf, err := l.leaf()
	if err != nil {
		return err
	}
	hash, err := leaf.Hash()
	if err != nil {
		return err
	}
	proof := make(tlog.RecordProof, len(l.Proof))
	for i, step := range l.Proof {
		if len(step) != tlog.HashSize {
			return fmt.Errorf("entry %s: its proof is not made of hashes", l.Entry.ID)
		}
		proof[i] = tlog.Hash(step)
	}
	if err := tlog.CheckRecord(proof, checkpoint.Size, checkpoint.Root, l.Leaf, hash); err != nil {
		return fmt.Errorf("entry %s is not leaf %d of the log: it or its proof was changed", l.Entry.ID, l.Leaf)
	}
	return nil
}

// checkRecord checks that the entries are the whole life of a build, and that its
// record says what they say. An erased record is not what its hash says; what is
// left of it is what the log says was left, and its hash what was attested.
func (v *verifier) checkRecord(build []line, end ending) error {
	record := end.record
	var view records.BuildView
	var err error
	for _, l := range build {
		if view, err = records.ReduceBuild(view, l.Entry, l.Sequence); err != nil {
			return refusef("%v", err)
		}
	}
	if err := record.VerifyHash(); err != nil && !end.recordErased {
		return refusef("%v", err)
	}
	if !view.State.Terminal() || record.State != view.State || record.BuildID != v.header.BuildID ||
		!slices.Equal(record.Codes, append([]string{}, view.Codes...)) {
		return refusef("the Build Record does not say what the entries of build %s say", v.header.BuildID)
	}
	v.report.State, v.report.Codes = record.State, record.Codes
	v.report.EndedAt, v.report.RecordHash = record.EndedAt, record.Hash
	statements, err := attest.OfBuild(record)
	if err != nil {
		return refusef("%v", err)
	}
	v.report.Subjects = statements[0].Subject
	return nil
}

// keyOf returns the key that attested something by an entry, and whether it was retired
// after that. It must have been announced before, and not been retired.
func (v *verifier) keyOf(id string, attestedLeaf int64) (attest.Key, *Retired, error) {
	var key attest.Key
	var retired *Retired
	for _, l := range v.history(id) {
		switch {
		case l.Leaf > attestedLeaf && l.Entry.Type == records.TypeKeyRetired:
			retired = &Retired{Leaf: l.Leaf, At: l.Entry.At, Actor: l.Entry.Actor, Reason: l.Entry.Reason}
		case l.Leaf > attestedLeaf:
			continue
		case l.Entry.Type == records.TypeKeyRetired:
			return key, nil, refusef("key %s was retired (leaf %d) before it attested anything here (leaf %d)", id, l.Leaf, attestedLeaf)
		case l.Entry.Type == records.TypeKeyAnnounced:
			var body records.KeyAnnounced
			if err := json.Unmarshal(l.Entry.Body, &body); err != nil {
				return key, nil, refusef("entry %s: %v", l.Entry.ID, err)
			}
			announced, err := attest.ParseKey(body.Public)
			if err != nil || announced.ID() != id || body.Purpose != records.KeyAttestation {
				return key, nil, refusef("entry %s announces no attestation key %s", l.Entry.ID, id)
			}
			key = announced
		}
	}
	if key.ID() == "" {
		return key, nil, refusef("key %s was not announced before it attested anything here", id)
	}
	return key, retired, nil
}

func (v *verifier) readArtifacts(refs []records.Ref) (map[records.Digest][]byte, error) {
	contents := map[records.Digest][]byte{}
	for _, ref := range refs {
		name := artifactName(ref.Digest)
		content, err := v.readBounded(name, ref.Size)
		if err != nil {
			return nil, err
		}
		if records.DigestOf(content) != ref.Digest {
			return nil, refusef("%s is not what its digest says", name)
		}
		contents[ref.Digest] = content
	}
	return contents, nil
}

// readBounded reads a file that must have a certain size, and no more than that.
func (v *verifier) readBounded(name string, size int64) ([]byte, error) {
	file, err := v.bundle.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, refusef("%s is missing", name)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, size+1))
	if err == nil && int64(len(content)) != size {
		return nil, refusef("%s does not have %d bytes", name, size)
	}
	return content, err
}

// checkAttestations checks that what was signed is exactly what the record says.
func checkAttestations(end ending, key attest.Key, contents map[records.Digest][]byte) error {
	want, err := attest.OfBuild(end.record)
	if err != nil {
		return refusef("%v", err)
	}
	if len(want) != len(end.attested.Attestations) {
		return refusef("%d statements are attested, not %d", len(end.attested.Attestations), len(want))
	}
	for i, attestation := range end.attested.Attestations {
		statement, _, err := attest.Verify(contents[attestation.Bundle.Digest], map[string]attest.Key{key.ID(): key})
		if err != nil {
			return refusef("%v", err)
		}
		if err := same(statement, want[i]); err != nil {
			return refusef("attestation %s does not say what the Build Record says: %v", attestation.PredicateType, err)
		}
	}
	return nil
}

// same returns an error unless two statements are the same.
func same(signed, expected attest.Statement) error {
	is, err := records.Canonical(signed)
	if err != nil {
		return err
	}
	should, err := records.Canonical(expected)
	if err != nil {
		return err
	}
	if !bytes.Equal(is, should) {
		return errors.New("it is another statement")
	}
	return nil
}

// nothingElse refuses files that prove nothing: what lies in a bundle must not look
// verified.
func (v *verifier) nothingElse(refs []records.Ref) error {
	known := map[string]bool{headerFile: true, checkpointFile: true, entriesFile: true}
	for _, ref := range refs {
		known[artifactName(ref.Digest)] = true
	}
	return fs.WalkDir(v.bundle, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == "." || path == artifactsDir):
			return nil
		case !known[path] || !entry.Type().IsRegular():
			return refusef("%s is no part of the evidence", path)
		default:
			return nil
		}
	})
}
