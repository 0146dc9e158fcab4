package evidence_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/attest"
	"github.com/initkoa/orgo/records/evidence"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

const person = "ada.lovelace"

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// contents are artifacts in memory.
type contents map[records.Digest][]byte

func (c contents) put(content []byte) records.Ref {
	digest := records.DigestOf(content)
	c[digest] = content
	return records.Ref{Digest: digest, MediaType: records.MediaJSON, Size: int64(len(content))}
}

func (c contents) Open(_ context.Context, ref records.Ref) (io.ReadCloser, error) {
	content, found := c[ref.Digest]
	if !found {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// fixture is a store with the whole life of a build that a person asked for and
// stopped.
type fixture struct {
	store     *store.Store
	artifacts contents
	sequencer *store.Sequencer
	verifier  note.Verifier
	signer    *attest.Signer
	buildID   string
	request   records.Ref
	entries   []records.Entry // of the build
}

// databases returns the DSN of each database that a store may be in.
func databases() map[string]func(*testing.T) string {
	return map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return store.SQLiteDSN(filepath.Join(t.TempDir(), "orgo.db")) },
		"postgres": func(t *testing.T) string { return storetest.Postgres(t) },
	}
}

func setup(t *testing.T, dsn string) *fixture {
	t.Helper()
	text, err := attest.Generate(rand.Reader)
	require.NoError(t, err)
	f := &fixture{
		store: storetest.Open(t, dsn), artifacts: contents{},
		buildID: records.BuildID(records.DefaultOrganization, "key"),
	}
	f.signer, err = attest.ParseSigner(text)
	require.NoError(t, err)
	require.NoError(t, f.store.Migrate(t.Context()))
	var signer note.Signer
	signer, f.verifier = storetest.LogKey(t)
	f.sequencer = storetest.Sequencer(t, f.store, signer, nil)
	f.key(t, records.TypeKeyAnnounced, records.SystemActor, records.KeyAnnounced{
		KeyID: f.signer.Key().ID(), Purpose: records.KeyAttestation, Public: f.signer.Key().PEM(),
	})
	return f
}

// live records the life of the build.
func (f *fixture) live(t *testing.T) *fixture {
	t.Helper()
	trigger := records.Trigger{Type: records.TriggerManual, Actor: person, Reason: "because Ada Lovelace asks"}
	f.request = f.artifacts.put([]byte(`{"trigger":"` + trigger.Reason + `"}`))
	f.add(t, records.TypeBuildRequested, person, trigger.Reason, records.BuildRequested{
		IdempotencyKey: "key", Request: f.request, Trigger: trigger,
	})
	f.add(t, records.TypeOperatorAction, person, "Ada Lovelace stops it", records.OperatorAction{
		Action: records.ActionStop, Before: records.BuildPending, After: records.BuildStopped,
	})
	var view records.BuildView
	for i, entry := range f.entries {
		var err error
		view, err = records.ReduceBuild(view, entry, int64(i+1))
		require.NoError(t, err)
	}
	record, err := records.AssembleBuildRecord(records.RecordSources{
		View: view, Entries: f.entries, Request: records.BuildRequest{Policy: f.artifacts.put([]byte("policy"))},
		State: records.BuildStopped, Codes: []string{"STOPPED_BY_OPERATOR"}, EndedAt: start,
		EmptySnapshot: f.artifacts.put([]byte("empty")), NotRunReport: f.artifacts.put([]byte("not run")),
	})
	require.NoError(t, err)
	f.add(t, records.TypeRecordWritten, records.SystemActor, "", record)
	attested := records.RecordAttested{KeyID: f.signer.Key().ID()}
	statements, err := attest.OfBuild(record)
	require.NoError(t, err)
	for _, statement := range statements {
		bundle, err := f.signer.Sign(statement)
		require.NoError(t, err)
		attested.Attestations = append(attested.Attestations, records.Attestation{
			PredicateType: statement.PredicateType, Bundle: f.artifacts.put(bundle),
		})
	}
	f.add(t, records.TypeRecordAttested, records.SystemActor, "", attested)
	f.add(t, records.TypeBuildStopped, records.SystemActor, "", records.BuildEnded{
		State: records.BuildStopped, Record: f.entries[2].Digest,
	}, "STOPPED_BY_OPERATOR")
	return f
}

func (f *fixture) add(t *testing.T, entryType, actor, reason string, body any, codes ...string) {
	t.Helper()
	kind := records.KindEvent
	if entryType == records.TypeRecordWritten || entryType == records.TypeRecordAttested {
		kind = records.KindRecord
	}
	entry, err := records.NewEntry(records.Entry{
		Organization: records.DefaultOrganization, Kind: kind, Type: entryType, Codes: codes,
		Subject: records.Subject{Kind: records.SubjectBuild, ID: f.buildID}, At: start, Actor: actor, Reason: reason,
		Correlation: records.Correlation{BuildID: f.buildID},
	}, entryType, body)
	require.NoError(t, err)
	f.entries = append(f.entries, entry)
	f.append(t, entry)
}

// key records what happens to the signing key.
func (f *fixture) key(t *testing.T, entryType, actor string, body any) {
	t.Helper()
	entry, err := records.NewEntry(records.Entry{
		Organization: records.DefaultOrganization, Kind: records.KindEvent, Type: entryType,
		Subject: records.Subject{Kind: records.SubjectKey, ID: f.signer.Key().ID()},
		At:      start.Add(time.Hour), Actor: actor, Reason: "rotated",
	}, entryType, body)
	require.NoError(t, err)
	f.append(t, entry)
}

func (f *fixture) retire(t *testing.T, actor string) {
	t.Helper()
	f.key(t, records.TypeKeyRetired, actor, records.KeyRetirement{
		KeyID: f.signer.Key().ID(), Before: records.KeyActive, After: records.KeyRetired,
	})
}

func (f *fixture) append(t *testing.T, entry records.Entry) {
	t.Helper()
	_, err := f.store.Append(t.Context(), entry)
	require.NoError(t, err)
	require.NoError(t, f.sequencer.Drain(t.Context()))
}

// erase erases all entries about the person, as "orgo audit erase" does.
func (f *fixture) erase(t *testing.T) {
	t.Helper()
	ids, err := f.store.EntriesAbout(t.Context(), records.DefaultOrganization, person)
	require.NoError(t, err)
	for _, id := range ids {
		f.eraseOne(t, id)
	}
	delete(f.artifacts, f.request.Digest)
}

func (f *fixture) eraseOne(t *testing.T, id string) {
	t.Helper()
	_, err := f.store.Erase(t.Context(), records.DefaultOrganization, id,
		store.Erasing{Actor: "privacy-office", Reason: "request 7", At: start.Add(24 * time.Hour)})
	require.NoError(t, err)
	require.NoError(t, f.sequencer.Drain(t.Context()))
}

// export returns the bundle of the build.
func (f *fixture) export(t *testing.T) fstest.MapFS {
	t.Helper()
	directory := filepath.Join(t.TempDir(), "evidence")
	require.NoError(t, evidence.Export(t.Context(), f.store, f.artifacts, records.DefaultOrganization, f.buildID, directory))
	files := fstest.MapFS{}
	bundle := os.DirFS(directory)
	require.NoError(t, fs.WalkDir(bundle, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(bundle, path)
		files[path] = &fstest.MapFile{Data: content}
		return err
	}))
	return files
}

func (f *fixture) verify(files fstest.MapFS) (evidence.Report, error) {
	return evidence.Verify(files, note.VerifierList(f.verifier), f.verifier.Name())
}

// refused requires that a bundle is refused, and returns why.
func (f *fixture) refused(t *testing.T, files fstest.MapFS, what string, args ...any) error {
	t.Helper()
	_, err := f.verify(files)
	var refusal *evidence.Refusal
	require.True(t, errors.As(err, &refusal), append([]any{what + ": %v"}, append(args, err)...)...)
	return err
}

// entryLine is a line of entries.jsonl, for tests that change it.
type entryLine struct {
	Leaf     int64         `json:"leaf"`
	Sequence int64         `json:"sequence"`
	Salt     string        `json:"salt"`
	Erased   string        `json:"erased,omitempty"`
	Proof    [][]byte      `json:"proof"`
	Entry    records.Entry `json:"entry"`
}

func linesOf(t *testing.T, files fstest.MapFS) (lines []entryLine) {
	t.Helper()
	for text := range bytes.Lines(files["entries.jsonl"].Data) {
		var l entryLine
		require.NoError(t, json.Unmarshal(text, &l))
		lines = append(lines, l)
	}
	return lines
}

// with returns the bundle with other lines.
func with(t *testing.T, files fstest.MapFS, lines []entryLine) fstest.MapFS {
	t.Helper()
	changed := fstest.MapFS{}
	for name, file := range files {
		changed[name] = file
	}
	var text []byte
	for _, l := range lines {
		canonical, err := records.Canonical(l)
		require.NoError(t, err)
		text = append(append(text, canonical...), '\n')
	}
	changed["entries.jsonl"] = &fstest.MapFile{Data: text}
	return changed
}
