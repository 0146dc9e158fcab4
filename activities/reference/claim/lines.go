package claim

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/initkoa/orgo/records"
)

// MaxLineBytes is the largest line that the reference stages write or read.
const MaxLineBytes = 64 << 20

// ErrLineTooLong is the cause of a LineError about a line beyond the limit.
var ErrLineTooLong = errors.New("line is longer than the limit")

// Writer writes JSON Lines: one canonical JSON value (RFC 8785) and one line
// feed per value. Each value is one Write to the underlying writer; whoever
// wants larger ones puts a bufio.Writer below.
type Writer struct {
	w    io.Writer
	line []byte
}

// NewWriter returns a writer of lines to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write writes v as one canonical line. Nothing is written if v has no
// canonical form.
func (w *Writer) Write(v any) error {
	canonical, err := records.Canonical(v)
	if err != nil {
		return fmt.Errorf("write line: %w", err)
	}
	return w.WriteCanonical(canonical)
}

// WriteCanonical writes a line that is canonical JSON already; this is not
// checked. The writer does not keep canonical.
func (w *Writer) WriteCanonical(canonical []byte) error {
	w.line = append(append(w.line[:0], canonical...), '\n')
	if _, err := w.w.Write(w.line); err != nil {
		return fmt.Errorf("write line: %w", err)
	}
	return nil
}

// Line is one line of a text. Number counts from 1, Offset is that of the first
// byte, from 0. Bytes is without the line end (LF or CR LF) and valid only
// until the next line is read.
type Line struct {
	Number int64
	Offset int64
	Bytes  []byte
}

// LineError is a failure at a line.
type LineError struct {
	Line  int64
	Cause error
}

// Error names the line.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Cause) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Cause }

// Lines reads r line by line, blank ones too, and ends at io.EOF or after the
// first error, a *LineError. It holds one line in memory; a line of more than
// maxBytes bytes is an error with ErrLineTooLong as its cause.
func Lines(r io.Reader, maxBytes int) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		buffered := bufio.NewReaderSize(r, 64<<10)
		var long []byte // a line that does not fit the buffer
		for line := (Line{Number: 1}); ; line.Number++ {
			raw, err := readLine(buffered, &long, maxBytes)
			if len(raw) == 0 && errors.Is(err, io.EOF) {
				return
			}
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Line{}, &LineError{Line: line.Number, Cause: err})
				return
			}
			line.Bytes = bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
			if len(line.Bytes) > maxBytes {
				yield(Line{}, &LineError{Line: line.Number, Cause: ErrLineTooLong})
				return
			}
			if !yield(line, nil) {
				return
			}
			line.Offset += int64(len(raw))
		}
	}
}

// readLine returns the next line with its line end, in place where it fits the
// buffer. io.EOF comes with the last line, which may be empty. It stops with
// ErrLineTooLong rather than gather much more than maxBytes.
func readLine(r *bufio.Reader, long *[]byte, maxBytes int) ([]byte, error) {
	raw, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return raw, err
	}
	*long = append((*long)[:0], raw...)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(*long) > maxBytes+len("\r\n") {
			return nil, ErrLineTooLong
		}
		raw, err = r.ReadSlice('\n')
		*long = append(*long, raw...)
	}
	return *long, err
}
