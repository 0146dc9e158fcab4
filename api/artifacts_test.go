package api_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func TestArtifacts(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	for name, content := range map[string][]byte{
		"empty":         {},
		"small":         []byte("a,b\n1,2\n"),
		"a whole head":  bytes.Repeat([]byte("x"), 1<<20),
		"more than one": bytes.Repeat([]byte("orgo"), 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ref, err := c.PutArtifact(t.Context(), "text/csv", bytes.NewReader(content))
			require.NoError(t, err)
			require.Equal(t, records.Ref{Digest: records.DigestOf(content), MediaType: "text/csv", Size: int64(len(content))}, ref)

			reader, err := c.OpenArtifact(t.Context(), ref.Digest)
			require.NoError(t, err)
			defer reader.Close()
			got, err := io.ReadAll(reader)
			require.NoError(t, err)
			require.True(t, bytes.Equal(content, got))
		})
	}
}

// A byte is changed on disk: no reader may take the content for what it was.
func TestChangedArtifactsAreNotServed(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	for name, size := range map[string]int{"small": 10, "large": 5 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := bytes.Repeat([]byte(name[:1]), size)
			ref, err := c.PutArtifact(t.Context(), "text/plain", bytes.NewReader(content))
			require.NoError(t, err)
			content[size-1] ^= 1
			path := filepath.Join(s.Directory, ref.Alg, ref.Value[:2], ref.Value)
			require.NoError(t, os.WriteFile(path, content, 0o600))

			reader, err := c.OpenArtifact(t.Context(), ref.Digest)
			if size < 1<<20 {
				// It is read before the answer begins, and so refused by name.
				refusedWith(t, err, gates.DigestMismatch)
				return
			}
			require.NoError(t, err)
			defer reader.Close()
			_, err = io.Copy(io.Discard, reader)
			require.True(t, errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, client.ErrDigestMismatch), "got %v", err)
		})
	}
}
