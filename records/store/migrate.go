package store

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// versionTable holds which migrations were applied.
const versionTable = "schema_versions"

// Migrate brings the database's schema to this binary's version. It is
// idempotent, may run in several processes at once, and refuses with
// *SchemaMismatch a database that is newer than the binary.
func (s *Store) Migrate(ctx context.Context) error {
	provider, err := s.migrations()
	if err != nil {
		return err
	}
	for {
		have, err := s.schemaVersion(ctx)
		if err != nil {
			return err
		}
		if want := latest(provider); have > want {
			return &SchemaMismatch{Have: have, Want: want}
		} else if have == want {
			return nil
		}
		if _, err := provider.Up(ctx); err != nil {
			// Another process may have applied the same migration meanwhile; then
			// the version has moved on, and the rest can be applied.
			if now, versionErr := s.schemaVersion(ctx); versionErr != nil || now <= have {
				return s.dialect.fault(fmt.Sprintf("migrate the database from schema version %d", have), err)
			}
		}
	}
}

// CheckSchema returns *SchemaMismatch unless the database's schema is the one
// that this binary was made for.
func (s *Store) CheckSchema(ctx context.Context) error {
	provider, err := s.migrations()
	if err != nil {
		return err
	}
	have, err := s.schemaVersion(ctx)
	if err != nil {
		return err
	}
	if want := latest(provider); have != want {
		return &SchemaMismatch{Have: have, Want: want}
	}
	return nil
}

func (s *Store) migrations() (*goose.Provider, error) {
	options, err := s.dialect.migrateOptions()
	if err != nil {
		return nil, fmt.Errorf("prepare migrations: %w", err)
	}
	options = append(options,
		goose.WithTableName(versionTable),
		goose.WithDisableGlobalRegistry(true),
		goose.WithLogger(goose.NopLogger()),
	)
	files, err := fs.Sub(s.dialect.migrations, s.dialect.directory)
	if err != nil {
		return nil, fmt.Errorf("prepare migrations: %w", err)
	}
	provider, err := goose.NewProvider(s.dialect.goose, s.writer.DB, files, options...)
	if err != nil {
		return nil, fmt.Errorf("prepare migrations: %w", err)
	}
	return provider, nil
}

// latest returns the version of the newest embedded migration.
func latest(provider *goose.Provider) int64 {
	sources := provider.ListSources()
	return sources[len(sources)-1].Version
}

// schemaVersion returns the newest version applied to the database, 0 for none.
// Unlike goose's own it creates nothing, so that a reader may ask.
func (s *Store) schemaVersion(ctx context.Context) (int64, error) {
	var tables, version int64
	if err := s.reader.GetContext(ctx, &tables, s.dialect.hasTable, versionTable); err != nil {
		return 0, s.dialect.fault("read the schema version", err)
	}
	if tables == 0 {
		return 0, nil
	}
	err := s.reader.GetContext(ctx, &version, "SELECT COALESCE(MAX(version_id), 0) FROM "+versionTable)
	return version, s.dialect.fault("read the schema version", err)
}
