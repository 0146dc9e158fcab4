//go:build linux

package command

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"
)

const (
	// watchInterval is the least time between two looks at a program's outputs. A
	// disk takes some hundred megabytes in it, which bounds what is written in vain.
	watchInterval = 200 * time.Millisecond
	// watchShare is the part of the time that looking may take: one in so many.
	watchShare = 20
)

// watchDiskUse calls over once if the files below root get larger than limit, in
// bytes, and returns then or when ctx ends. It keeps a program from filling the
// disk; whether the limit was held is counted again when the program is done. A
// limit of the kernel (RLIMIT_FSIZE) would not do: children that were started
// before it is set do not have it, and it holds for each file alone.
func watchDiskUse(ctx context.Context, root *os.Root, limit int64, over func()) {
	timer := time.NewTimer(watchInterval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		begin := time.Now()
		// What cannot be read now is met again at the end.
		if used, _ := diskUse(root); used > limit {
			over()
			return
		}
		timer.Reset(max(watchInterval, watchShare*time.Since(begin)))
	}
}

// diskUse returns the sum of the sizes of all files below root, in bytes, of those
// that can be read together with an error for the first that cannot.
func diskUse(root *os.Root) (int64, error) {
	var total int64
	var unread error
	err := fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil && entry.Type().IsRegular() {
			info, err = entry.Info()
		}
		switch {
		case errors.Is(err, fs.ErrNotExist) && name != ".":
			// A program that still runs may delete what it likes.
		case err != nil && unread == nil:
			unread = err
		case info != nil:
			total += info.Size()
		}
		return nil
	})
	return total, errors.Join(unread, err)
}
