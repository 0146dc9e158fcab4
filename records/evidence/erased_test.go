package evidence_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates/gatestest"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/ledger"
)

// TestABundleSaysWhatWasErased exports a build before and after its person was
// erased. What is left is still proved, and no byte of it can be changed.
func TestABundleSaysWhatWasErased(t *testing.T) {
	t.Parallel()
	for name, dsn := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, dsn(t)).live(t)
			before, err := f.verify(f.export(t))
			require.NoError(t, err)
			require.Empty(t, before.Erased)

			f.erase(t)
			files := f.export(t)
			report, err := f.verify(files)
			require.NoError(t, err)
			var types []string
			for _, erased := range report.Erased {
				types = append(types, erased.Type)
				require.Equal(t, "privacy-office", erased.Actor)
				require.Equal(t, "request 7", erased.Reason)
				require.Equal(t, 2, erased.At.Day())
				require.NotEmpty(t, erased.Fields)
			}
			require.Equal(t, []string{records.TypeBuildRequested, records.TypeOperatorAction, records.TypeRecordWritten}, types)
			require.Contains(t, report.Erased[0].Fields, "document "+f.request.Digest.String())
			require.Equal(t, before.Subjects, report.Subjects, "what was attested is as it was")
			require.Equal(t, before.RecordHash, report.RecordHash)
			require.Equal(t, before.Artifacts-1, report.Artifacts)
			for name, file := range files {
				require.NotContains(t, strings.ToLower(string(file.Data)), "lovelace", name)
			}
			requireNothingCanBeChanged(t, f, files)
		})
	}
}

// requireNothingCanBeChanged changes bytes, and takes lines and files away.
func requireNothingCanBeChanged(t *testing.T, f *fixture, files fstest.MapFS) {
	t.Helper()
	random := rand.New(rand.NewPCG(5, 6))
	for name, file := range files {
		for range gatestest.Cases(t, 300) {
			at := random.IntN(len(file.Data))
			was := file.Data[at]
			file.Data[at] ^= byte(1 + random.IntN(255))
			f.refused(t, files, "byte %d of %s from %q to %q", at, name, was, file.Data[at])
			file.Data[at] = was
		}
		delete(files, name)
		f.refused(t, files, "without %s", name)
		files[name] = file
	}
	lines := linesOf(t, files)
	for i := range lines {
		f.refused(t, with(t, files, slices.Delete(slices.Clone(lines), i, i+1)), "without line %d", i)
		swapped := slices.Clone(lines)
		other := (i + 1) % len(lines)
		swapped[i], swapped[other] = swapped[other], swapped[i]
		f.refused(t, with(t, files, swapped), "lines %d and %d swapped", i, other)
	}
	_, err := f.verify(with(t, files, lines))
	require.NoError(t, err, "and nothing of this left a trace")
}

// forge returns the lines of a bundle in which the operator's action is made to look
// erased: what the action's leaf commits to is known from the bundle itself.
func forge(t *testing.T, lines []entryLine) (forged []entryLine, erasure records.Erasure) {
	t.Helper()
	forged = slices.Clone(lines)
	l := &forged[1]
	require.Equal(t, records.TypeOperatorAction, l.Entry.Type)
	salt, err := hex.DecodeString(l.Salt)
	require.NoError(t, err)
	commitment, err := ledger.Commitment(l.Entry, [ledger.SaltSize]byte(salt))
	require.NoError(t, err)
	redacted, fields, err := records.Redact(l.Entry)
	require.NoError(t, err)
	l.Entry, l.Salt, l.Erased = redacted, "", hex.EncodeToString(commitment[:])
	return forged, records.Erasure{
		EntryID: l.Entry.ID, Type: l.Entry.Type, Leaf: l.Leaf, Commitment: l.Erased, Body: redacted.Digest, Fields: fields,
	}
}

// lineOf makes a line of a forged erasure, with the proof of another line.
func lineOf(t *testing.T, erasure records.Erasure, as entryLine) entryLine {
	t.Helper()
	var err error
	as.Entry, err = records.NewEntry(records.Entry{
		Organization: records.DefaultOrganization, Kind: records.KindEvent, Type: records.TypeEntryErased,
		Subject: records.Subject{Kind: records.SubjectErasure, ID: erasure.EntryID}, At: start, Actor: "privacy-office", Reason: "request 7",
	}, "erased", erasure)
	require.NoError(t, err)
	as.Sequence = 1
	return as
}

// TestForgedErasuresAreRefused hides, from one who has a bundle and the log's public
// key, what was not erased.
func TestForgedErasuresAreRefused(t *testing.T) {
	t.Parallel()
	f := setup(t, databases()["sqlite"](t)).live(t)
	intact := f.export(t)
	lines := linesOf(t, intact)
	forged, erasure := forge(t, lines)
	require.ErrorContains(t, f.refused(t, with(t, intact, forged), "no erasure"), "no erasure of it is in the log")
	require.ErrorContains(t, f.refused(t, with(t, intact, append(forged, lineOf(t, erasure, lines[1]))), "one that is not in the log"),
		"is not leaf")
	salted := slices.Clone(forged)
	salted[1].Salt = lines[1].Salt
	require.ErrorContains(t, f.refused(t, with(t, intact, salted), "erased, and the salt is there"), "has a salt")

	upper := slices.Clone(lines)
	upper[0].Salt = strings.ToUpper(upper[0].Salt)
	require.ErrorContains(t, f.refused(t, with(t, intact, upper), "another spelling of a salt"), "lower-case hex")

	// The request alone is erased, really: its erasure is no other's, and nothing but
	// what it says.
	f.eraseOne(t, f.entries[0].ID)
	erased := f.export(t)
	lines = linesOf(t, erased)
	last := len(lines) - 1
	require.Equal(t, records.TypeEntryErased, lines[last].Entry.Type)
	for name, test := range map[string]struct {
		change func(lines []entryLine) []entryLine
		says   string
	}{
		"for another entry": {func(lines []entryLine) []entryLine {
			lines, _ = forge(t, lines)
			lines[last].Entry.Subject.ID = lines[1].Entry.ID
			return lines
		}, "is not leaf"},
		"besides another entry": {func(lines []entryLine) []entryLine {
			lines, _ = forge(t, lines)
			return lines
		}, "no erasure of it is in the log"},
		"somebody in the place": {func(lines []entryLine) []entryLine {
			lines[0].Entry.Actor = "eve"
			return lines
		}, "says something again"},
		"a reason that never was": {func(lines []entryLine) []entryLine {
			lines[0].Entry.OnBehalfOf = records.Erased
			return lines
		}, "recorded erasure is of"},
		"nobody in the place": {func(lines []entryLine) []entryLine {
			lines[0].Entry.Actor = records.SystemActor
			return lines
		}, "recorded erasure is of"},
		"another request": {func(lines []entryLine) []entryLine {
			body := bytes.Replace(lines[0].Entry.Body, []byte(`"idempotency_key":"key"`), []byte(`"idempotency_key":"kez"`), 1)
			require.NotEqual(t, lines[0].Entry.Body, json.RawMessage(body))
			lines[0].Entry.Body, lines[0].Entry.Digest = body, records.DigestOf(body)
			return lines
		}, "not what its recorded erasure left"},
		"by another": {func(lines []entryLine) []entryLine {
			lines[last].Entry.Actor = "eve"
			return lines
		}, "is not leaf"},
		"an erasure of what is there": {func(lines []entryLine) []entryLine {
			before := linesOf(t, intact)
			lines[0].Entry, lines[0].Salt, lines[0].Erased = before[0].Entry, before[0].Salt, ""
			return lines
		}, "and no others"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := with(t, erased, test.change(slices.Clone(lines)))
			require.ErrorContains(t, f.refused(t, changed, "%s", name), test.says)
		})
	}
	document := "artifacts/sha256-" + f.request.Digest.Value
	require.NotContains(t, erased, document)
	erased[document] = intact[document]
	require.ErrorContains(t, f.refused(t, erased, "the document is back"), "no part of the evidence")
}
