package store

import (
	"context"
	"errors"
)

// groupCommit appends through one goroutine, for a database with one writer. All
// appends that wait when it turns to them share one transaction and so one
// flush to disk. One that is refused has written nothing and takes no other
// with it, and after a failure each is tried alone. A lone append waits for nobody.
type groupCommit struct {
	recorder  *recorder
	observers []func(Stored)
	views     *viewCache // of the goroutine
	queue     chan *request
	closing   chan struct{} // closed by close
	closed    chan struct{} // closed by the goroutine as it ends
}

// request is an append that waits for its turn.
type request struct {
	ctx    context.Context
	facts  []fact
	stored []Stored
	err    error
	done   chan struct{} // closed when stored and err are final
}

// Bounds of the queue and of a transaction, in appends.
const (
	maxQueued = 1024
	maxGroup  = 256
)

func newGroupCommit(r *recorder, observers []func(Stored)) *groupCommit {
	g := &groupCommit{
		recorder:  r,
		observers: observers,
		views:     newViewCache(),
		queue:     make(chan *request, maxQueued),
		closing:   make(chan struct{}),
		closed:    make(chan struct{}),
	}
	go g.run()
	return g
}

func (g *groupCommit) submit(ctx context.Context, facts []fact) ([]Stored, error) {
	req := &request{ctx: ctx, facts: facts, done: make(chan struct{})}
	select {
	case <-g.closing:
		return nil, ErrClosed
	default:
	}
	select {
	case g.queue <- req:
	case <-g.closing:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-req.done:
		return req.stored, req.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-g.closed:
	}
	// The goroutine may have settled this request as its last.
	select {
	case <-req.done:
		return req.stored, req.err
	default:
		return nil, ErrClosed
	}
}

func (g *groupCommit) close() {
	select {
	case <-g.closing:
	default:
		close(g.closing)
	}
	<-g.closed
}

func (g *groupCommit) run() {
	defer close(g.closed)
	for {
		select {
		case <-g.closing:
			return
		case first := <-g.queue:
			g.settle(g.gather(first))
		}
	}
}

// gather returns first and whatever else waits already.
func (g *groupCommit) gather(first *request) []*request {
	group := []*request{first}
	for len(group) < maxGroup {
		select {
		case next := <-g.queue:
			group = append(group, next)
		default:
			return group
		}
	}
	return group
}

// settle brings the group to its end: every request of it is done.
func (g *groupCommit) settle(group []*request) {
	err := g.commit(group)
	var unavailable *Unavailable
	if err != nil && len(group) > 1 && !errors.As(err, &unavailable) {
		// It may be the fault of one of them.
		for _, req := range group {
			g.settle([]*request{req})
		}
		return
	}
	for _, req := range group {
		if err != nil {
			req.stored, req.err = nil, err
		}
		observe(g.observers, req.stored)
		close(req.done)
	}
}

// commit applies the group in one transaction. An error means that nothing of it
// is stored; the refusals of single requests are in the requests.
func (g *groupCommit) commit(group []*request) error {
	// The transaction serves many callers, so that the context of none ends it.
	ctx := context.Background()
	tx, err := g.recorder.begin(ctx, g.views)
	if err != nil {
		return err
	}
	if err := apply(ctx, tx, group); err != nil {
		g.views.drop()
		// This error says why; a rollback that fails too ends the connection.
		_ = tx.Rollback()
		return g.recorder.dialect.fault("append", err)
	}
	if err := tx.Commit(); err != nil {
		g.views.drop()
		return g.recorder.dialect.fault("append", err)
	}
	g.views.keep()
	return nil
}

func apply(ctx context.Context, tx *transaction, group []*request) (err error) {
	for _, req := range group {
		if req.err = req.ctx.Err(); req.err != nil {
			continue
		}
		if req.stored, req.err, err = tx.append(ctx, req.facts); err != nil {
			return err
		}
	}
	return nil
}

// observe tells the observers about what is new.
func observe(observers []func(Stored), stored []Stored) {
	for _, s := range stored {
		if !s.New {
			continue
		}
		for _, o := range observers {
			o(s)
		}
	}
}
