package resolve

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/initkoa/orgo/activities/reference/identity"
)

// The most names that are kept, and the most bytes of their text. They bound the
// memory at about 250 MB, which a million items with two names each stay below.
const (
	maxNames     = 3_000_000
	maxNameBytes = 96 << 20
)

// errTooManyNames says that index and corpus together go beyond those bounds.
var errTooManyNames = errors.New("too many names")

// names finds the items (or the properties) that a surface form may mean. It
// holds a name in 32 bytes and its text, so that a corpus of a million items
// needs no map of strings. Fill it with add, call seal once, then use matches.
type names struct {
	letter  byte // 'Q' or 'P'
	entries []name
	text    []byte // every text once: its length as a uvarint, then its bytes
}

// name says that an item is called something. The hash is of the folded text
// and cuts SHA-256 to 128 bits; equal hashes count as equal folded texts.
type name struct {
	hash   [2]uint64
	number uint64 // of the item, and the flags in the two lowest bits
	text   uint32 // where the name is in names.text
	label  uint32 // where the label to show is
}

// The flags of a name.
const (
	isAlias    = 1 << 0
	fromCorpus = 1 << 1
	flagBits   = 2
)

// add says that the item of the given number has a name. label is what to show
// for the item, at the place that an earlier put returned.
func (n *names) add(surface string, number uint64, flags uint64, label uint32) error {
	text := label
	canonical := identity.Label(surface)
	if canonical != string(n.at(label)) {
		var err error
		if text, err = n.put(canonical); err != nil {
			return err
		}
	}
	if len(n.entries) == maxNames {
		return fmt.Errorf("%w: more than %d", errTooManyNames, maxNames)
	}
	n.entries = append(n.entries, name{hash: hashOf(surface), number: number<<flagBits | flags, text: text, label: label})
	return nil
}

// put keeps text and returns its place.
func (n *names) put(text string) (uint32, error) {
	if len(n.text)+len(text) > maxNameBytes {
		return 0, fmt.Errorf("%w: more than %d bytes", errTooManyNames, maxNameBytes)
	}
	place := len(n.text)
	n.text = binary.AppendUvarint(n.text, uint64(len(text)))
	n.text = append(n.text, text...)
	return uint32(place), nil
}

func (n *names) at(place uint32) []byte {
	size, width := binary.Uvarint(n.text[place:])
	start := uint64(place) + uint64(width)
	return n.text[start : start+size]
}

// seal puts the names in order and drops those said twice.
func (n *names) seal() {
	slices.SortFunc(n.entries, func(a, b name) int {
		return cmp.Or(
			cmp.Compare(a.hash[0], b.hash[0]),
			cmp.Compare(a.hash[1], b.hash[1]),
			cmp.Compare(a.number, b.number),
			n.compareText(a.text, b.text),
			n.compareText(a.label, b.label),
		)
	})
	n.entries = slices.CompactFunc(n.entries, func(a, b name) bool {
		return a.hash == b.hash && a.number == b.number && n.compareText(a.text, b.text) == 0
	})
}

func (n *names) compareText(a, b uint32) int {
	if a == b {
		return 0
	}
	return bytes.Compare(n.at(a), n.at(b))
}

// called returns the entries whose folded name is that of surface.
func (n *names) called(surface string) []name {
	hash := hashOf(surface)
	first := sort.Search(len(n.entries), func(i int) bool {
		other := n.entries[i].hash
		return other[0] > hash[0] || other[0] == hash[0] && other[1] >= hash[1]
	})
	last := first
	for last < len(n.entries) && n.entries[last].hash == hash {
		last++
	}
	return n.entries[first:last]
}

func hashOf(surface string) [2]uint64 {
	sum := sha256.Sum256([]byte(identity.Fold(surface)))
	return [2]uint64{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])}
}
