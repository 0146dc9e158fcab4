package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/gates/gatestest"
	"github.com/initkoa/orgo/records/store"
)

var tampering = map[string]func(*testing.T, fixture){
	"every change of a covered row is found, and the row named": testTamper,
	"a log that was set back is found by an older checkpoint":   testSetBack,
	"a log that was written anew is found by its signatures":    testForged,
}

// tamperings is how many random changes are made.
const tamperings = 1000

// A tamperer changes something that the log covers and returns statements, and
// what a finding must name. Statements with the same seed are the same.
type tamperer struct {
	name string
	plan func(r *rand.Rand, covered []coveredRow) (statements []string, named []string)
}

// coveredRow is an entry with its leaf.
type coveredRow struct {
	leaf         int64
	organization string
	entryID      string
}

func (c coveredRow) where() string {
	return fmt.Sprintf(`organization = '%s' AND entry_id = '%s'`, c.organization, c.entryID)
}

func pick(r *rand.Rand, covered []coveredRow) coveredRow { return covered[r.IntN(len(covered))] }

// editable are the columns of an entry, each with another value for it.
var editable = []string{
	`kind = kind || 'x'`, `type = type || 'x'`, `subject_kind = subject_kind || 'x'`, `subject_id = subject_id || 'x'`,
	`sequence = sequence + 1000`, `at = '2020' || substr(at, 5)`, `actor = actor || 'x'`, `on_behalf_of = on_behalf_of || 'x'`,
	`reason = reason || 'x'`, `codes = '["FORGED"]'`, `correlation = '{"build_id":"forged"}'`, `body = '{"forged":true}'`,
	`salt = '00000000000000000000000000000000'`, `erased = 'f0'`,
}

var tamperers = []tamperer{
	{"edit an entry", func(r *rand.Rand, covered []coveredRow) ([]string, []string) {
		row := pick(r, covered)
		return []string{`UPDATE entries SET ` + editable[r.IntN(len(editable))] + ` WHERE ` + row.where()}, []string{row.entryID}
	}},
	{"delete an entry", func(r *rand.Rand, covered []coveredRow) ([]string, []string) {
		row := pick(r, covered)
		return []string{`DELETE FROM entries WHERE ` + row.where()}, []string{row.entryID}
	}},
	{"delete an entry and its leaf", func(r *rand.Rand, covered []coveredRow) ([]string, []string) {
		row := pick(r, covered)
		return []string{`DELETE FROM ledger_leaves WHERE ` + row.where(), `DELETE FROM entries WHERE ` + row.where()},
			[]string{fmt.Sprintf("leaf %d:", row.leaf)}
	}},
	{"insert an entry", func(r *rand.Rand, covered []coveredRow) ([]string, []string) {
		row := pick(r, covered)
		return []string{`INSERT INTO entries SELECT organization, 'inserted', kind, type, subject_kind, subject_id, sequence + 500, at, actor,
			on_behalf_of, reason, codes, correlation, body, alg, digest, salt, erased FROM entries WHERE ` + row.where()}, []string{"inserted"}
	}},
	{"insert an entry with a leaf at the end", func(r *rand.Rand, covered []coveredRow) ([]string, []string) {
		row := pick(r, covered)
		return []string{`INSERT INTO entries SELECT organization, 'inserted', kind, type, subject_kind, subject_id, sequence + 500, at, actor,
			on_behalf_of, reason, codes, correlation, body, alg, digest, salt, erased FROM entries WHERE ` + row.where(),
			fmt.Sprintf(`INSERT INTO ledger_leaves SELECT %d, organization, 'inserted', hashes FROM ledger_leaves WHERE leaf = 0`, len(covered))}, []string{"inserted"}
	}},
	{"exchange two leaves", func(r *rand.Rand, covered []coveredRow) ([]string, []string) {
		a, b := pick(r, covered), pick(r, covered)
		for a == b {
			b = pick(r, covered)
		}
		first := a
		if b.leaf < a.leaf {
			first = b
		}
		exchange := `UPDATE ledger_leaves SET leaf = %d WHERE leaf = %d`
		return []string{fmt.Sprintf(exchange, 1<<40, a.leaf), fmt.Sprintf(exchange, a.leaf, b.leaf), fmt.Sprintf(exchange, b.leaf, 1<<40)},
			// Rows of one length tell their order only together.
			[]string{fmt.Sprintf("leaf %d,", first.leaf), fmt.Sprintf("leaves %d to %d ", first.leaf, first.leaf+1)}
	}},
	{"exchange the entries of two leaves", func(r *rand.Rand, covered []coveredRow) ([]string, []string) {
		a, b := pick(r, covered), pick(r, covered)
		for a == b {
			b = pick(r, covered)
		}
		set := `UPDATE ledger_leaves SET organization = '%s', entry_id = '%s' WHERE leaf = %d`
		return []string{
			`INSERT INTO entries SELECT organization, 'between', kind, type, subject_kind, subject_id, sequence + 500, at, actor,
				on_behalf_of, reason, codes, correlation, body, alg, digest, salt, erased FROM entries WHERE ` + a.where(),
			fmt.Sprintf(set, a.organization, "between", a.leaf),
			fmt.Sprintf(set, a.organization, a.entryID, b.leaf),
			fmt.Sprintf(set, b.organization, b.entryID, a.leaf),
			`DELETE FROM entries WHERE entry_id = 'between'`,
		}, []string{a.entryID, b.entryID}
	}},
	{"cut the log", func(r *rand.Rand, covered []coveredRow) ([]string, []string) {
		row := pick(r, covered)
		return []string{fmt.Sprintf(`DELETE FROM ledger_leaves WHERE leaf >= %d`, row.leaf)}, []string{row.entryID}
	}},
	{"change a hash", func(r *rand.Rand, covered []coveredRow) ([]string, []string) {
		row := covered[r.IntN(len(covered)-1)]
		return []string{fmt.Sprintf(`UPDATE ledger_leaves SET hashes = (SELECT hashes FROM ledger_leaves WHERE leaf = %d) WHERE leaf = %d`,
			row.leaf+1, row.leaf)}, []string{fmt.Sprintf("leaf %d,", row.leaf)}
	}},
	{"delete the newest checkpoint", func(*rand.Rand, []coveredRow) ([]string, []string) {
		return []string{`DELETE FROM ledger_checkpoints WHERE size = (SELECT max(size) FROM ledger_checkpoints)`}, []string{"leaves"}
	}},
	{"change a checkpoint", func(*rand.Rand, []coveredRow) ([]string, []string) {
		return []string{`UPDATE ledger_checkpoints SET note = replace(note, '` + LogOrigin + `', 'another.test/ledger')`}, []string{"checkpoint"}
	}},
}

// testTamper makes random changes with the rights of a superuser, one at a time,
// and puts everything back after each.
func testTamper(t *testing.T, f fixture) {
	signer, verifier := LogKey(t)
	sequencer := Sequencer(t, f.store, signer, nil)
	fill(t, f.store, 1)
	require.NoError(t, sequencer.Drain(t.Context()))
	fill2(t, f.store)
	require.NoError(t, sequencer.Drain(t.Context()))
	requireTrue(t, f.store, verifier) // no false alarm
	for _, statement := range f.Unguard {
		execute(t, f.Raw, statement)
	}
	covered := coveredRows(t, f.Raw)
	backup(t, f.Raw)

	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range gatestest.Cases(t, tamperings) {
		tamper := tamperers[i%len(tamperers)]
		statements, named := tamper.plan(r, covered)
		for _, statement := range statements {
			execute(t, f.Raw, statement)
		}
		report, err := f.store.VerifyLog(t.Context(), store.VerifyOptions{Origin: LogOrigin, Verifiers: note.VerifierList(verifier)})
		require.NoError(t, err)
		require.NotEmpty(t, report.Findings, "%s: %q", tamper.name, statements)
		require.True(t, slices.ContainsFunc(report.Findings, func(found store.Finding) bool {
			return slices.ContainsFunc(named, func(name string) bool { return strings.Contains(found.String(), name) })
		}), "%s: %q names none of %q: %v", tamper.name, statements, named, report.Findings)
		restore(t, f.Raw)
		if i%100 == 99 {
			requireTrue(t, f.store, verifier) // put back: no false alarm
		}
	}
}

// ledgerTables are what a tampering changes.
var ledgerTables = []string{"ledger_leaves", "ledger_checkpoints", "entries"}

func backup(t testing.TB, db *sql.DB) {
	t.Helper()
	for _, table := range ledgerTables {
		execute(t, db, `CREATE TABLE backup_`+table+` AS SELECT * FROM `+table)
	}
}

func restore(t testing.TB, db *sql.DB) {
	t.Helper()
	for _, table := range ledgerTables {
		execute(t, db, `DELETE FROM `+table)
	}
	for _, table := range slices.Backward(ledgerTables) {
		execute(t, db, `INSERT INTO `+table+` SELECT * FROM backup_`+table)
	}
}

func execute(t testing.TB, db *sql.DB, statement string) {
	t.Helper()
	_, err := db.ExecContext(context.WithoutCancel(t.Context()), statement)
	require.NoError(t, err, statement)
}

func coveredRows(t testing.TB, db *sql.DB) []coveredRow {
	t.Helper()
	rows, err := db.Query(`SELECT leaf, organization, entry_id FROM ledger_leaves ORDER BY leaf`)
	require.NoError(t, err)
	defer rows.Close()
	var covered []coveredRow
	for rows.Next() {
		var row coveredRow
		require.NoError(t, rows.Scan(&row.leaf, &row.organization, &row.entryID))
		covered = append(covered, row)
	}
	require.NoError(t, rows.Err())
	return covered
}

// testSetBack puts an older state of the whole database in place of the newest.
func testSetBack(t *testing.T, f fixture) {
	signer, verifier := LogKey(t)
	sequencer := Sequencer(t, f.store, signer, nil)
	must(f.store.Append(t.Context(), Note(t, acme, "note", "n", "1")))(t)
	require.NoError(t, sequencer.Drain(t.Context()))
	for _, statement := range f.Unguard {
		execute(t, f.Raw, statement)
	}
	backup(t, f.Raw)
	must(f.store.Append(t.Context(), Note(t, acme, "note", "n", "2")))(t)
	require.NoError(t, sequencer.Drain(t.Context()))
	seen := must(f.store.Checkpoint(t.Context()))(t)
	verify := func() []store.Finding {
		return must(f.store.VerifyLog(t.Context(), store.VerifyOptions{
			Origin: LogOrigin, Verifiers: note.VerifierList(verifier), Known: [][]byte{seen},
		}))(t).Findings
	}
	require.Empty(t, verify())
	restore(t, f.Raw)
	requireTrue(t, f.store, verifier) // by itself it is whole
	findings := verify()
	require.Len(t, findings, 1)
	require.Contains(t, findings[0].String(), "leaf 1: a known checkpoint is of size 2 and the log has 1 leaves: it was set back")

	// It then grows again, to another content of the same size.
	execute(t, f.Raw, `UPDATE subjects SET sequence = 1`)
	must(f.store.Append(t.Context(), Note(t, acme, "note", "n", "another")))(t)
	require.NoError(t, Sequencer(t, f.store, signer, nil).Drain(t.Context()))
	requireTrue(t, f.store, verifier)
	findings = verify()
	require.Len(t, findings, 1)
	require.Contains(t, findings[0].String(), "leaf 1: a known checkpoint of size 2 has another root")
}

// testForged has an administrator, who has no key of the log, compute the whole
// log anew after a change.
func testForged(t *testing.T, f fixture) {
	signer, verifier := LogKey(t)
	fill(t, f.store, 1)
	require.NoError(t, Sequencer(t, f.store, signer, nil).Drain(t.Context()))
	for _, statement := range append(f.Unguard,
		`DELETE FROM ledger_leaves`, `DELETE FROM ledger_checkpoints`,
		`UPDATE entries SET reason = 'forged' WHERE sequence = 1`,
		`INSERT INTO ledger_inbox (organization, entry_id) SELECT organization, entry_id FROM entries`,
	) {
		execute(t, f.Raw, statement)
	}
	forger, forged := LogKey(t)
	require.NoError(t, Sequencer(t, f.store, forger, nil).Drain(t.Context()))
	requireTrue(t, f.store, forged) // the forgery is perfect but for the key
	report := must(f.store.VerifyLog(t.Context(), store.VerifyOptions{Origin: LogOrigin, Verifiers: note.VerifierList(verifier)}))(t)
	require.NotEmpty(t, report.Findings)
	require.Contains(t, report.Findings[0].What, "is not good")
}
