package ledger

import (
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// A log is stored as one row a leaf: all hashes that the tree gains with it, one
// after the other. These are the leaf's own hash (level 0), and for each way in
// which the leaf completes a subtree the hash of that, upwards. So the stored hash
// (level, n) of package tlog is the level-th one in the row of leaf
// (n+1)<<level - 1.

// hashesOf returns how many hashes the row of a leaf holds.
func hashesOf(leaf int64) int { return bits.TrailingZeros64(uint64(leaf+1)) + 1 }

// Rows reads stored rows.
type Rows interface {
	// Hashes returns the rows of the given leaves; it leaves out those that are
	// not there.
	Hashes(leaves []int64) (map[int64][]byte, error)
}

// BadRow says that the row of a leaf is not there or is no row.
type BadRow struct {
	Leaf int64
	What string
}

// Error names the leaf.
func (e *BadRow) Error() string { return fmt.Sprintf("leaf %d: %s", e.Leaf, e.What) }

// HashReader reads the hashes of a log for proofs.
type HashReader struct{ rows Rows }

// NewHashReader returns a reader over rows.
func NewHashReader(rows Rows) *HashReader { return &HashReader{rows: rows} }

var _ tlog.HashReader = (*HashReader)(nil)

// ReadHashes implements tlog.HashReader. It returns a *BadRow for a row that is
// missing or too short.
func (r *HashReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	leaves := make([]int64, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		leaves[i] = (n+1)<<level - 1
	}
	rows, err := r.rows.Hashes(leaves)
	if err != nil {
		return nil, err
	}
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, _ := tlog.SplitStoredHashIndex(index)
		row, found := rows[leaves[i]]
		if !found {
			return nil, &BadRow{Leaf: leaves[i], What: "its row is missing"}
		}
		if len(row) != hashesOf(leaves[i])*tlog.HashSize {
			return nil, &BadRow{Leaf: leaves[i], What: fmt.Sprintf("its row has %d bytes", len(row))}
		}
		copy(hashes[i][:], row[level*tlog.HashSize:])
	}
	return hashes, nil
}

// Tree is the growing end of a log: its size, and the roots of the full subtrees
// that make it up, largest first. It needs nothing else to grow, so memory is
// logarithmic and nothing is read while it does.
type Tree struct {
	size int64
	edge []tlog.Hash
}

// OpenTree returns the tree of the first size leaves of a log.
func OpenTree(size int64, hashes tlog.HashReader) (*Tree, error) {
	tree := &Tree{size: size}
	var indexes []int64
	start := int64(0)
	for level := 62; level >= 0; level-- {
		if size&(1<<level) == 0 {
			continue
		}
		indexes = append(indexes, tlog.StoredHashIndex(level, start>>level))
		start += 1 << level
	}
	if len(indexes) == 0 {
		return tree, nil
	}
	var err error
	if tree.edge, err = hashes.ReadHashes(indexes); err != nil {
		return nil, fmt.Errorf("read the edge of a tree of %d leaves: %w", size, err)
	}
	return tree, nil
}

// Size returns the number of leaves.
func (t *Tree) Size() int64 { return t.size }

// Append adds a leaf, given by its hash, and returns the row to be stored for it.
func (t *Tree) Append(leaf tlog.Hash) []byte {
	count := hashesOf(t.size)
	row := make([]byte, 0, count*tlog.HashSize)
	row = append(row, leaf[:]...)
	hash := leaf
	for range count - 1 {
		last := len(t.edge) - 1
		hash = tlog.NodeHash(t.edge[last], hash)
		t.edge = t.edge[:last]
		row = append(row, hash[:]...)
	}
	t.edge = append(t.edge, hash)
	t.size++
	return row
}

// Root returns the root hash. That of the empty tree is SHA-256 of nothing.
func (t *Tree) Root() tlog.Hash {
	if len(t.edge) == 0 {
		return emptyRoot
	}
	root := t.edge[len(t.edge)-1]
	for i := len(t.edge) - 2; i >= 0; i-- {
		root = tlog.NodeHash(t.edge[i], root)
	}
	return root
}
