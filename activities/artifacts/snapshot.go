package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// snapshotReaders is how many files of a snapshot are verified at a time.
const snapshotReaders = 2

// VerifySnapshot verifies the snapshot manifest (records.Snapshot) that ref
// points at, and every file that it lists. The manifest is read as a stream, so a
// million files need no more memory than one.
//
// The failure of the first bad file in manifest order is returned, whichever was
// read first. A manifest that is not one is gates.ContractViolation.
func (s *Store) VerifySnapshot(ctx context.Context, ref records.Ref) error {
	manifest, err := s.Open(ctx, ref)
	if err != nil {
		return err
	}
	defer manifest.Close()

	check := startSnapshotCheck(ctx, s)
	parseErr := readSnapshotFiles(manifest, check.add)
	fileErr := check.wait()
	// Reading on to the end says whether the manifest itself is sound; if it is not,
	// what it seemed to say does not matter.
	if _, err := io.Copy(io.Discard, manifest); err != nil {
		return fmt.Errorf("snapshot manifest: %w", err)
	}
	if fileErr != nil {
		return fileErr
	}
	if parseErr != nil {
		return runner.Fail(gates.ContractViolation, parseErr, "artifact %s is not a snapshot manifest", ref.Digest)
	}
	return nil
}

// snapshotCheck verifies files in the background and keeps the first failure in
// the order in which they were added.
type snapshotCheck struct {
	store *Store
	ctx   context.Context
	queue chan indexedFile
	done  sync.WaitGroup
	added int

	mu       sync.Mutex
	failedAt int
	failure  error
}

type indexedFile struct {
	index int
	file  records.SnapshotFile
}

func startSnapshotCheck(ctx context.Context, store *Store) *snapshotCheck {
	c := &snapshotCheck{store: store, ctx: ctx, queue: make(chan indexedFile)}
	for range snapshotReaders {
		c.done.Go(c.verifyQueued)
	}
	return c
}

// errStopped ends the reading of a manifest once a file has failed.
var errStopped = errors.New("a file has failed")

func (c *snapshotCheck) add(file records.SnapshotFile) error {
	if c.first() != nil {
		return errStopped
	}
	c.queue <- indexedFile{c.added, file}
	c.added++
	return nil
}

func (c *snapshotCheck) wait() error {
	close(c.queue)
	c.done.Wait()
	return c.first()
}

func (c *snapshotCheck) first() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}

func (c *snapshotCheck) verifyQueued() {
	for next := range c.queue {
		err := c.store.Verify(c.ctx, next.file.Ref())
		if err == nil {
			continue
		}
		c.mu.Lock()
		if c.failure == nil || next.index < c.failedAt {
			c.failedAt = next.index
			c.failure = fmt.Errorf("snapshot file %q: %w", next.file.Path, err)
		}
		c.mu.Unlock()
	}
}

// readSnapshotFiles hands every element of the "files" of a snapshot manifest to
// visit. It fails unless the document is a snapshot with such a list.
func readSnapshotFiles(r io.Reader, visit func(records.SnapshotFile) error) error {
	d := jsontext.NewDecoder(r)
	if err := expect(d, '{'); err != nil {
		return err
	}
	var kind string
	listed := false
	for d.PeekKind() != '}' {
		var name string
		if err := json.UnmarshalDecode(d, &name); err != nil {
			return err
		}
		var err error
		switch name {
		case "kind":
			err = json.UnmarshalDecode(d, &kind)
		case "files":
			listed = true
			err = readFiles(d, visit)
		default:
			err = d.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	if err := expect(d, '}'); err != nil {
		return err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return errors.New("something follows the manifest")
	}
	if kind != records.SnapshotKind || !listed {
		return fmt.Errorf("want kind %q and files, found kind %q", records.SnapshotKind, kind)
	}
	return nil
}

func readFiles(d *jsontext.Decoder, visit func(records.SnapshotFile) error) error {
	if err := expect(d, '['); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		var file records.SnapshotFile
		if err := json.UnmarshalDecode(d, &file); err != nil {
			return err
		}
		if err := visit(file); err != nil {
			return err
		}
	}
	return expect(d, ']')
}

// expect reads the next token, which must be of the given kind.
func expect(d *jsontext.Decoder, kind jsontext.Kind) error {
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != kind {
		return fmt.Errorf("want %s at offset %d, found %s", kind, d.InputOffset(), token.Kind())
	}
	return nil
}
