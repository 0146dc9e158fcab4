package ingest

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// location is an input as it was asked for: an absolute path and the base name
// under which its files stand in the snapshot. It is empty for a snapshot.
type location struct {
	path string
	base string
}

// nameInputs checks every input and returns their locations. Two inputs of the
// same base name are refused: any way to tell them apart would depend on where
// they lie.
func nameInputs(sources []records.Input) ([]location, error) {
	if len(sources) == 0 {
		return nil, runner.Fail(gates.InputEmpty, nil, "the build names no input")
	}
	locations := make([]location, len(sources))
	seen := make(map[string]int, len(sources))
	for i, input := range sources {
		switch {
		case input.URI == "" && input.Snapshot == nil:
			return nil, runner.Fail(gates.ProvenanceIncomplete, nil, "input %d names no source", i+1)
		case input.URI != "" && input.Snapshot != nil:
			return nil, runner.Fail(gates.RequestInvalid, nil, "input %d names both a uri and a snapshot; name one", i+1)
		case input.Snapshot != nil:
			continue
		}
		var err error
		if locations[i], err = parseURI(input.URI); err != nil {
			return nil, runner.Fail(gates.RequestInvalid, err, "input %d: uri %q", i+1, input.URI)
		}
		base := locations[i].base
		if first, taken := seen[base]; taken {
			return nil, runner.Fail(gates.RequestInvalid, nil,
				"inputs %d and %d are both named %q; rename one, or name the directory above them as the input", first, i+1, base)
		}
		seen[base] = i + 1
	}
	return locations, nil
}

// parseURI reads a file URI (RFC 8089) without host, query or fragment.
func parseURI(uri string) (location, error) {
	parsed, err := url.Parse(uri)
	if err != nil {
		return location{}, err
	}
	switch {
	case parsed.Scheme != "file" || parsed.Opaque != "":
		return location{}, errors.New("only file:/// uris can be read; name a path on the worker's disk")
	case parsed.Host != "" && parsed.Host != "localhost":
		return location{}, errors.New("it names another host; write file:/// and an absolute path")
	case parsed.RawQuery != "" || parsed.Fragment != "":
		return location{}, errors.New("it has a query or fragment; escape ? and # in paths")
	case !filepath.IsAbs(parsed.Path) || strings.ContainsRune(parsed.Path, 0):
		return location{}, errors.New("it has no absolute path")
	}
	path := filepath.Clean(parsed.Path)
	base := filepath.Base(path)
	if base == string(filepath.Separator) {
		return location{}, errors.New("the root of the file system has no name; name a directory below it")
	}
	return location{path: path, base: base}, nil
}

// place is an opened input. Everything is read through root, which the kernel
// keeps from leaving its directory, whatever links are planted or swapped.
type place struct {
	root *os.Root
	name string // of the input below root; "." for a directory
	info fs.FileInfo
}

// open opens the input at l. The caller closes the root.
func (l location) open(allowedRoots []string) (place, error) {
	parent, name, err := l.parent(allowedRoots)
	if err != nil {
		return place{}, err
	}
	info, err := parent.Stat(name)
	if err != nil {
		return place{}, errors.Join(l.failure(err), parent.Close())
	}
	if !info.IsDir() {
		return place{root: parent, name: name, info: info}, nil
	}
	root, err := parent.OpenRoot(name)
	if err := errors.Join(err, parent.Close()); err != nil {
		return place{}, l.failure(err)
	}
	return place{root: root, name: ".", info: info}, nil
}

// parent returns a directory from which the input is reached, and its name
// there. With allowed roots that is the first of them that holds the input, so
// that no link on the way can lead out of it. Without, the input may be a link
// to anywhere: whoever named it meant its target.
func (l location) parent(allowedRoots []string) (*os.Root, string, error) {
	if allowedRoots == nil {
		real, err := filepath.EvalSymlinks(l.path)
		if err != nil {
			return nil, "", l.failure(err)
		}
		root, err := os.OpenRoot(filepath.Dir(real))
		if err != nil {
			return nil, "", l.failure(err)
		}
		return root, filepath.Base(real), nil
	}
	for _, allowed := range allowedRoots {
		relative, err := filepath.Rel(allowed, l.path)
		if err != nil || !filepath.IsLocal(relative) {
			continue
		}
		root, err := os.OpenRoot(allowed)
		if err != nil {
			return nil, "", l.failure(err)
		}
		return root, relative, nil
	}
	return nil, "", runner.Fail(gates.InputOutsideRoot, nil, "input %s is outside the directories that this worker may read", l.path)
}

func (l location) failure(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return runner.Fail(gates.InputNotFound, err, "input %s does not exist", l.path)
	}
	if escapes(err) {
		return runner.Fail(gates.InputOutsideRoot, err, "input %s is a link that leads outside the directories that this worker may read", l.path)
	}
	return runner.Fail(gates.InputUnreadable, err, "input %s cannot be opened", l.path)
}

// escapes reports whether err is the refusal of an os.Root to leave its
// directory. The standard library does not export it, but of all that an
// os.Root returns it alone is not an error of the operating system.
func escapes(err error) bool {
	var path *fs.PathError
	var system syscall.Errno
	return errors.As(err, &path) && !errors.As(err, &system) && !errors.Is(err, fs.ErrClosed)
}
