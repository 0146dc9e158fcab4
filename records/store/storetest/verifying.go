package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
)

var verifying = map[string]func(*testing.T, fixture){
	"verification passes over many subjects":   testVerifyMany,
	"verification catches every planted fault": testVerifyFaults,
	"read models are rebuilt from the entries": testRebuild,
}

func testVerifyMany(t *testing.T, f fixture) {
	requireWhole(t, f.store)
	for _, key := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20"} {
		for _, organization := range []string{acme, other} {
			for _, entries := range NewBuilder(t, organization, key).Life() {
				must(f.store.Append(t.Context(), entries...))(t)
			}
		}
	}
	requireWhole(t, f.store)
}

// testVerifyFaults changes what the database lets change, each in a build of its
// own, and expects each to be named.
func testVerifyFaults(t *testing.T, f fixture) {
	insert := func(entryID, id, sequence, kind, typ, body string) string {
		return `INSERT INTO entries (organization, entry_id, kind, type, subject_kind, subject_id, sequence, at, actor,
			on_behalf_of, reason, codes, correlation, body, alg, digest) VALUES ('` + acme + `', '` + entryID + `', '` + kind + `', '` + typ +
			`', 'build', '` + id + `', ` + sequence + `, '2026-03-01T12:00:00.000000Z', 'user:eve', '', '', '[]', '{}', '` + body +
			`', 'sha256', '` + records.DigestOf([]byte(body)).Value + `')`
	}
	for name, plant := range map[string]struct {
		statement func(id string) string
		want      string
	}{
		"a changed view": {func(id string) string {
			return `UPDATE builds SET view = replace(view, 'RUNNING', 'PASSED') WHERE build_id = '` + id + `'`
		}, "its view is stored as"},
		"a changed state": {func(id string) string {
			return `UPDATE builds SET state = 'PASSED' WHERE build_id = '` + id + `'`
		}, "in state PASSED"},
		"a lost view": {func(id string) string {
			return `DELETE FROM builds WHERE build_id = '` + id + `'`
		}, "it has entries and no view"},
		"a changed sequence": {func(id string) string {
			return `UPDATE subjects SET sequence = 7 WHERE subject_id = '` + id + `'`
		}, "stored as 7 and is 2"},
		"a lost subject": {func(id string) string {
			return `DELETE FROM subjects WHERE subject_id = '` + id + `'`
		}, "it has entries and no last sequence"},
		"an entry past the store": {func(id string) string {
			return insert("smuggled", id, "3", "decision", records.TypeGatePassed, `{}`)
		}, "its last sequence is stored as 2 and is 3"},
		"an entry after a gap": {func(id string) string {
			return insert("gap", id, "9", "decision", records.TypeGatePassed, `{}`)
		}, "has sequence 9, not 3"},
		"an entry that does not fold": {func(id string) string {
			return insert("strange", id, "3", "event", "orgo.strange.happened", `{}`)
		}, "cannot be folded"},
		"an output that is not the one": {func(id string) string {
			return insert("second", id, "3", "output", records.TypeStageFinished, `{"idempotency_key":"k","outputs":[]}`)
		}, "no authoritative output of stage key k"},
		"an event as an output": {func(id string) string {
			return `INSERT INTO stage_outputs SELECT organization, 'squatted', entry_id, 'sha256', 'x' FROM entries
				WHERE subject_id = '` + id + `' AND sequence = 1`
		}, "an entry of it as output that is none"},
	} {
		b := NewBuilder(t, acme, name)
		must(f.store.Append(t.Context(), b.Requested(), b.Pinned("p")))(t)
		t.Run(name, func(t *testing.T) {
			result, err := f.Raw.Exec(plant.statement(b.BuildID))
			require.NoError(t, err)
			changed, err := result.RowsAffected()
			require.NoError(t, err)
			require.EqualValues(t, 1, changed)
			differences, err := f.store.VerifyReadModel(t.Context())
			require.NoError(t, err)
			found := ""
			for _, d := range differences {
				if d.Subject == b.Subject() && d.Organization == acme {
					found += d.String() + "\n"
				}
			}
			require.Contains(t, found, plant.want)
		})
	}
	for _, orphan := range []string{
		`INSERT INTO subjects (organization, subject_kind, subject_id, sequence) VALUES ('` + other + `', 'note', 'orphan', 1)`,
		`INSERT INTO builds (organization, build_id, version, state, pipeline_id, created_at, updated_at, view)
			VALUES ('` + other + `', 'orphan', 1, 'PASSED', '', '', '', '{}')`,
	} {
		_, err := f.Raw.Exec(orphan)
		require.NoError(t, err)
	}
	differences := must(f.store.VerifyReadModel(t.Context()))(t)
	orphans := 0
	for _, d := range differences {
		if d.Organization == other {
			orphans++
		}
	}
	require.Equal(t, 2, orphans)
}
