// Package artifacts is the content-addressed store: content goes in, its digest
// comes out, and nothing is ever read back under a digest that it does not have.
//
// It stands on gocloud.dev/blob. Directories and memory are linked in; whoever
// wants another service imports its gocloud driver beside this package.
package artifacts

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/memblob" // mem://, for tests and trials

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

// Store keeps content under its digest. It is safe for concurrent use, also by
// several processes on one directory.
type Store struct {
	bucket *blob.Bucket
	// spoolDir is where content too large for memory waits while it is hashed;
	// empty means the system's place for temporary files.
	spoolDir string
	// local says that objects are files of this machine, to be synced to disk.
	local bool
}

var _ runner.ArtifactStore = (*Store)(nil)

// Open opens the store at a URL: "file:///absolute/directory", made if it is
// not there, or "mem://", or any other that a linked gocloud driver knows. The
// caller closes it.
//
// A directory holds its objects as "sha256/ab/<64 hex>". Beside them are "spool",
// in which no file ever has a name for long, and what a killed process left half
// written: names that end in ".tmp", which no digest can mean and which may be
// deleted while no worker runs.
func Open(ctx context.Context, storeURL string) (*Store, error) {
	u, err := url.Parse(storeURL)
	if err != nil {
		return nil, fmt.Errorf("artifact store: not a url: %w", err)
	}
	if u.Scheme == fileblob.Scheme {
		return openDirectory(u)
	}
	if mux := blob.DefaultURLMux(); !mux.ValidBucketScheme(u.Scheme) {
		linked := mux.BucketSchemes()
		slices.Sort(linked)
		return nil, fmt.Errorf("artifact store %s: no driver for scheme %q is linked into this program; linked are %s",
			u.Redacted(), u.Scheme, strings.Join(linked, ", "))
	}
	bucket, err := blob.OpenBucket(ctx, storeURL)
	if err != nil {
		return nil, fmt.Errorf("artifact store %s: %w", u.Redacted(), err)
	}
	return &Store{bucket: bucket}, nil
}

// openDirectory opens a store of local files. Objects are written beside their
// final names, so that the rename that publishes them never crosses file systems.
func openDirectory(u *url.URL) (*Store, error) {
	dir := filepath.FromSlash(u.Path)
	if (u.Host != "" && u.Host != "localhost") || !filepath.IsAbs(dir) || u.RawQuery != "" {
		return nil, fmt.Errorf("artifact store %s: want file:///absolute/directory, without host or options", u.Redacted())
	}
	spool := filepath.Join(dir, "spool")
	if err := os.MkdirAll(spool, directoryMode); err != nil {
		return nil, fmt.Errorf("artifact store %s: %w", u.Redacted(), err)
	}
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{
		DirFileMode: directoryMode,
		NoTempDir:   true,
		Metadata:    fileblob.MetadataDontWrite,
	})
	if err != nil {
		return nil, fmt.Errorf("artifact store %s: %w", u.Redacted(), err)
	}
	return &Store{bucket: bucket, spoolDir: spool, local: true}, nil
}

// Artifacts may be confidential: others than owner and group see nothing.
const directoryMode = 0o750

// Close releases the store. Readers must be closed before.
func (s *Store) Close() error { return s.bucket.Close() }

// key returns the name of an object. Two digits spread the objects over 256
// directories.
func key(d records.Digest) string {
	return d.Alg + "/" + d.Value[:2] + "/" + d.Value
}
