//go:build linux

package e2e_test

import (
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records/evidence"
)

// TestReleaseEvidenceStandsAlone exports a release that closed well, stops everything, and
// checks the bundle with the public key alone. Then it changes what is in it.
func TestReleaseEvidenceStandsAlone(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0")
	o.play(t)
	id := o.send(t, o.order("main", "1.0.0", staged()))
	watched := o.send(t, o.order("other", "1.0.0", watchful()))
	o.reaches(t, watched, rollout.PhaseObserving)
	o.cli(t, "audit", "export", watched, "--out", filepath.Join(t.TempDir(), "x")).refused(t, gates.RecordUnavailable)
	o.cli(t, "audit", "export", "17").refused(t, gates.NotFound)
	o.cli(t, "audit", "export").misused(t, "id of one build or release")
	closed := o.reaches(t, id, rollout.PhaseClosedGood)

	x := exported{stack: o.stack}
	eventually(t, "the log has the release, attested", func() bool {
		directory := filepath.Join(t.TempDir(), client.NewKey())
		if o.cli(t, "audit", "export", id, "--out", directory).code != 0 {
			return false
		}
		x.directory = directory
		return true
	})
	x = readExported(t, o.stack, x.directory)
	o.process.kill()
	r := o.cli(t, "audit", "verify", "--bundle", x.directory, "--key", x.key)
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "ended PASSED")
	require.Contains(t, r.out, "to staging/main was CLOSED_GOOD")
	require.Contains(t, r.out, "pack "+closed.Intent.Pack.String())
	var report evidence.Report
	require.NoError(t, json.Unmarshal([]byte(o.cli(t, "audit", "verify", "--bundle", x.directory, "--key", x.key, "-o", "json").done(t)), &report))
	require.Equal(t, o.builds["1.0.0"], report.BuildID)
	require.Equal(t, id, report.Release.ReleaseID)
	require.GreaterOrEqual(t, report.Release.Decisions, len(closed.Decisions))
	require.Equal(t, string(rollout.PhaseClosedGood), report.Release.Attested[0].Phase)

	random := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		name := x.names[random.IntN(len(x.names))]
		content := x.files[name].Data
		at := random.IntN(len(content))
		was := content[at]
		content[at] ^= byte(1 + random.IntN(255))
		x.refused(t, "byte %d of %s from %q to %q", at, name, was, content[at])
		content[at] = was
	}
	entries := x.files["entries.jsonl"].Data
	lines := strings.SplitAfter(strings.TrimSuffix(string(entries), "\n"), "\n")
	for i := 0; i < len(lines); i += 3 {
		x.files["entries.jsonl"].Data = []byte(strings.Join(slices.Delete(slices.Clone(lines), i, i+1), ""))
		x.refused(t, "without entry %d", i)
	}
	x.files["entries.jsonl"].Data = entries

	// Nothing passes that is in the log and is of something else.
	header := x.files["evidence.json"].Data
	for what, text := range map[string]string{
		"the build alone": strings.Replace(string(header), `,"release_id":"`+id+`"`, "", 1),
		"another release": strings.Replace(string(header), id, watched, 1),
		"another build":   strings.Replace(string(header), o.builds["1.0.0"], id, 1),
	} {
		require.NotEqual(t, string(header), text, what)
		x.files["evidence.json"].Data = []byte(text)
		x.refused(t, what)
	}
	x.files["evidence.json"].Data = header
	require.NoError(t, x.verify())
}

// TestReleaseEvidenceOfWhatWentBack has how a release ended, also if it closed well first.
func TestReleaseEvidenceOfWhatWentBack(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0")
	o.play(t)
	id := o.sent(t, "main", "1.0.0")
	_, err := o.orgo.Rollback(t.Context(), id, client.RollbackRelease{Because: because("answers are wrong")}, "")
	require.NoError(t, err)
	o.reaches(t, id, rollout.PhaseSafeMode)
	var report evidence.Report
	eventually(t, "the end is in the log, attested", func() bool {
		directory := filepath.Join(t.TempDir(), client.NewKey())
		if o.cli(t, "audit", "export", id, "--out", directory).code != 0 {
			return false
		}
		report = evidence.Report{}
		r := o.cli(t, "audit", "verify", "--bundle", directory, "-o", "json")
		return r.code == 0 && json.Unmarshal([]byte(r.out), &report) == nil && len(report.Release.Attested) == 2
	})
	require.Equal(t, string(rollout.PhaseSafeMode), report.Release.Phase)
	require.Equal(t, string(gates.RollbackRequested), report.Release.Code)
	require.Equal(t, []string{string(rollout.PhaseClosedGood), string(rollout.PhaseSafeMode)},
		[]string{report.Release.Attested[0].Phase, report.Release.Attested[1].Phase})
}
