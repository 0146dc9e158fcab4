package target

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
)

// write copies r into a new file and syncs it.
func (d *Directory) write(name string, r io.Reader) error {
	if err := d.dir.MkdirAll(path.Dir(name), directoryMode); err != nil {
		return err
	}
	file, err := d.dir.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, r)
	return errors.Join(err, file.Sync(), file.Close())
}

// syncTree syncs every directory below and including name, so that no name in it
// is lost after a power cut.
func (d *Directory) syncTree(ctx context.Context, name string) error {
	return fs.WalkDir(d.dir.FS(), name, func(p string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() {
			return ended(ctx)
		}
		return d.sync(p)
	})
}

func (d *Directory) sync(name string) error {
	dir, err := d.dir.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// freshLink is where links are made, beside none of those that they replace: a
// killed publisher leaves no stranger among the cohorts.
const freshLink = "link.tmp"

// link makes name a link to to, in one step also where there is one already.
func (d *Directory) link(name, to string) error {
	if was, err := d.dir.Readlink(name); err == nil && was == to {
		return nil
	}
	if err := d.dir.RemoveAll(freshLink); err != nil {
		return err
	}
	if err := d.dir.Symlink(to, freshLink); err != nil {
		return err
	}
	// A rename replaces anything but a directory.
	if info, err := d.dir.Lstat(name); err == nil && info.IsDir() {
		if err := d.dir.RemoveAll(name); err != nil {
			return err
		}
	}
	if err := d.dir.Rename(freshLink, name); err != nil {
		return err
	}
	return d.sync(path.Dir(name))
}
