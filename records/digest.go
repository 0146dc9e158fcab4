package records

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// SHA256 is the only digest algorithm Orgo reads or writes.
const SHA256 = "sha256"

// Digest is the identity of content: the algorithm and the lower-case hex of
// its hash. The zero Digest identifies nothing and is never valid.
type Digest struct {
	Alg   string `json:"alg"`
	Value string `json:"value"`
}

// DigestOf returns the SHA-256 digest (FIPS 180-4) of data.
func DigestOf(data []byte) Digest {
	sum := sha256.Sum256(data)
	return Digest{Alg: SHA256, Value: hex.EncodeToString(sum[:])}
}

// ParseDigest reads "sha256:<64 lower hex>", the form Digest.String writes.
func ParseDigest(s string) (Digest, error) {
	alg, value, found := strings.Cut(s, ":")
	d := Digest{Alg: alg, Value: value}
	if !found || !d.Valid() {
		return Digest{}, fmt.Errorf("digest %q is not sha256:<64 lower hex>", s)
	}
	return d, nil
}

// Valid reports whether d names the one known algorithm and has 64 lower-case
// hex digits.
func (d Digest) Valid() bool {
	if d.Alg != SHA256 || len(d.Value) != hex.EncodedLen(sha256.Size) {
		return false
	}
	return strings.Trim(d.Value, "0123456789abcdef") == ""
}

// IsZero reports whether d identifies nothing.
func (d Digest) IsZero() bool { return d == Digest{} }

// String returns "sha256:<hex>".
func (d Digest) String() string { return d.Alg + ":" + d.Value }

// Ref points at content in the artifact store. The digest is its identity; the
// URI says where it may be fetched and is never compared. Size is in bytes.
type Ref struct {
	Digest
	URI       string `json:"uri,omitempty"`
	MediaType string `json:"media_type,omitempty"`
	Size      int64  `json:"size"`
}

// Same reports whether r and other name the same content.
func (r Ref) Same(other Ref) bool { return r.Digest == other.Digest }

// Artifact is one named output or input of a stage. Path is set for the files
// of a multi-file output (slash-separated, relative) and empty otherwise.
type Artifact struct {
	Name string `json:"name"`
	Path string `json:"path,omitempty"`
	Ref  Ref    `json:"ref"`
}
