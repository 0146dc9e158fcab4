package ledger

import (
	"bytes"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Mismatch says that the row of a leaf is not what its entry says.
type Mismatch struct {
	Leaf int64
	What string
}

// Error says what is wrong. Whoever reports it knows the leaf.
func (e *Mismatch) Error() string { return e.What }

// Verifier checks the rows of a log, from its first leaf on, in constant memory.
type Verifier struct{ tree Tree }

// NewVerifier returns a verifier of an empty log.
func NewVerifier() *Verifier { return &Verifier{} }

// Size returns the number of leaves behind.
func (v *Verifier) Size() int64 { return v.tree.Size() }

// Root returns the root over the leaves behind.
func (v *Verifier) Root() tlog.Hash { return v.tree.Root() }

// Add checks the next leaf: hash is that of its entry, row is what is stored for
// it. After a *Mismatch nothing was added.
func (v *Verifier) Add(leaf int64, hash tlog.Hash, row []byte) error {
	if leaf != v.tree.Size() {
		return &Mismatch{Leaf: leaf, What: fmt.Sprintf("it comes where leaf %d belongs", v.tree.Size())}
	}
	if len(row) < tlog.HashSize || !bytes.Equal(row[:tlog.HashSize], hash[:]) {
		return &Mismatch{Leaf: leaf, What: "its hash is not that of its entry: the entry or the leaf was changed"}
	}
	before := Tree{size: v.tree.size, edge: append([]tlog.Hash(nil), v.tree.edge...)}
	want := v.tree.Append(hash)
	if bytes.Equal(want, row) {
		return nil
	}
	v.tree = before
	if len(row) != len(want) {
		return &Mismatch{Leaf: leaf, What: fmt.Sprintf("its row has %d bytes, not %d", len(row), len(want))}
	}
	level := 1 // the smallest subtree that is wrong; its leaf is right
	for bytes.Equal(want[level*tlog.HashSize:(level+1)*tlog.HashSize], row[level*tlog.HashSize:(level+1)*tlog.HashSize]) {
		level++
	}
	return &Mismatch{Leaf: leaf, What: fmt.Sprintf(
		"its row holds another hash than the leaves %d to %d give: one of their rows was changed or exchanged", leaf+1-1<<level, leaf)}
}

// AddStored adds the next leaf as it is stored, right or wrong, so that what
// follows a wrong one can be checked. It fails for a row that holds no hash.
func (v *Verifier) AddStored(leaf int64, row []byte) error {
	if leaf != v.tree.Size() || len(row) < tlog.HashSize {
		return &Mismatch{Leaf: leaf, What: "its row holds no hash"}
	}
	v.tree.Append(tlog.Hash(row[:tlog.HashSize]))
	return nil
}
