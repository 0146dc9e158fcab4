package activities

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"

	"github.com/initkoa/orgo/records"
)

// hashingReader digests and counts what is read through it.
type hashingReader struct {
	from io.Reader
	hash hash.Hash
	read int64
}

func newHashingReader(r io.Reader) *hashingReader {
	return &hashingReader{from: r, hash: sha256.New()}
}

// Read reads from the underlying reader and digests what it got.
func (h *hashingReader) Read(p []byte) (int, error) {
	n, err := h.from.Read(p)
	h.hash.Write(p[:n])
	h.read += int64(n)
	return n, err
}

func (h *hashingReader) digest() records.Digest {
	return records.Digest{Alg: records.SHA256, Value: hex.EncodeToString(h.hash.Sum(nil))}
}
