//go:build linux

package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// scratchPattern names the directories of workers; the star is for chance.
const scratchPattern = "orgo-command-*"

// scratchHome is the directory in which one worker makes its scratch directories.
// The worker holds a lock on it (flock(2)), which ends with the process: what is
// not locked belongs to nobody.
type scratchHome struct {
	path string
	lock *os.File
}

// openScratchHome makes a home in dir and removes those of workers that are gone.
func openScratchHome(dir string) (*scratchHome, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	if err := removeAbandoned(dir); err != nil {
		return nil, err
	}
	for {
		name, err := os.MkdirTemp(dir, scratchPattern)
		if err != nil {
			return nil, err
		}
		lock, err := lockDir(name)
		switch {
		case err == nil:
			return &scratchHome{path: name, lock: lock}, nil
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.EWOULDBLOCK):
			// A worker that started at this moment took it for abandoned.
			continue
		default:
			return nil, err
		}
	}
}

// attempt makes the directory of one attempt.
func (h *scratchHome) attempt() (scratch, error) {
	name, err := os.MkdirTemp(h.path, "attempt-*")
	return scratch{path: name}, err
}

func (h *scratchHome) close() error {
	return errors.Join(scratch{path: h.path}.remove(), h.lock.Close())
}

func removeAbandoned(dir string) error {
	homes, err := filepath.Glob(filepath.Join(dir, scratchPattern))
	if err != nil {
		return err
	}
	for _, home := range homes {
		lock, err := lockDir(home)
		if err != nil {
			continue // in use, gone, or somebody else's
		}
		err = scratch{path: home}.remove()
		if err := errors.Join(err, lock.Close()); err != nil {
			return fmt.Errorf("remove what a killed worker left: %w", err)
		}
	}
	return nil
}

// lockDir locks a directory without waiting, and makes sure that it is still
// there once the lock is held.
func lockDir(name string) (*os.File, error) {
	dir, err := os.OpenFile(name, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	if _, err := os.Stat(name); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir, nil
}
