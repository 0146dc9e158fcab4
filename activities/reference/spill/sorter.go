// Package spill sorts more records than fit in memory.
//
// Records are pairs of bytes. Their order is total (by key, then by value, both
// compared as bytes), so the order in which they come out depends on nothing but
// the records themselves: not on the order in which they went in, nor on how
// much memory there was.
package spill

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// DefaultMemory is how many bytes of records a Sorter holds before it writes
// them to disk.
const DefaultMemory = 48 << 20

// MaxRecord is the largest record, in bytes of key and value together.
const MaxRecord = 1 << 30

// fanIn is how many sorted runs are merged at once; more are first merged into
// longer ones.
const fanIn = 128

// ErrTooLarge says that a record goes beyond MaxRecord.
var ErrTooLarge = errors.New("record is too large to sort")

// Record is one record. Its bytes are valid until the next one is asked for.
type Record struct {
	Key   []byte
	Value []byte
}

// Sorter collects records and hands them back in order. It is used by one
// goroutine: Add any number of records, read Sorted, then Close.
type Sorter struct {
	dir    string
	memory int
	arena  []byte
	spans  []span
	file   *scratch // all runs, one after the other
	runs   []run
}

// span locates one record in the arena. The first bytes of the key are kept
// beside it, as most comparisons need no more.
type span struct {
	prefix uint64
	start  uint32
	key    uint32
	value  uint32
}

// spanSize is what a span costs of the memory allowed.
const spanSize = 24

// run is one sorted part of the file.
type run struct{ offset, size int64 }

// New returns a Sorter that keeps up to memory bytes of records (DefaultMemory
// if zero) and puts the rest in one temporary file in dir (os.TempDir() if
// empty). The file has no name once it is open where the system allows that, so
// even a killed process leaves nothing behind.
func New(dir string, memory int) *Sorter {
	if memory <= 0 {
		memory = DefaultMemory
	}
	return &Sorter{dir: dir, memory: min(memory, MaxRecord)}
}

// Add adds a record; the bytes are copied.
func (s *Sorter) Add(key, value []byte) error {
	size := len(key) + len(value)
	if size > MaxRecord {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, size, MaxRecord)
	}
	if len(s.spans) > 0 && len(s.arena)+size+(len(s.spans)+1)*spanSize > s.memory {
		if err := s.flush(); err != nil {
			return err
		}
	}
	start := len(s.arena)
	s.arena = append(append(s.arena, key...), value...)
	s.spans = append(s.spans, span{
		prefix: prefixOf(key),
		start:  uint32(start),
		key:    uint32(len(key)),
		value:  uint32(len(value)),
	})
	return nil
}

// Sorted returns the records in order. It ends with an error when ctx ends or
// the file cannot be read or written. It may be read again, and no record may be
// added after it was called.
func (s *Sorter) Sorted(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := s.sorted(ctx, yield); err != nil {
			yield(Record{}, err)
		}
	}
}

func (s *Sorter) sorted(ctx context.Context, yield func(Record, error) bool) error {
	if len(s.runs) == 0 {
		s.order()
		for i, sp := range s.spans {
			if i%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if !yield(s.record(sp), nil) {
				return nil
			}
		}
		return nil
	}
	if err := s.flush(); err != nil {
		return err
	}
	s.arena, s.spans = nil, nil
	for len(s.runs) > fanIn {
		if err := s.shorten(ctx); err != nil {
			return err
		}
	}
	return merge(ctx, s.file, s.runs, func(r Record) (bool, error) { return yield(r, nil), nil })
}

// Close frees the memory and the temporary file. It may be called at any time,
// and more than once.
func (s *Sorter) Close() error {
	s.arena, s.spans, s.runs = nil, nil, nil
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	return file.close()
}

func (s *Sorter) record(sp span) Record {
	value := sp.start + sp.key
	return Record{Key: s.arena[sp.start:value:value], Value: s.arena[value : value+sp.value : value+sp.value]}
}

// order sorts the records in memory.
func (s *Sorter) order() {
	slices.SortFunc(s.spans, func(a, b span) int {
		if c := cmp.Compare(a.prefix, b.prefix); c != 0 {
			return c
		}
		return compare(s.record(a), s.record(b))
	})
}

// flush writes the records in memory as one sorted run.
func (s *Sorter) flush() error {
	if len(s.spans) == 0 {
		return nil
	}
	s.order()
	err := s.write(func(w *bufio.Writer) error {
		for _, sp := range s.spans {
			if err := writeRecord(w, s.record(sp)); err != nil {
				return err
			}
		}
		return nil
	})
	s.arena, s.spans = s.arena[:0], s.spans[:0]
	return err
}

// shorten merges the oldest runs into one.
func (s *Sorter) shorten(ctx context.Context) error {
	oldest := s.runs[:fanIn]
	err := s.write(func(w *bufio.Writer) error {
		return merge(ctx, s.file, oldest, func(r Record) (bool, error) { return true, writeRecord(w, r) })
	})
	if err != nil {
		return err
	}
	s.runs = slices.Clone(s.runs[fanIn:])
	return nil
}

// write appends to the file what fill writes, as one run.
func (s *Sorter) write(fill func(*bufio.Writer) error) error {
	if s.file == nil {
		file, err := openScratch(s.dir)
		if err != nil {
			return err
		}
		s.file = file
	}
	start := s.file.size
	w := bufio.NewWriterSize(s.file, bufferSize)
	if err := fill(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	s.runs = append(s.runs, run{offset: start, size: s.file.size - start})
	return nil
}

func prefixOf(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var padded [8]byte
	copy(padded[:], key)
	return binary.BigEndian.Uint64(padded[:])
}

// compare orders records by key, then by value.
func compare(a, b Record) int {
	if c := bytes.Compare(a.Key, b.Key); c != 0 {
		return c
	}
	return bytes.Compare(a.Value, b.Value)
}
