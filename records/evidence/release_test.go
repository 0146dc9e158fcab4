package evidence_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/attest"
	"github.com/initkoa/orgo/records/evidence"
	"github.com/initkoa/orgo/records/release"
)

// story is what is recorded of a release. Tests change it before it is.
type story struct {
	request  release.Request
	versions []release.Record
	moves    [][]release.Moved // before each version
	decision map[string]any
	attests  int // the version that is signed, from 0
	signed   func(*release.Record)
}

const releaseID = "0b0e6e5c-0000-4000-8000-000000000001"

// told is the story of a release that was not eligible: its build was stopped.
func (f *fixture) told(t *testing.T) *story {
	t.Helper()
	s := &story{
		request:  release.Request{ReleaseID: releaseID, BuildID: f.buildID, Channel: records.ChannelName{Environment: "prod", Name: "main"}, Version: "1.0.0"},
		decision: map[string]any{"gate": "integrity", "verdict": "FAIL", "inputs_digest": records.DigestOf([]byte("inputs"))},
		attests:  1, signed: func(*release.Record) {},
	}
	first := release.Record{
		Kind: "release_record", RecordVersion: release.RecordVersion, Version: 1, Organization: records.DefaultOrganization, ReleaseID: releaseID,
		CreatedAt: start, UpdatedAt: start, CreatedBy: person, Request: s.request, Phase: "CHECKING", Status: "QUEUED",
	}
	second := first
	second.Version, second.Phase, second.Status, second.Code = 2, "INELIGIBLE", "FAILED", "EVIDENCE_MISSING"
	second.Decisions = []release.DecisionSummary{{EntryID: f.releaseEntry(t, "decision", s.decision).ID, At: start, Gate: "integrity", Verdict: "FAIL", Inputs: records.DigestOf([]byte("inputs"))}}
	s.versions = []release.Record{first, second}
	s.moves = [][]release.Moved{{{Before: "DRAFT", After: "CHECKING"}}, {{Before: "CHECKING", After: "INELIGIBLE"}}}
	return s
}

func (f *fixture) releaseEntry(t *testing.T, what string, body any) records.Entry {
	t.Helper()
	kinds := map[string]struct {
		kind records.EntryKind
		typ  string
	}{
		"requested": {records.KindEvent, release.TypeRequested}, "moved": {records.KindEvent, release.TypeReleaseMoved},
		"decision": {records.KindDecision, records.TypeGateFailed}, "record": {records.KindRecord, records.TypeRecordWritten},
		"attested": {records.KindRecord, records.TypeRecordAttested},
	}
	of := kinds[what]
	key, err := records.Canonical(body)
	require.NoError(t, err)
	entry, err := records.NewEntry(records.Entry{
		Organization: records.DefaultOrganization, Kind: of.kind, Type: of.typ, Subject: records.ReleaseSubject(releaseID),
		At: start, Actor: records.SystemActor, Correlation: records.Correlation{ReleaseID: releaseID, BuildID: f.buildID},
	}, string(key), body)
	require.NoError(t, err)
	return entry
}

// release records a story.
func (f *fixture) release(t *testing.T, s *story) {
	t.Helper()
	f.append(t, f.releaseEntry(t, "requested", s.request))
	for i, version := range s.versions {
		for _, moved := range s.moves[i] {
			f.append(t, f.releaseEntry(t, "moved", moved))
		}
		if len(version.Decisions) > 0 && s.decision != nil {
			f.append(t, f.releaseEntry(t, "decision", s.decision))
		}
		sealed, _, err := version.Sealed()
		require.NoError(t, err)
		f.append(t, f.releaseEntry(t, "record", sealed))
		if i == s.attests {
			s.signed(&sealed)
			statement, err := attest.OfRelease(sealed)
			require.NoError(t, err)
			bundle, err := f.signer.Sign(statement)
			require.NoError(t, err)
			f.append(t, f.releaseEntry(t, "attested", records.RecordAttested{KeyID: f.signer.Key().ID(), Attestations: []records.Attestation{
				{PredicateType: statement.PredicateType, Bundle: f.artifacts.put(bundle)},
			}}))
		}
	}
}

func (f *fixture) exportRelease(t *testing.T) (fstest.MapFS, error) {
	t.Helper()
	directory := filepath.Join(t.TempDir(), "evidence")
	if err := evidence.ExportRelease(t.Context(), f.store, f.artifacts, records.DefaultOrganization, releaseID, directory); err != nil {
		return nil, err
	}
	files := fstest.MapFS{}
	bundle := os.DirFS(directory)
	return files, fs.WalkDir(bundle, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(bundle, path)
		files[path] = &fstest.MapFile{Data: content}
		return err
	})
}

func TestABundleOfAReleaseProvesItAndItsBuild(t *testing.T) {
	t.Parallel()
	f := setup(t, databases()["sqlite"](t)).live(t)
	f.release(t, f.told(t))
	files, err := f.exportRelease(t)
	require.NoError(t, err)
	report, err := f.verify(files)
	require.NoError(t, err)
	require.Equal(t, f.buildID, report.BuildID)
	require.Equal(t, records.BuildStopped, report.State)
	require.Equal(t, "INELIGIBLE", report.Release.Phase)
	require.Equal(t, int64(2), report.Release.Versions)
	require.Equal(t, []evidence.AttestedVersion{{Version: 2, Phase: "INELIGIBLE", KeyID: f.signer.Key().ID()}}, report.Release.Attested)

	// What is erased of it is proved to have been.
	f.erase(t)
	files, err = f.exportRelease(t)
	require.NoError(t, err)
	report, err = f.verify(files)
	require.NoError(t, err)
	require.NotEmpty(t, report.Erased)

	f.retire(t, "grace.hopper")
	files, err = f.exportRelease(t)
	require.NoError(t, err)
	report, err = f.verify(files)
	require.NoError(t, err)
	require.NotNil(t, report.Release.Attested[0].KeyRetired)
}

// TestABundleOfAReleaseThatContradictsItself: that something is in the log does not make
// it true.
func TestABundleOfAReleaseThatContradictsItself(t *testing.T) {
	t.Parallel()
	other := records.DigestOf([]byte("other"))
	for name, tc := range map[string]struct {
		change func(*story)
		says   string
	}{
		"a version is missing":        {func(s *story) { s.versions[1].Version = 3 }, "version 2"},
		"a phase it never moved to":   {func(s *story) { s.versions[1].Phase = "CLOSED_GOOD" }, "does not say"},
		"a move from elsewhere":       {func(s *story) { s.moves[1][0].Before = "APPROVED" }, "moved from APPROVED"},
		"a decision that is not here": {func(s *story) { s.decision = nil }, "is not there"},
		"a decision that is another":  {func(s *story) { s.versions[1].Decisions[0].Verdict = "PASS" }, "says something else"},
		"a pack that nobody made":     {func(s *story) { s.versions[1].Intent = &release.Intent{BuildID: s.request.BuildID, Pack: other} }, "the build made none"},
		"another release's record":    {func(s *story) { s.versions[1].ReleaseID = "another" }, "does not say"},
		"another build later":         {func(s *story) { s.versions[0].Request.BuildID = "another" }, "does not say"},
		"something else was signed":   {func(s *story) { s.signed = func(r *release.Record) { r.Phase = "CLOSED_GOOD" } }, "does not say what version 2"},
		"a version that is not here":  {func(s *story) { s.signed = func(r *release.Record) { r.Version = 9 } }, "no version"},
		"nothing was signed":          {func(s *story) { s.attests = 7 }, "attested"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, databases()["sqlite"](t)).live(t)
			s := f.told(t)
			tc.change(s)
			f.release(t, s)
			files, err := f.exportRelease(t)
			if err == nil {
				err = f.refused(t, files, name)
			}
			require.ErrorContains(t, err, tc.says)
		})
	}
}
