package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations/sqlite/*.sql
var sqliteMigrations embed.FS

var sqliteDialect = dialect{
	goose:      goose.DialectSQLite3,
	migrations: sqliteMigrations,
	directory:  "migrations/sqlite",
	hasTable:   `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?`,
	// The transaction itself holds the one write lock.
	lockSubject: `SELECT sequence FROM subjects WHERE organization = ? AND subject_kind = ? AND subject_id = ?`,
	classify:    classifySQLite,
	connect:     connectSQLite,
	appender: func(r *recorder, observers []func(Stored)) appender {
		return newGroupCommit(r, observers)
	},
	// The transaction itself holds the one write lock, and no other process reads.
	leads:          func(context.Context, *sqlx.Tx) (bool, error) { return true, nil },
	notify:         func(context.Context, *sqlx.Tx, int64) error { return nil },
	listen:         func(ctx context.Context, _ *url.URL, _ func()) { <-ctx.Done() },
	migrateOptions: func() ([]goose.ProviderOption, error) { return nil, nil },
}

// sqliteReaders is the size of the reading pool.
const sqliteReaders = 8

// Parameters of the connections; see https://www.sqlite.org/pragma.html. FULL
// makes every commit durable before Append returns. Transactions of the writer
// take the write lock when they begin, so they never have to upgrade.
var (
	sqliteCommon = url.Values{
		"_busy_timeout": {"10000"}, // milliseconds
		"_foreign_keys": {"1"},
		"_defensive":    {"1"},
		"_dqs":          {"0"},
	}
	sqliteWriting = url.Values{
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_txlock":       {"immediate"},
		"_pragma": {
			// Delete triggers then fire for INSERT OR REPLACE as well.
			"recursive_triggers(1)",
			// A checkpoint every 16 MB of log, not 4: builds are rewritten often, and
			// only the last version of a page has to be copied.
			"wal_autocheckpoint(4096)",
			"cache_size(-32768)", // KiB
		},
	}
	sqliteReading = url.Values{"_query_only": {"1"}}
)

// SQLiteDSN returns the DSN of the SQLite database in the file of the given
// absolute path, whatever characters that has.
func SQLiteDSN(path string) string {
	return (&url.URL{Scheme: "sqlite", Path: path}).String()
}

// connectSQLite opens one connection that writes and a pool that only reads.
func connectSQLite(ctx context.Context, dsn *url.URL) (writer, reader *sqlx.DB, err error) {
	if dsn.Host != "" || dsn.User != nil || !filepath.IsAbs(dsn.Path) {
		return nil, nil, errors.New("the SQLite DSN has no absolute path: write sqlite:///absolute/path.db")
	}
	if dsn.RawQuery != "" || dsn.Fragment != "" {
		return nil, nil, fmt.Errorf("the SQLite DSN of %s has parameters: none are supported, remove them", dsn.Path)
	}
	if err := createPrivate(dsn.Path); err != nil {
		return nil, nil, &Unavailable{Op: "open " + dsn.Path, Err: err}
	}
	writer, err = openSQLite(ctx, dsn.Path, sqliteWriting, 1)
	if err != nil {
		return nil, nil, err
	}
	reader, err = openSQLite(ctx, dsn.Path, sqliteReading, sqliteReaders)
	if err != nil {
		return nil, nil, errors.Join(err, writer.Close())
	}
	return writer, reader, nil
}

func openSQLite(ctx context.Context, path string, extra url.Values, connections int) (*sqlx.DB, error) {
	sqlx.BindDriver("sqlite", sqlx.QUESTION)
	parameters := url.Values{}
	for _, values := range []url.Values{sqliteCommon, extra} {
		for key, value := range values {
			parameters[key] = value
		}
	}
	location := url.URL{Scheme: "file", Path: path, RawQuery: parameters.Encode()}
	db, err := sqlx.Open("sqlite", location.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fault(classifySQLite, "open "+path, err), db.Close())
	}
	return db, nil
}

// createPrivate creates the file, if there is none, readable by its owner only;
// SQLite gives the files beside it the same mode.
func createPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// sqliteClasses by primary result code; see https://www.sqlite.org/rescode.html.
var sqliteClasses = map[int]class{
	sqlite3.SQLITE_BUSY:      classUnavailable,
	sqlite3.SQLITE_LOCKED:    classUnavailable,
	sqlite3.SQLITE_NOMEM:     classUnavailable,
	sqlite3.SQLITE_READONLY:  classUnavailable,
	sqlite3.SQLITE_INTERRUPT: classUnavailable,
	sqlite3.SQLITE_IOERR:     classUnavailable,
	sqlite3.SQLITE_CORRUPT:   classUnavailable,
	sqlite3.SQLITE_FULL:      classUnavailable,
	sqlite3.SQLITE_CANTOPEN:  classUnavailable,
	sqlite3.SQLITE_PROTOCOL:  classUnavailable,
	sqlite3.SQLITE_NOTADB:    classUnavailable,
}

func classifySQLite(err error) class {
	var failure *sqlite.Error
	if errors.As(err, &failure) {
		return sqliteClasses[failure.Code()&0xff]
	}
	return classifyConnection(err)
}
