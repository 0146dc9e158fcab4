package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/postgres/*.sql
var postgresMigrations embed.FS

var postgresDialect = dialect{
	goose:      goose.DialectPostgres,
	migrations: postgresMigrations,
	directory:  "migrations/postgres",
	hasTable:   `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1`,
	// The update changes nothing: it locks the row, and makes one to lock.
	lockSubject: `INSERT INTO subjects (organization, subject_kind, subject_id, sequence) VALUES (?, ?, ?, 0)
		ON CONFLICT (organization, subject_kind, subject_id) DO UPDATE SET sequence = subjects.sequence
		RETURNING sequence`,
	freeze:   `LOCK TABLE subjects, builds IN SHARE ROW EXCLUSIVE MODE`,
	classify: classifyPostgres,
	connect:  connectPostgres,
	appender: func(r *recorder, observers []func(Stored)) appender {
		return newConcurrent(r, observers)
	},
	leads:          leadsPostgres,
	notify:         notifyPostgres,
	listen:         listenPostgres,
	migrateOptions: postgresMigrateOptions,
}

// Size of the pool, and how long a connection is kept, so that servers behind a
// load balancer get their share again after one was away.
const (
	postgresConnections = 16
	postgresLifetime    = 30 * time.Minute
)

func connectPostgres(ctx context.Context, dsn *url.URL) (writer, reader *sqlx.DB, err error) {
	db, err := sqlx.Open("postgres", withPostgresDefaults(*dsn).String())
	if err != nil {
		return nil, nil, errors.New("open Postgres: the DSN is malformed: write postgres://user@host/database")
	}
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	db.SetConnMaxLifetime(postgresLifetime)
	if err := db.PingContext(ctx); err != nil {
		// Only these parts of the DSN can hold no password.
		op := fmt.Sprintf("open Postgres database %q at %q", strings.TrimPrefix(dsn.Path, "/"), dsn.Host)
		return nil, nil, errors.Join(fault(classifyPostgres, op, err), db.Close())
	}
	return db, db, nil
}

// withPostgresDefaults sets the parameters that dsn leaves open: a bound on
// connecting, and TLS with a verified server unless the server is on this
// machine. The host is always written out, so that PGHOST, which lib/pq would
// read, cannot make another machine of it.
func withPostgresDefaults(dsn url.URL) *url.URL {
	parameters := dsn.Query()
	host := cmp.Or(parameters.Get("host"), dsn.Hostname(), "localhost")
	defaults := map[string]string{
		"host":             host,
		"sslmode":          "verify-full",
		"connect_timeout":  "10", // seconds
		"application_name": "orgo",
	}
	if local(host) {
		defaults["sslmode"] = "disable"
	}
	for key, value := range defaults {
		if !parameters.Has(key) {
			parameters.Set(key, value)
		}
	}
	dsn.RawQuery = parameters.Encode()
	return &dsn
}

// local reports whether host is a unix socket or a loopback address.
func local(host string) bool {
	if host == "localhost" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// postgresMigrateOptions makes concurrent migrations wait for each other, for at
// most a minute, on an advisory lock.
func postgresMigrateOptions() ([]goose.ProviderOption, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60), lock.WithUnlockTimeout(1, 10))
	if err != nil {
		return nil, err
	}
	return []goose.ProviderOption{goose.WithSessionLocker(locker)}, nil
}

// Classes by SQLSTATE, and else by its first two characters; see Appendix A of
// the Postgres manual.
var (
	postgresClasses = map[string]class{
		"23505": classRaced,       // unique_violation: the next attempt reads who was first
		"57014": classUnavailable, // query_canceled
		"57P01": classUnavailable, // admin_shutdown
		"57P02": classUnavailable, // crash_shutdown
		"57P03": classUnavailable, // cannot_connect_now
		"57P05": classUnavailable, // idle_session_timeout
		"25006": classUnavailable, // read_only_sql_transaction: connected to a standby
	}
	postgresFamilies = map[string]class{
		"08": classUnavailable, // connection exception
		"28": classUnavailable, // invalid authorization
		"40": classRaced,       // serialization failure, deadlock
		"53": classUnavailable, // insufficient resources
		"58": classUnavailable, // system error
		"XX": classUnavailable, // internal error, data corrupted
	}
)

func classifyPostgres(err error) class {
	var failure *pq.Error
	if !errors.As(err, &failure) {
		return classifyConnection(err)
	}
	code := string(failure.Code)
	if known, found := postgresClasses[code]; found {
		return known
	}
	if len(code) < 2 {
		return classOther
	}
	return postgresFamilies[code[:2]]
}

// classifyConnection classifies what is not an answer of a database.
func classifyConnection(err error) class {
	var network net.Error
	var errno syscall.Errno
	switch {
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, net.ErrClosed),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.As(err, &network), errors.As(err, &errno):
		return classUnavailable
	default:
		return classOther
	}
}

// sequencerLock is the advisory lock of the sequencer that adds leaves: "orgo" in
// ASCII, and 1. It is of the transaction: the server gives it up for a process
// that is gone.
const sequencerLock int64 = 0x6f72676f<<32 | 1

func leadsPostgres(ctx context.Context, tx *sqlx.Tx) (leads bool, err error) {
	err = tx.GetContext(ctx, &leads, `SELECT pg_try_advisory_xact_lock($1)`, sequencerLock)
	return leads, err
}

// sequencedChannel is where the sequencer, and nobody else, notifies.
const sequencedChannel = "orgo_sequenced"

func notifyPostgres(ctx context.Context, tx *sqlx.Tx, size int64) error {
	_, err := tx.ExecContext(ctx, `SELECT pg_notify($1, $2)`, sequencedChannel, strconv.FormatInt(size, 10))
	return err
}

// Pauses between attempts of a listener to connect again.
const (
	listenerRetry    = 250 * time.Millisecond
	listenerMaxRetry = 10 * time.Second
)

// listenPostgres keeps a connection of its own. After one that broke the library
// sends a nil notification, which may stand for any number.
func listenPostgres(ctx context.Context, dsn *url.URL, wake func()) {
	listener := pq.NewListener(withPostgresDefaults(*dsn).String(), listenerRetry, listenerMaxRetry, nil)
	defer listener.Close()
	listening := make(chan error, 1)
	go func() { listening <- listener.Listen(sequencedChannel) }()
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-listening:
			if err != nil {
				return // the listener was closed, or the channel is listened to: neither can be
			}
			listening = nil
			wake()
		case <-listener.Notify:
			wake()
		}
	}
}
