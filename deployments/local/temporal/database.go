package temporal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/uuid"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	sqliteschema "go.temporal.io/server/schema/sqlite"
)

// shards is the number of history shards. It is fixed by the first start. All shards of one process would
// share the one SQLite writer anyway, and each costs queue readers of its own.
const shards = 1

// database is the server's SQLite file.
type database struct{ path string }

// pragmas apply to every connection.
//
//   - WAL with synchronous=NORMAL: each commit is handed to the operating system before it is
//     acknowledged, so a killed process loses nothing. A power cut cannot damage the file, but may take
//     the last moments of workflow history with it. Orgo's own records are synced on every commit, and
//     a workflow that then repeats a step finds the step's recorded output. Syncing here too would double
//     the latency of every workflow task on a slow disk for no more evidence.
//   - wal_autocheckpoint: 16 MB instead of 4, as checkpoints stop the one writer.
//   - cache_size: 64 MB (negative is KiB).
//   - busy_timeout: the server holds the file alone, but an inspecting sqlite3 shell must not fail it.
var pragmas = map[string]string{
	"journal_mode":       "WAL",
	"synchronous":        "NORMAL",
	"wal_autocheckpoint": "4000",
	"cache_size":         "-65536",
	"temp_store":         "MEMORY",
	"busy_timeout":       "10000",
}

// config returns the server's setting for the file. One connection: the server's transactions read before
// they write, and two of them at once would fail each other with SQLITE_BUSY.
func (d database) config() *config.SQL {
	attributes := map[string]string{"mode": "rwc"}
	for name, value := range pragmas {
		attributes[name] = value
	}
	return &config.SQL{
		PluginName:        sqliteplugin.PluginName,
		DatabaseName:      d.uriPath(),
		ConnectAttributes: attributes,
		MaxConns:          1,
		MaxIdleConns:      1,
	}
}

// uriPath is the path as it stands in a file: URI (https://sqlite.org/uri.html §3).
func (d database) uriPath() string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(d.path)
}

// SchemaVersionError says that the file was made with another schema than this build's.
type SchemaVersionError struct {
	Path      string
	Has, Want string
}

func (e *SchemaVersionError) Error() string {
	return fmt.Sprintf("%s has temporal schema %s and this build needs %s: finish running builds with the version of Orgo "+
		"that made the file, then move the file away; Orgo's records are kept elsewhere", e.Path, e.Has, e.Want)
}

// schemaVersion joins the versions of the two schemas in the file.
func schemaVersion() string { return sqliteschema.Version + "+" + sqliteschema.VisibilityVersion }

// prepare makes the file and its schema in one transaction, so that a process killed in its first start
// leaves no half-made schema. A file that has the schema already is only checked.
func (d database) prepare(ctx context.Context) error {
	// Only the owner may read it: SQLite gives its other files the mode of this one.
	file, err := os.OpenFile(d.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("temporal database: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("temporal database: %w", err)
	}
	return d.do(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS orgo_schema (version TEXT NOT NULL)`); err != nil {
			return err
		}
		var has string
		switch err := tx.QueryRowContext(ctx, `SELECT version FROM orgo_schema`).Scan(&has); {
		case errors.Is(err, sql.ErrNoRows):
			if err := sqliteschema.SetupSchemaOnDB(schemaWriter{ctx: ctx, tx: tx}); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO orgo_schema (version) VALUES (?)`, schemaVersion())
			return err
		case err != nil:
			return err
		case has != schemaVersion():
			return &SchemaVersionError{Path: d.path, Has: has, Want: schemaVersion()}
		default:
			return nil
		}
	})
}

// schemaWriter lets the server's schema be executed in a transaction. Setting up a schema uses Exec alone.
type schemaWriter struct {
	sqlplugin.AdminDB
	ctx context.Context
	tx  *sql.Tx
}

func (w schemaWriter) Exec(statement string, args ...any) error {
	_, err := w.tx.ExecContext(w.ctx, statement, args...)
	return err
}

// Execution is one run of a workflow.
type Execution struct {
	WorkflowID string
	RunID      string
}

// openExecutions reads which workflows of a namespace are not closed. It must run before the server
// starts. The table is exact where the server's list of workflows lags behind.
func (d database) openExecutions(ctx context.Context, namespaceID [16]byte) ([]Execution, error) {
	var open []Execution
	err := d.do(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx,
			`SELECT workflow_id, run_id FROM current_executions WHERE namespace_id = ? AND state IN (1, 2) ORDER BY workflow_id`, // created, running
			namespaceID[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var execution Execution
			var runID uuid.UUID
			if err := rows.Scan(&execution.WorkflowID, &runID); err != nil {
				return err
			}
			execution.RunID = runID.String()
			open = append(open, execution)
		}
		return rows.Err()
	})
	return open, err
}

// do runs f in a transaction on a connection of its own.
func (d database) do(ctx context.Context, f func(*sql.Tx) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("temporal database %s: %w", d.path, err)
		}
	}()
	db, err := sql.Open("sqlite", "file:"+d.uriPath()+"?mode=rwc&_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
