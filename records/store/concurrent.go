package store

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// concurrent appends in a transaction of each caller, for a database that has
// many writers. What races or breaks is tried again: as entry ids are derived
// from what they mean, that also answers whether a commit whose connection
// broke was stored.
type concurrent struct {
	recorder  *recorder
	observers []func(Stored)
	seed      maphash.Seed
	// stripes hold the appends of this process to one subject apart: their order
	// for the observers is that of their commits, and a busy subject keeps one
	// connection waiting for its row, not all.
	stripes [256]chan struct{}

	mu     sync.RWMutex // held shared during an append
	closed bool
}

// Attempts at an append, and the pause before the second, which doubles: 2, 4, 8,
// … ms, a quarter of a second in all.
const (
	maxAttempts = 8
	firstPause  = 2 * time.Millisecond
)

func newConcurrent(r *recorder, observers []func(Stored)) *concurrent {
	c := &concurrent{recorder: r, observers: observers, seed: maphash.MakeSeed()}
	for i := range c.stripes {
		c.stripes[i] = make(chan struct{}, 1)
	}
	return c
}

func (c *concurrent) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

func (c *concurrent) submit(ctx context.Context, facts []fact) ([]Stored, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return nil, ErrClosed
	}
	release, err := c.enter(ctx, facts)
	if err != nil {
		return nil, err
	}
	defer release()
	stored, err := c.persist(ctx, facts)
	if err != nil {
		return nil, err
	}
	observe(c.observers, stored)
	return stored, nil
}

// enter waits for the stripes of the subjects of facts.
func (c *concurrent) enter(ctx context.Context, facts []fact) (release func(), err error) {
	var wanted []int
	for _, f := range facts {
		hash := maphash.Comparable(c.seed, [3]string{f.Organization, f.Subject.Kind, f.Subject.ID})
		wanted = append(wanted, int(hash%uint64(len(c.stripes))))
	}
	slices.Sort(wanted)
	var held []int
	release = func() {
		for _, i := range held {
			<-c.stripes[i]
		}
	}
	for _, i := range slices.Compact(wanted) {
		select {
		case c.stripes[i] <- struct{}{}:
			held = append(held, i)
		case <-ctx.Done():
			release()
			return nil, ctx.Err()
		}
	}
	return release, nil
}

// persist tries until the outcome is known or the attempts are used up.
func (c *concurrent) persist(ctx context.Context, facts []fact) ([]Stored, error) {
	doubtful := map[string]int64{} // entry ids and sequences of commits without answer
	pause := firstPause
	for attempt := 1; ; attempt++ {
		stored, err := c.transact(ctx, facts, doubtful)
		if err == nil {
			for i, s := range stored {
				sequence, ours := doubtful[s.ID]
				stored[i].New = s.New || ours && sequence == s.Sequence
			}
			return stored, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		class := c.recorder.dialect.classify(err)
		if class == classOther {
			return nil, err
		}
		if attempt == maxAttempts {
			return nil, c.recorder.dialect.fault("append", err)
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// transact makes one attempt. It notes in doubtful what it may have stored when
// the commit fails.
func (c *concurrent) transact(ctx context.Context, facts []fact, doubtful map[string]int64) ([]Stored, error) {
	tx, err := c.recorder.begin(ctx, newViewCache())
	if err != nil {
		return nil, err
	}
	stored, refusal, err := tx.append(ctx, facts)
	if err := cmp.Or(refusal, err); err != nil {
		// This error says why; a rollback that fails too only ends the connection.
		_ = tx.Rollback()
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		for _, s := range stored {
			if s.New {
				doubtful[s.ID] = s.Sequence
			}
		}
		return nil, err
	}
	return stored, nil
}
