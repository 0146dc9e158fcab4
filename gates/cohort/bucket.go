package cohort

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"
)

// Buckets is how many places there are: one basis point of all nodes is expected
// in each.
const Buckets = 10_000

// domain keeps these hashes apart from any other of the same strings.
const domain = "orgo cohort 1\n"

// Assign returns the bucket of a node, from 0 to 9999:
//
//	first 8 bytes, big endian, of SHA-256(domain ‖ length of salt ‖ salt ‖ node), modulo 10000
//
// where domain is "orgo cohort 1" and a line feed, the length, in bytes, is 8 bytes
// big endian, and strings are UTF-8. The length keeps ("a", "bc") and ("ab", "c")
// apart. The modulo prefers a bucket by less than one in 10^15.
func Assign(salt, node string) uint32 {
	text := make([]byte, 0, len(domain)+8+len(salt)+len(node))
	text = append(text, domain...)
	text = binary.BigEndian.AppendUint64(text, uint64(len(salt)))
	text = append(append(text, salt...), node...)
	sum := sha256.Sum256(text)
	return uint32(binary.BigEndian.Uint64(sum[:8]) % Buckets)
}

// Share is a part of all nodes in basis points: 1 is 0.01 %, 10000 is all.
type Share uint32

// Has reports whether a node is in the share. A node that is in a share is in every
// larger one under the same salt.
func (s Share) Has(salt, node string) bool { return Assign(salt, node) < uint32(s) }

// ParseShare reads a percentage, such as "5%" or "0.25%". It is exact: a share that
// is no whole number of basis points, is none or is more than all is ErrShare.
func ParseShare(text string) (Share, error) {
	number, percent := strings.CutSuffix(text, "%")
	whole, part, pointed := strings.Cut(number, ".")
	if !percent || len(whole) == 0 || len(whole) > 3 || pointed && len(part) == 0 || len(part) > 2 || strings.Trim(whole+part, "0123456789") != "" {
		return 0, ErrShare.of(text)
	}
	points, err := strconv.ParseUint(whole+(part + "00")[:2], 10, 32)
	if err != nil || points == 0 || points > Buckets {
		return 0, ErrShare.of(text)
	}
	return Share(points), nil
}
