package release

import "github.com/initkoa/orgo/records"

// Sealed returns the record with its hash.
func (r Record) Sealed() (Record, error) {
	var err error
	r.Hash = records.Digest{}
	r.Hash, err = records.CanonicalDigest(r)
	return r, err
}
