package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"sort"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
)

// dialect is all that differs between the two databases.
type dialect struct {
	goose      goose.Dialect
	migrations embed.FS
	directory  string // of migrations
	// hasTable is a query that counts the tables of a given name.
	hasTable string
	// lockSubject is a query for the last sequence of a subject, given by
	// organization, kind and id, which keeps other transactions from appending to
	// it. No row means 0.
	lockSubject string
	// freeze keeps others from appending until the transaction ends; empty where
	// the transaction alone does.
	freeze string
	// classify says what an error of the driver means.
	classify func(error) class
	// connect opens the pools. Where one pool both writes and reads, it is
	// returned twice.
	connect func(context.Context, *url.URL) (writer, reader *sqlx.DB, err error)
	// appender is how transactions are made.
	appender func(*recorder, []func(Stored)) appender
	// leads reports whether the transaction may add leaves to the log, alone until
	// it ends.
	leads func(context.Context, *sqlx.Tx) (bool, error)
	// notify tells other processes, once the transaction is committed, that the
	// log has a new size.
	notify func(ctx context.Context, tx *sqlx.Tx, size int64) error
	// listen calls wake whenever another process added leaves, until ctx ends. What
	// it misses while the database is away it makes up for with one call.
	listen func(ctx context.Context, dsn *url.URL, wake func())
	// migrateOptions guard against two migrations at once.
	migrateOptions func() ([]goose.ProviderOption, error)
}

// dialects by the scheme of the DSN.
var dialects = map[string]dialect{
	"sqlite":     sqliteDialect,
	"postgres":   postgresDialect,
	"postgresql": postgresDialect,
}

// parseDSN returns the dialect that dsn asks for. A DSN can hold a password, so
// errors do not repeat it.
func parseDSN(dsn string) (dialect, *url.URL, error) {
	parsed, err := url.Parse(dsn)
	if err != nil {
		return dialect{}, nil, errors.New("the database DSN is not a URL: write sqlite:///absolute/path.db or postgres://user@host/database")
	}
	known, found := dialects[parsed.Scheme]
	if !found {
		schemes := make([]string, 0, len(dialects))
		for scheme := range dialects {
			schemes = append(schemes, scheme)
		}
		sort.Strings(schemes)
		return dialect{}, nil, fmt.Errorf("the database DSN has the unknown scheme %q: use one of %s", parsed.Scheme, strings.Join(schemes, ", "))
	}
	return known, parsed, nil
}

// class is what an error of a driver means to the store.
type class int

const (
	classOther       class = iota // not of the database: passed on as it is
	classRaced                    // another transaction won: the same again can succeed
	classUnavailable              // the database or the way to it failed
)

// fault gives an error of the driver its public type.
func (d dialect) fault(op string, err error) error { return fault(d.classify, op, err) }

func fault(classify func(error) class, op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", op, err)
	}
	var unavailable *Unavailable
	if errors.As(err, &unavailable) {
		return err
	}
	switch classify(err) {
	case classUnavailable, classRaced:
		return &Unavailable{Op: op, Err: err}
	default:
		return fmt.Errorf("%s: %w", op, err)
	}
}
