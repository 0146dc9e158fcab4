package extract

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

// readAhead is the size, in bytes, of the buffer between a file and its parser.
const readAhead = 64 << 10

// errRecordTooLarge ends the reading of a record beyond Limits.RecordBytes.
var errRecordTooLarge = errors.New("the record is larger than the limit")

// source reads one stored file. Parsers read as far ahead as they like, so it
// bounds the bytes between two calls of renew, and with them what a parser can
// gather for one record: the limit holds to within the buffers.
type source struct {
	ctx      context.Context
	r        io.ReadCloser
	tell     func(n int) // of bytes read
	budget   int
	left     int
	exceeded bool
	err      error // of the store or the context, never io.EOF
}

// open opens a stored file. tell may be nil.
func open(ctx context.Context, store runner.ArtifactStore, ref records.Ref, budget int, tell func(int)) (*source, error) {
	r, err := store.Open(ctx, ref)
	if err != nil {
		return nil, err
	}
	if tell == nil {
		tell = func(int) {}
	}
	s := &source{ctx: ctx, r: r, tell: tell, budget: budget}
	s.renew()
	return s, nil
}

// renew says that a new record begins.
func (s *source) renew() { s.left = s.budget + 2*readAhead }

// Read reads from the file until the budget of the record is used up.
func (s *source) Read(p []byte) (int, error) {
	if s.left <= 0 {
		s.exceeded = true
		return 0, errRecordTooLarge
	}
	if s.err == nil {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	s.left -= n
	s.tell(n)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// finish reads what the parser has left, closes the file, and returns the error
// of the store or the context, if any. Until it returns nil, nothing that was
// read counts, not even that it does not parse: the stored content may have
// been changed.
func (s *source) finish() error {
	for s.err == nil {
		s.renew()
		if _, err := io.CopyN(io.Discard, s, readAhead); err != nil {
			break
		}
	}
	return errors.Join(s.err, s.r.Close())
}

// text returns a buffered reader of s behind a UTF-8 byte order mark, if there
// is one, and the mark's size in bytes.
func (s *source) text() (*bufio.Reader, int64, error) {
	buffered := bufio.NewReaderSize(s, readAhead)
	mark := []byte("\ufeff")
	head, err := buffered.Peek(len(mark))
	if err != nil && err != io.EOF {
		return nil, 0, err
	}
	if !bytes.Equal(head, mark) {
		return buffered, 0, nil
	}
	n, err := buffered.Discard(len(mark))
	return buffered, int64(n), err
}
