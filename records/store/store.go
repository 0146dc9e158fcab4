package store

import (
	"context"
	"errors"
	"net/url"

	"github.com/jmoiron/sqlx"

	"github.com/initkoa/orgo/records"
)

// Store is the record store. It is safe for concurrent use, also by several
// processes on one database.
type Store struct {
	dialect  dialect
	location *url.URL
	writer   *sqlx.DB
	reader   *sqlx.DB // the writer's pool on Postgres
	recorder *recorder
	appender appender

	appended  broadcast // something was handed to the ledger by this process
	sequenced broadcast // leaves were added, as far as this process knows
	sampled   broadcast // samples of telemetry were stored by this process
}

// Stored is an entry as it lies in the store.
type Stored struct {
	records.Entry
	// Sequence is the entry's place among the entries of its subject: 1, 2, 3, …
	// without gaps.
	Sequence int64 `json:"sequence"`
	// New is true in the result of the Append that stored the entry.
	New bool `json:"-"`
}

// appender makes the transactions in which facts are appended.
type appender interface {
	// submit appends the facts of one organization, all or none, and calls the
	// observers.
	submit(ctx context.Context, facts []fact) ([]Stored, error)
	// close ends what is under way and refuses more.
	close()
}

// Option configures a Store.
type Option func(*options)

type options struct{ observers []func(Stored) }

// WithObserver has observe called for every new entry that this Store appends:
// after the commit, before Append returns, and for each subject in order of
// sequence. It must be quick, and must not append to the same Store. After a
// commit whose outcome had to be read back it can be called twice for an entry
// that another process appended at the same moment.
func WithObserver(observe func(Stored)) Option {
	return func(o *options) { o.observers = append(o.observers, observe) }
}

// Open connects to the database that dsn names:
//
//	sqlite:///absolute/path.db            created if absent; its directory must exist
//	postgres://user:password@host/name    parameters as lib/pq takes them
//
// On Postgres sslmode is verify-full where it is not given and the server is on
// another machine, and connect_timeout is 10 s. Open changes no schema: see
// Migrate and CheckSchema.
func Open(ctx context.Context, dsn string, opts ...Option) (*Store, error) {
	var chosen options
	for _, opt := range opts {
		opt(&chosen)
	}
	dialect, location, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return open(ctx, dialect, location, chosen)
}

func open(ctx context.Context, dialect dialect, location *url.URL, chosen options) (*Store, error) {
	writer, reader, err := dialect.connect(ctx, location)
	if err != nil {
		return nil, err
	}
	s := &Store{dialect: dialect, location: location, writer: writer, reader: reader}
	s.recorder = &recorder{db: writer, dialect: dialect, checkSchema: s.CheckSchema}
	s.appender = dialect.appender(s.recorder, append(chosen.observers, func(Stored) { s.appended.wake() }))
	return s, nil
}

// Append stores entries, which must be of one organization, and folds them into
// the read models: all of them or, on error, none. The result has the order and
// length of entries.
//
// An entry whose id is stored with the same body yields the stored one, with New
// false. So does an output (kind records.KindOutput) whose stage key has an
// output of the same identity, whatever its attachments and metrics.
//
// Errors: *InvalidEntry, *EntryConflict, *OutputConflict, what the reducer
// refuses with (records.ErrBuildEnded, …), *SchemaMismatch, *Unavailable,
// ErrClosed, and the context's. After the last four the entries may be stored;
// the same Append again says.
func (s *Store) Append(ctx context.Context, entries ...records.Entry) ([]Stored, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	facts, err := newFacts(entries)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.appender.submit(ctx, facts)
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.dialect.fault("ping", s.reader.PingContext(ctx))
}

// Close finishes the appends under way and closes the connections. Later calls
// of Append return ErrClosed.
func (s *Store) Close() error {
	s.appender.close()
	errs := []error{s.recorder.close(), s.writer.Close()}
	if s.reader != s.writer {
		errs = append(errs, s.reader.Close())
	}
	return errors.Join(errs...)
}
