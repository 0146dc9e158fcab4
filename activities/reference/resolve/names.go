package resolve

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/initkoa/orgo/activities/reference/identity"
)

// The most names that are kept, and the most bytes of labels. They bound the
// memory at about 250 MB, which a million items with two names each stay below.
const (
	maxNames      = 3_000_000
	maxLabelBytes = 96 << 20
)

// errTooManyNames says that index and corpus together go beyond those bounds.
var errTooManyNames = errors.New("too many names")

// names finds the items (or the properties) that a surface form may mean. It
// holds a name in 40 bytes and none of its text, so that a corpus of a million
// items needs no map of strings. Fill it with add, call seal once, then use
// match.
type names struct {
	letter  byte // 'Q' or 'P'
	entries []name
	labels  []byte // the labels to show: length as a uvarint, then the bytes
}

// name says that an item is called something. Hashes cut SHA-256: folded is of
// the name as it is compared when case does not count, exact of the name as it
// is compared when it does. Equal hashes count as equal names.
type name struct {
	folded [2]uint64
	exact  uint64
	number uint64 // of the item, and the flags in the two lowest bits
	label  uint32 // place in names.labels
}

// The flags of a name.
const (
	isAlias    = 1 << 0
	fromCorpus = 1 << 1
	flagBits   = 2
)

// noLabel is the label of a name that is itself all the label there is.
const noLabel = ^uint32(0)

// add says that the item of the given number has a name. label is what to show
// for the item: a place that put returned, or noLabel.
func (n *names) add(surface string, number uint64, flags uint64, label uint32) error {
	if len(n.entries) == maxNames {
		n.seal() // the same may have been said many times
		if len(n.entries) > maxNames/2 {
			return fmt.Errorf("%w: more than %d", errTooManyNames, maxNames/2)
		}
	}
	n.entries = append(n.entries, name{
		folded: foldedHash(surface), exact: exactHash(surface), number: number<<flagBits | flags, label: label,
	})
	return nil
}

// put keeps a label and returns its place.
func (n *names) put(label string) (uint32, error) {
	if len(n.labels)+len(label) > maxLabelBytes {
		return 0, fmt.Errorf("%w: labels of more than %d bytes", errTooManyNames, maxLabelBytes)
	}
	place := len(n.labels)
	n.labels = binary.AppendUvarint(n.labels, uint64(len(label)))
	n.labels = append(n.labels, label...)
	return uint32(place), nil
}

// labelAt returns the label at a place, which may be noLabel.
func (n *names) labelAt(place uint32) string {
	if place == noLabel {
		return ""
	}
	size, width := binary.Uvarint(n.labels[place:])
	start := uint64(place) + uint64(width)
	return string(n.labels[start : start+size])
}

// seal puts the names in order and drops those said twice: of the labels that
// one name came with, the first is kept.
func (n *names) seal() {
	slices.SortFunc(n.entries, func(a, b name) int {
		return cmp.Or(
			cmp.Compare(a.folded[0], b.folded[0]),
			cmp.Compare(a.folded[1], b.folded[1]),
			cmp.Compare(a.number, b.number),
			cmp.Compare(a.exact, b.exact),
			cmp.Compare(a.label, b.label),
		)
	})
	n.entries = slices.CompactFunc(n.entries, func(a, b name) bool {
		return a.folded == b.folded && a.number == b.number && a.exact == b.exact
	})
}

// called returns the entries that have the folded name of surface.
func (n *names) called(surface string) []name {
	hash := foldedHash(surface)
	first := sort.Search(len(n.entries), func(i int) bool {
		other := n.entries[i].folded
		return other[0] > hash[0] || other[0] == hash[0] && other[1] >= hash[1]
	})
	last := first
	for last < len(n.entries) && n.entries[last].folded == hash {
		last++
	}
	return n.entries[first:last]
}

func foldedHash(surface string) [2]uint64 {
	sum := sha256.Sum256([]byte(identity.Fold(surface)))
	return [2]uint64{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])}
}

func exactHash(surface string) uint64 {
	sum := sha256.Sum256([]byte(identity.Label(surface)))
	return binary.BigEndian.Uint64(sum[:8])
}
