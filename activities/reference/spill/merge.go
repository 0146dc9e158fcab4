package spill

import (
	"bufio"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// merge hands the records of all runs to emit in order, until emit returns
// false or an error.
func merge(ctx context.Context, file *scratch, runs []run, emit func(Record) (bool, error)) error {
	sources := make(sourceHeap, 0, len(runs))
	for _, r := range runs {
		src := &source{reader: bufio.NewReaderSize(file.section(r), bufferSize)}
		more, err := src.next()
		if err != nil {
			return err
		}
		if more {
			sources = append(sources, src)
		}
	}
	heap.Init(&sources)
	for n := 0; len(sources) > 0; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		least := sources[0]
		if more, err := emit(least.record); err != nil || !more {
			return err
		}
		more, err := least.next()
		if err != nil {
			return err
		}
		if more {
			heap.Fix(&sources, 0)
		} else {
			heap.Pop(&sources)
		}
	}
	return nil
}

// source reads the records of one run.
type source struct {
	reader *bufio.Reader
	buffer []byte
	record Record
}

// next reads the next record, and says whether there was one.
func (s *source) next() (bool, error) {
	keyLen, err := binary.ReadUvarint(s.reader)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, readError(err)
	}
	valueLen, err := binary.ReadUvarint(s.reader)
	if err != nil {
		return false, readError(err)
	}
	if keyLen > MaxRecord || valueLen > MaxRecord {
		return false, readError(ErrTooLarge)
	}
	size := int(keyLen + valueLen)
	if cap(s.buffer) < size {
		s.buffer = make([]byte, size)
	}
	s.buffer = s.buffer[:size]
	if _, err := io.ReadFull(s.reader, s.buffer); err != nil {
		return false, readError(err)
	}
	s.record = Record{Key: s.buffer[:keyLen:keyLen], Value: s.buffer[keyLen:]}
	return true, nil
}

func readError(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read a temporary file to sort in: %w", err)
}

// writeRecord writes r in the form that source.next reads.
func writeRecord(w *bufio.Writer, r Record) error {
	var lengths [2 * binary.MaxVarintLen64]byte
	n := binary.PutUvarint(lengths[:], uint64(len(r.Key)))
	n += binary.PutUvarint(lengths[n:], uint64(len(r.Value)))
	for _, part := range [][]byte{lengths[:n], r.Key, r.Value} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// sourceHeap is a heap of runs, the one with the least record on top.
type sourceHeap []*source

func (h sourceHeap) Len() int           { return len(h) }
func (h sourceHeap) Less(i, j int) bool { return compare(h[i].record, h[j].record) < 0 }
func (h sourceHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *sourceHeap) Push(x any)        { *h = append(*h, x.(*source)) }
func (h *sourceHeap) Pop() any {
	last := len(*h) - 1
	top := (*h)[last]
	*h = (*h)[:last]
	return top
}
