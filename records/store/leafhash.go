package store

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/initkoa/orgo/records/ledger"
)

// newSalt returns what the payload of a new entry is hashed with, in hex. It is
// the one thing in the store that is random: nobody can guess a payload from its
// leaf, not even one that was erased.
func newSalt() (string, error) {
	var salt [ledger.SaltSize]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return "", fmt.Errorf("make a salt: %w", err)
	}
	return hex.EncodeToString(salt[:]), nil
}

// leaf returns what the ledger holds of a numbered entry.
func (r entryRow) leaf() (ledger.Leaf, error) {
	stored, err := r.stored()
	if err != nil {
		return ledger.Leaf{}, err
	}
	if r.Erased != "" {
		return ledger.ErasedLeaf(stored.Entry, r.Sequence, r.Erased), nil
	}
	salt, err := r.salt()
	if err != nil {
		return ledger.Leaf{}, err
	}
	return ledger.NewLeaf(stored.Entry, r.Sequence, salt)
}

func (r entryRow) salt() (salt [ledger.SaltSize]byte, err error) {
	if r.Salt == "" {
		return salt, nil // older than the ledger
	}
	decoded, err := hex.DecodeString(r.Salt)
	if err != nil || len(decoded) != ledger.SaltSize {
		return salt, fmt.Errorf("stored entry %s: its salt is not %d bytes of hex", r.EntryID, ledger.SaltSize)
	}
	return [ledger.SaltSize]byte(decoded), nil
}

func (r entryRow) leafHash() (tlog.Hash, error) {
	leaf, err := r.leaf()
	if err != nil {
		return tlog.Hash{}, err
	}
	return leaf.Hash()
}
