package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

var migrating = map[string]func(*testing.T, fixture){
	"migrating again changes nothing":                testMigrateAgain,
	"a database of a newer schema is refused":        testNewerSchema,
	"a database without schema says what to do":      testNoSchema,
	"several processes may migrate at the same time": testMigrateTogether,
}

var closing = map[string]func(*testing.T, fixture){
	"a closed store refuses":                        testClosed,
	"closing waits for what is under way":           testCloseUnderWay,
	"a canceled context stores nothing":             testCanceled,
	"an unreachable database is told as such":       testPing,
	"a store may be closed twice without deadlocks": testCloseTwice,
}

func testMigrateAgain(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "migrate")
	must(f.store.Append(t.Context(), b.Requested()))(t)
	require.NoError(t, f.store.Migrate(t.Context()))
	require.NoError(t, f.store.CheckSchema(t.Context()))
	must(f.store.Build(t.Context(), acme, b.BuildID))(t)
}

func testNewerSchema(t *testing.T, f fixture) {
	_, err := f.Raw.Exec(`INSERT INTO schema_versions (version_id, is_applied) VALUES (999, ` + trueOf(f) + `)`)
	require.NoError(t, err)
	for _, check := range []func(context.Context) error{f.store.Migrate, f.store.CheckSchema} {
		var mismatch *store.SchemaMismatch
		require.ErrorAs(t, check(t.Context()), &mismatch)
		require.EqualValues(t, 999, mismatch.Have)
		require.ErrorContains(t, mismatch, "newer")
	}
	_, err = f.store.Append(t.Context(), Note(t, acme, "note", "n", "1"))
	require.ErrorAs(t, err, new(*store.SchemaMismatch))
}

// trueOf returns how the database writes the truth in schema_versions.
func trueOf(f fixture) string {
	var boolean bool
	if err := f.Raw.QueryRow(`SELECT is_applied = true FROM schema_versions LIMIT 1`).Scan(&boolean); err != nil {
		return "1"
	}
	return "true"
}

// dropTables drops every table, those that refer to others first.
func dropTables(t testing.TB, f fixture) {
	t.Helper()
	for _, table := range []string{
		"ledger_leaves", "ledger_inbox", "ledger_checkpoints", "stage_outputs", "entries", "subjects", "builds",
		"telemetry_samples", "telemetry_heads", "positions", "cases", "case_owners", "tasks", "schema_versions",
	} {
		_, err := f.Raw.Exec(`DROP TABLE ` + table)
		require.NoError(t, err)
	}
}

func testNoSchema(t *testing.T, f fixture) {
	dropTables(t, f)
	s := Open(t, f.DSN)
	calls := map[string]func() error{
		"CheckSchema": func() error { return s.CheckSchema(t.Context()) },
		"Append": func() error {
			_, err := s.Append(t.Context(), Note(t, acme, "note", "n", "1"))
			return err
		},
		"Build":  func() error { _, err := s.Build(t.Context(), acme, "b"); return err },
		"Builds": func() error { _, _, err := s.Builds(t.Context(), acme, store.BuildQuery{}); return err },
		"Entries": func() error {
			_, err := s.Entries(t.Context(), acme, records.Subject{}, store.EntryQuery{})
			return err
		},
		"Output": func() error { _, _, err := s.Output(t.Context(), acme, "k"); return err },
		"AppendTelemetry": func() error {
			_, err := s.AppendTelemetry(t.Context(), acme, []store.TelemetryItem{reported(t, "r", "n", 0)})
			return err
		},
		"Telemetry":      func() error { _, err := s.Telemetry(t.Context(), acme, "r", 0, 1); return err },
		"TelemetryHeads": func() error { _, err := s.TelemetryHeads(t.Context()); return err },
		"VerifyLog": func() error {
			_, err := s.VerifyLog(t.Context(), store.VerifyOptions{})
			return err
		},
		"LogSize":         func() error { _, err := s.LogSize(t.Context()); return err },
		"Checkpoint":      func() error { _, err := s.Checkpoint(t.Context()); return err },
		"VerifyReadModel": func() error { _, err := s.VerifyReadModel(t.Context()); return err },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			err := call()
			var mismatch *store.SchemaMismatch
			require.ErrorAs(t, err, &mismatch)
			require.EqualValues(t, 0, mismatch.Have)
			require.ErrorContains(t, err, "orgo migrate")
		})
	}
}

func testMigrateTogether(t *testing.T, f fixture) {
	dropTables(t, f)
	// SQLite has no functions of its own to drop.
	_, _ = f.Raw.Exec(`DROP FUNCTION orgo_append_only, orgo_erasure_only`)
	var all sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		s := Open(t, f.DSN)
		all.Go(func() { errs[i] = s.Migrate(t.Context()) })
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	require.NoError(t, f.store.CheckSchema(t.Context()))
}

func testClosed(t *testing.T, f fixture) {
	s := Open(t, f.DSN)
	require.NoError(t, s.Close())
	_, err := s.Append(t.Context(), Note(t, acme, "note", "n", "1"))
	require.ErrorIs(t, err, store.ErrClosed)
}

// testCloseUnderWay closes a store under its writers: every append either is
// stored and said to be, or was refused.
func testCloseUnderWay(t *testing.T, f fixture) {
	s := Open(t, f.DSN)
	acknowledged := make([]int, writers)
	var all sync.WaitGroup
	underWay := make(chan struct{}, writers)
	for writer := range writers {
		all.Go(func() {
			b := NewBuilder(t, acme, string(rune('a'+writer)))
			for i := 0; ; i++ {
				_, err := s.Append(t.Context(), Note(t, acme, "note", b.BuildID, string(rune(i+'a'))))
				if err != nil {
					if !errors.Is(err, store.ErrClosed) {
						t.Errorf("writer %d: %v", writer, err)
					}
					return
				}
				acknowledged[writer] = i + 1
				if i == 3 {
					underWay <- struct{}{}
				}
			}
		})
	}
	<-underWay
	require.NoError(t, s.Close())
	all.Wait()
	for writer, count := range acknowledged {
		subject := records.Subject{Kind: "note", ID: NewBuilder(t, acme, string(rune('a'+writer))).BuildID}
		require.Len(t, must(f.store.Entries(t.Context(), acme, subject, store.EntryQuery{}))(t), count)
	}
	requireWhole(t, f.store)
}

func testCanceled(t *testing.T, f fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	note := Note(t, acme, "note", "n", "1")
	_, err := f.store.Append(ctx, note)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, must(f.store.Entries(t.Context(), acme, note.Subject, store.EntryQuery{}))(t))
	_, err = f.store.Build(ctx, acme, "b")
	require.ErrorIs(t, err, context.Canceled)
}

func testPing(t *testing.T, f fixture) {
	require.NoError(t, f.store.Ping(t.Context()))
}

func testCloseTwice(t *testing.T, f fixture) {
	s, err := store.Open(t.Context(), f.DSN)
	require.NoError(t, err)
	must(s.Append(t.Context(), Note(t, acme, "note", "n", "1")))(t)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
}
