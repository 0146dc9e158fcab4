package ingest

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// readers is how many files are stored at a time. Storing a small file is
// mostly waiting for the disk.
const readers = 8

// collect reads the content of every file that was found, and puts the files in
// the order of the snapshot. The failure of the first bad file in that order is
// returned, whichever was read first.
func (c *collection) collect(ctx context.Context) error {
	slices.SortFunc(c.pending, func(a, b pending) int { return strings.Compare(a.path, b.path) })
	for i := 1; i < len(c.pending); i++ {
		if path := c.pending[i].path; c.pending[i-1].path == path {
			return runner.Fail(gates.RequestInvalid, nil, "two inputs hold a file %s; rename one input, or leave one out", path)
		}
	}
	c.files = make([]records.SnapshotFile, len(c.pending))
	c.sources = make([]records.ProvenanceItem, len(c.pending))

	queue := make(chan opened)
	failed := &firstFailure{at: len(c.pending)}
	var done sync.WaitGroup
	for range min(readers, len(c.pending)) {
		done.Go(func() {
			for next := range queue {
				failed.note(next.index, c.take(ctx, next))
			}
		})
	}
	for i := 0; i < len(c.pending) && !failed.any(); i++ {
		next, err := c.openPending(i)
		if err != nil {
			failed.note(i, err)
			break
		}
		queue <- next
	}
	close(queue)
	done.Wait()
	return failed.err
}

// opened is a file on its way into the store.
type opened struct {
	index int
	file  *os.File // nil for one that the store holds
}

func (c *collection) openPending(i int) (opened, error) {
	if c.pending[i].stored != nil {
		return opened{index: i}, nil
	}
	file, err := openRegular(c.pending[i])
	return opened{index: i, file: file}, err
}

// take stores one file and enters it in the snapshot.
func (c *collection) take(ctx context.Context, next opened) error {
	from := c.pending[next.index]
	file, err := c.read(ctx, from, next.file)
	c.files[next.index] = file
	c.sources[next.index] = records.ProvenanceItem{Path: from.path, Source: from.source, Digest: file.Digest}
	return err
}

// firstFailure keeps the failure of the lowest index.
type firstFailure struct {
	mu  sync.Mutex
	at  int
	err error
}

// note takes the outcome of one file.
func (f *firstFailure) note(index int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil && index < f.at {
		f.at, f.err = index, err
	}
}

func (f *firstFailure) any() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err != nil
}
