package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
)

// The reasons for which something is left out. They stand in snapshots, so they
// are part of this runner's version.
const (
	reasonHidden  = "hidden: the name begins with a dot"
	reasonCycle   = "link to a directory that contains it"
	reasonSpecial = "not a regular file: "
	reasonPattern = "matches the exclude pattern "
)

// walker finds the files of one input directory.
type walker struct {
	c    *collection
	root *os.Root
	base string // of the input, in the snapshot
	uri  string // of the input
}

// inSnapshot returns the path in the snapshot of a name below the root.
func (w *walker) inSnapshot(name string) string { return path.Join(w.base, name) }

// directory walks the directory of the given name. above has it and every
// directory it was reached through, which is how a cycle of links is seen.
func (w *walker) directory(ctx context.Context, name string, above []fs.FileInfo) error {
	entries, err := w.list(name)
	if err != nil {
		return entryFailure(w.inSnapshot(name), fileURI(w.uri, name), false, err)
	}
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("walk %s: %w", w.inSnapshot(name), err)
		}
		if err := w.entry(ctx, path.Join(name, entry.Name()), entry.Type(), above); err != nil {
			return err
		}
	}
	return nil
}

// list returns the entries of a directory, sorted by name so that the first
// failure is the same in every run.
func (w *walker) list(name string) ([]fs.DirEntry, error) {
	directory, err := w.root.Open(name)
	if err != nil {
		return nil, err
	}
	entries, err := directory.ReadDir(-1)
	if err := errors.Join(err, directory.Close()); err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

func (w *walker) entry(ctx context.Context, name string, mode fs.FileMode, above []fs.FileInfo) error {
	if err := w.c.count(w.inSnapshot(name)); err != nil {
		return err
	}
	if !utf8.ValidString(name) {
		return runner.Fail(gates.InputUnreadable, nil, "the name of %q in %s is not valid UTF-8; rename it", name, w.uri)
	}
	if strings.HasPrefix(path.Base(name), ".") {
		w.c.leaveOut(w.inSnapshot(name), reasonHidden)
		return nil
	}
	for _, pattern := range w.c.config.exclude {
		if pattern.Match(name) {
			w.c.leaveOut(w.inSnapshot(name), fmt.Sprintf("%s%q", reasonPattern, pattern))
			return nil
		}
	}

	link := mode.Type() == fs.ModeSymlink
	info, err := w.root.Stat(name)
	if err != nil {
		return entryFailure(w.inSnapshot(name), fileURI(w.uri, name), link, err)
	}
	switch {
	case info.Mode().IsRegular():
		w.c.find(w.inSnapshot(name), w.root, name, info.Size(), fileURI(w.uri, name))
		return nil
	case !info.IsDir():
		w.c.leaveOut(w.inSnapshot(name), reasonSpecial+kindOf(info.Mode()))
		return nil
	case slices.ContainsFunc(above, func(up fs.FileInfo) bool { return os.SameFile(up, info) }):
		w.c.leaveOut(w.inSnapshot(name), reasonCycle)
		return nil
	default:
		return w.directory(ctx, name, append(slices.Clip(above), info))
	}
}

// entryFailure names what is wrong with the file or directory that stands at
// path in the snapshot and comes from source.
func entryFailure(path, source string, link bool, err error) error {
	switch {
	case escapes(err):
		return inputFailure(gates.InputOutsideRoot, path, err, "%s (%s) leads outside of its input or is absolute; links must be relative and stay inside", path, source)
	case link && errors.Is(err, fs.ErrNotExist):
		return inputFailure(gates.InputUnreadable, path, err, "%s (%s) is a link to something that does not exist", path, source)
	case link && errors.Is(err, syscall.ELOOP):
		return inputFailure(gates.InputUnreadable, path, err, "%s (%s) is a link that leads to itself or through too many others", path, source)
	case errors.Is(err, fs.ErrNotExist):
		return inputFailure(gates.InputChanged, path, err, "%s (%s) vanished while its input was read", path, source)
	default:
		return inputFailure(gates.InputUnreadable, path, err, "%s (%s) cannot be read", path, source)
	}
}

// kindOf names the type of what is neither a regular file nor a directory.
func kindOf(mode fs.FileMode) string {
	for _, kind := range []struct {
		bit  fs.FileMode
		name string
	}{
		{fs.ModeNamedPipe, "named pipe"},
		{fs.ModeSocket, "socket"},
		{fs.ModeDevice, "device"},
	} {
		if mode&kind.bit != 0 {
			return kind.name
		}
	}
	return "special file"
}
