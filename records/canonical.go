package records

import "github.com/initkoa/orgo/schemas"

// Canonical returns v as canonical JSON (RFC 8785).
func Canonical(v any) ([]byte, error) { return schemas.Canonical(v) }

// CanonicalDigest returns the digest of v's canonical JSON.
func CanonicalDigest(v any) (Digest, error) {
	canonical, err := schemas.Canonical(v)
	if err != nil {
		return Digest{}, err
	}
	return DigestOf(canonical), nil
}
