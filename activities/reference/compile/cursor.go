package compile

import (
	"bytes"
	"context"
	"iter"

	"github.com/initkoa/orgo/activities/reference/identity"
	"github.com/initkoa/orgo/activities/reference/spill"
)

// cursor stands on one of the sorted rows. What it shows is valid until it
// moves.
type cursor struct {
	row      row
	more     bool // there is a row
	err      error
	passed   int64
	next     func() (spill.Record, error, bool)
	stop     func()
	progress func(int64)
}

// newCursor returns a cursor on the first row. The caller calls close.
func newCursor(ctx context.Context, sorter *spill.Sorter, progress func(int64)) *cursor {
	c := &cursor{progress: progress}
	c.next, c.stop = iter.Pull2(sorter.Sorted(ctx))
	c.move()
	return c
}

func (c *cursor) close() { c.stop() }

// move goes to the next row. After an error there is none.
func (c *cursor) move() {
	record, err, more := c.next()
	c.more = more && err == nil
	if err != nil {
		c.err = err
	}
	if c.more {
		c.row = readRow(record)
		if c.passed++; c.passed%progressEvery == 0 {
			c.progress(c.passed)
		}
	}
}

// at reports whether the cursor stands on a row of a section.
func (c *cursor) in(s section) bool { return c.more && c.row.section == s }

// on reports whether the cursor stands on a row of that part of a thing.
func (c *cursor) on(s section, thing identity.Ref, p part) bool {
	return c.in(s) && c.row.thing == thing && c.row.part == p
}

// take returns what the rows of a part hold, joined by commas, and moves behind
// them.
func (c *cursor) take(s section, thing identity.Ref, p part) []byte {
	var list []byte
	var last []byte
	for c.on(s, thing, p) {
		if len(c.row.rest) > 0 && !bytes.Equal(c.row.rest, last) {
			if list != nil {
				list = append(list, ',')
			}
			list = append(list, c.row.rest...)
			last = append(last[:0], c.row.rest...)
		}
		c.move()
	}
	return list
}
