package spill

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// bufferSize is the size of the buffers between the sorter and its file.
const bufferSize = 64 << 10

// scratch is a temporary file that is written at its end and read anywhere.
type scratch struct {
	file  *os.File
	size  int64
	named bool // still has a name, so that closing must remove it
}

func openScratch(dir string) (*scratch, error) {
	file, err := os.CreateTemp(dir, "orgo-sort-*")
	if err != nil {
		return nil, fmt.Errorf("create a temporary file to sort in: %w", err)
	}
	return &scratch{file: file, named: os.Remove(file.Name()) != nil}, nil
}

// Write appends p.
func (s *scratch) Write(p []byte) (int, error) {
	n, err := s.file.WriteAt(p, s.size)
	s.size += int64(n)
	if err != nil {
		return n, fmt.Errorf("write a temporary file to sort in: %w", err)
	}
	return n, nil
}

// section returns a reader of one run.
func (s *scratch) section(r run) io.Reader { return io.NewSectionReader(s.file, r.offset, r.size) }

func (s *scratch) close() error {
	err := s.file.Close()
	if s.named {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	return err
}
