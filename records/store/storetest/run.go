// Package storetest holds what a store must do, as one suite that runs on every
// database it supports, and the throwaway Postgres to run it on.
package storetest

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/store"
)

// Database is an empty database for one test.
type Database struct {
	DSN string
	// Raw is a connection of the tables' owner that bypasses the store: what an
	// administrator with a SQL prompt can do.
	Raw *sql.DB
	// Tampering are statements that this database must refuse besides those of
	// the suite, with a part of the error. They may refer to the entry 'kept' of
	// organization 'tampering'.
	Tampering map[string]string
	// Unguard removes what keeps the owner from changing rows, as a superuser can.
	Unguard []string
}

// fixture is what a test of the suite gets: a migrated database, open.
type fixture struct {
	Database
	store *store.Store
}

// Run runs the suite; newDatabase makes the database of each test.
func Run(t *testing.T, newDatabase func(testing.TB) Database) {
	for _, group := range []map[string]func(*testing.T, fixture){
		appending, refusing, racing, reading, across, answering, verifying, sequencing, following, casing, histories, tampering, erasing, telemetering, migrating, closing,
	} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				db := newDatabase(t)
				f := fixture{Database: db, store: Open(t, db.DSN)}
				require.NoError(t, f.store.Migrate(t.Context()))
				test(t, f)
			})
		}
	}
}

// Open opens a store that is closed when the test ends.
func Open(t testing.TB, dsn string, opts ...store.Option) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dsn, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// requireWhole fails unless the read models are the fold of the entries.
func requireWhole(t testing.TB, s *store.Store) {
	t.Helper()
	differences, err := s.VerifyReadModel(context.WithoutCancel(t.Context()))
	require.NoError(t, err)
	require.Empty(t, differences)
}
