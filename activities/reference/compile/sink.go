package compile

import (
	"bufio"
	"context"

	"github.com/initkoa/orgo/activities/reference/stream"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

// sink writes one artifact. An error of writing is kept and comes out of commit,
// so that what is written can be read in the code as it stands in the file.
type sink struct {
	artifact *stream.Writer
	buffer   *bufio.Writer
}

const sinkBuffer = 128 << 10

func newSink(ctx context.Context, store runner.ArtifactStore, mediaType string) *sink {
	artifact := stream.Create(ctx, store, mediaType)
	return &sink{artifact: artifact, buffer: bufio.NewWriterSize(artifact, sinkBuffer)}
}

// put writes the parts, one after the other.
func (s *sink) put(parts ...string) {
	for _, part := range parts {
		s.buffer.WriteString(part) //nolint:errcheck // comes out of commit
	}
}

// bytes writes b.
func (s *sink) bytes(b []byte) {
	s.buffer.Write(b) //nolint:errcheck // comes out of commit
}

// commit ends the artifact and returns its reference.
func (s *sink) commit() (records.Ref, error) {
	flushed := s.buffer.Flush()
	if flushed != nil {
		s.artifact.Abort() // the store's own error comes next
	}
	ref, err := s.artifact.Commit()
	if err == nil {
		err = flushed
	}
	return ref, err
}

func (s *sink) abort() { s.artifact.Abort() }
