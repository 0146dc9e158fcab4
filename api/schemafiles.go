package api

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// schemaFiles is a directory of files in memory, by name: the schemas of a
// request, in the form in which contract sets are loaded.
type schemaFiles map[string][]byte

var _ fs.ReadDirFS = schemaFiles(nil)

// Open opens a file, or the directory under ".".
func (f schemaFiles) Open(name string) (fs.File, error) {
	if name == "." {
		return &openDirectory{memoryInfo: memoryInfo{name: ".", mode: fs.ModeDir}}, nil
	}
	data, found := f[name]
	if !found {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &openFile{Reader: bytes.NewReader(data), info: memoryInfo{name: name, size: int64(len(data))}}, nil
}

// ReadDir lists the files, sorted by name.
func (f schemaFiles) ReadDir(name string) ([]fs.DirEntry, error) {
	if name != "." {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	entries := make([]fs.DirEntry, 0, len(f))
	for _, name := range slices.Sorted(maps.Keys(f)) {
		entries = append(entries, fs.FileInfoToDirEntry(memoryInfo{name: name, size: int64(len(f[name]))}))
	}
	return entries, nil
}

type openFile struct {
	*bytes.Reader
	info memoryInfo
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openDirectory struct{ memoryInfo }

func (d *openDirectory) Stat() (fs.FileInfo, error) { return d.memoryInfo, nil }
func (d *openDirectory) Read([]byte) (int, error)   { return 0, io.EOF }
func (d *openDirectory) Close() error               { return nil }

// memoryInfo describes a file in memory.
type memoryInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (i memoryInfo) Name() string       { return i.name }
func (i memoryInfo) Size() int64        { return i.size }
func (i memoryInfo) Mode() fs.FileMode  { return i.mode }
func (i memoryInfo) ModTime() time.Time { return time.Time{} }
func (i memoryInfo) IsDir() bool        { return i.mode.IsDir() }
func (i memoryInfo) Sys() any           { return nil }
