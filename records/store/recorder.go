package store

import (
	"context"
	"sync"

	"github.com/jmoiron/sqlx"
)

// recorder begins the transactions of an appender.
type recorder struct {
	db          *sqlx.DB
	dialect     dialect
	checkSchema func(context.Context) error

	mu       sync.Mutex
	prepared *statements // nil until the first transaction
}

// transaction is one that facts can be appended in.
type transaction struct {
	*sqlx.Tx
	*statements
	views *viewCache
}

// begin begins a transaction. The statements are prepared before the first one,
// not in it: preparing takes a connection of its own.
func (r *recorder) begin(ctx context.Context, views *viewCache) (*transaction, error) {
	prepared, err := r.prepare(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := r.db.BeginTxx(ctx, nil)
	if err != nil {
		return nil, r.dialect.fault("append", err)
	}
	return &transaction{Tx: tx, statements: prepared, views: views}, nil
}

func (r *recorder) prepare(ctx context.Context) (*statements, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.prepared != nil {
		return r.prepared, nil
	}
	if err := r.checkSchema(ctx); err != nil {
		return nil, err
	}
	prepared, err := prepareStatements(ctx, r.db, r.dialect.lockSubject)
	if err != nil {
		return nil, r.dialect.fault("append", err)
	}
	r.prepared = prepared
	return prepared, nil
}

func (r *recorder) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.prepared == nil {
		return nil
	}
	return r.prepared.close()
}
