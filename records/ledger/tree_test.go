package ledger_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/initkoa/orgo/records/ledger"
)

// table is a log in memory.
type table map[int64][]byte

func (rows table) Hashes(leaves []int64) (map[int64][]byte, error) {
	found := map[int64][]byte{}
	for _, leaf := range leaves {
		if row, there := rows[leaf]; there {
			found[leaf] = row
		}
	}
	return found, nil
}

// record returns the content of a leaf.
func record(n int64) []byte { return fmt.Appendf(nil, "record %d", n) }

// grow returns a log of size leaves.
func grow(size int64) (*ledger.Tree, table) {
	tree, rows := &ledger.Tree{}, table{}
	for n := range size {
		rows[n] = tree.Append(tlog.RecordHash(record(n)))
	}
	return tree, rows
}

// naiveRoot is RFC 6962 section 2.1, word for word.
func naiveRoot(from, to int64) tlog.Hash {
	switch to - from {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, record(from)...))
	}
	k := int64(1)
	for 2*k < to-from {
		k *= 2
	}
	left, right := naiveRoot(from, from+k), naiveRoot(from+k, to)
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

const sizes = 130

func TestRootsAreThoseOfTheRFC(t *testing.T) {
	t.Parallel()
	for size := range int64(sizes) {
		tree, _ := grow(size)
		require.Equal(t, size, tree.Size())
		require.Equal(t, naiveRoot(0, size), tree.Root(), "size %d", size)
	}
}

func TestEveryProofHoldsAndNoChangedOneDoes(t *testing.T) {
	t.Parallel()
	_, rows := grow(sizes)
	reader := ledger.NewHashReader(rows)
	for size := int64(1); size <= sizes; size++ {
		root := naiveRoot(0, size)
		for leaf := range size {
			proof, err := tlog.ProveRecord(size, leaf, reader)
			require.NoError(t, err)
			hash := tlog.RecordHash(record(leaf))
			require.NoError(t, tlog.CheckRecord(proof, size, root, leaf, hash))
			hash[leaf%32] ^= 1
			require.Error(t, tlog.CheckRecord(proof, size, root, leaf, hash))
		}
		for old := int64(1); old <= size; old++ {
			proof, err := tlog.ProveTree(size, old, reader)
			require.NoError(t, err)
			require.NoError(t, tlog.CheckTree(proof, size, root, old, naiveRoot(0, old)))
			require.Error(t, tlog.CheckTree(proof, size, root, old, naiveRoot(1, old+1)))
		}
	}
}

func TestATreeGoesOnWhereItWasLeft(t *testing.T) {
	t.Parallel()
	_, whole := grow(sizes)
	for size := range int64(sizes) {
		tree, err := ledger.OpenTree(size, ledger.NewHashReader(whole))
		require.NoError(t, err)
		require.Equal(t, naiveRoot(0, size), tree.Root())
		for n := size; n < sizes; n++ {
			require.Equal(t, whole[n], tree.Append(tlog.RecordHash(record(n))))
		}
	}
}

func TestMissingAndShortRowsAreNamed(t *testing.T) {
	t.Parallel()
	for name, row := range map[string][]byte{"missing": nil, "short": make([]byte, 32), "long": make([]byte, 96)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, rows := grow(8)
			if rows[5] = row; row == nil {
				delete(rows, 5)
			}
			_, err := tlog.ProveRecord(8, 6, ledger.NewHashReader(rows))
			var bad *ledger.BadRow
			require.ErrorAs(t, err, &bad)
			require.EqualValues(t, 5, bad.Leaf)
		})
	}
}

func TestTheVerifierSeesEveryFlippedBit(t *testing.T) {
	t.Parallel()
	tree, rows := grow(sizes)
	verify := func(rows table) (*ledger.Verifier, error) {
		v := ledger.NewVerifier()
		for n := range int64(len(rows)) {
			if err := v.Add(n, tlog.RecordHash(record(n)), rows[n]); err != nil {
				return v, err
			}
		}
		return v, nil
	}
	v, err := verify(rows)
	require.NoError(t, err)
	require.Equal(t, tree.Root(), v.Root())
	for leaf, row := range rows {
		bit := rand.IntN(8 * len(row))
		row[bit/8] ^= 1 << (bit % 8)
		_, err := verify(rows)
		var mismatch *ledger.Mismatch
		require.ErrorAs(t, err, &mismatch)
		require.Equal(t, leaf, mismatch.Leaf)
		row[bit/8] ^= 1 << (bit % 8)
	}
}

func BenchmarkAppend(b *testing.B) {
	tree := &ledger.Tree{}
	hash := tlog.RecordHash(record(1))
	for b.Loop() {
		tree.Append(hash)
	}
}

// BenchmarkInclusion proves and checks one leaf of a log of a million.
func BenchmarkInclusion(b *testing.B) {
	const size = 1_000_000
	tree, rows := grow(size)
	reader, root := ledger.NewHashReader(rows), tree.Root()
	for i := int64(0); b.Loop(); i++ {
		leaf := i * 7919 % size
		proof, err := tlog.ProveRecord(size, leaf, reader)
		if err != nil {
			b.Fatal(err)
		}
		if err := tlog.CheckRecord(proof, size, root, leaf, tlog.RecordHash(record(leaf))); err != nil {
			b.Fatal(err)
		}
	}
}
