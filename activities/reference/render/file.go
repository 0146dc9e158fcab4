package render

import (
	"bufio"
	"context"

	"github.com/initkoa/orgo/activities/reference/stream"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

// file writes one artifact. An error of writing is kept by the buffer and comes out of
// commit.
type file struct {
	artifact *stream.Writer
	buffer   *bufio.Writer
}

const fileBuffer = 128 << 10

func create(ctx context.Context, store runner.ArtifactStore, mediaType string) *file {
	artifact := stream.Create(ctx, store, mediaType)
	return &file{artifact: artifact, buffer: bufio.NewWriterSize(artifact, fileBuffer)}
}

// commit ends the artifact and returns its reference.
func (f *file) commit() (records.Ref, error) {
	flushed := f.buffer.Flush()
	if flushed != nil {
		f.artifact.Abort() // the store's own error comes next
	}
	ref, err := f.artifact.Commit()
	if err == nil {
		err = flushed
	}
	return ref, err
}
