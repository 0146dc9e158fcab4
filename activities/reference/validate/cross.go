package validate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/initkoa/orgo/activities/reference/document"
	"github.com/initkoa/orgo/activities/reference/identity"
	"github.com/initkoa/orgo/activities/reference/spill"
	"github.com/initkoa/orgo/activities/reference/statement"
)

// cross finds what can only be seen across documents: claims that state the
// same, and values that contradict each other.
type cross struct {
	issues    *collector
	claims    *spill.Sorter // by statement, then by place
	values    *spill.Sorter // by subject, property and qualifiers, then by value, then by place
	duplicate bool
	contrary  bool
}

func newCross(issues *collector) *cross {
	const memory = spill.DefaultMemory / 2
	return &cross{
		issues: issues, claims: spill.New("", memory), values: spill.New("", memory),
		duplicate: issues.on(DuplicateClaim), contrary: issues.on(ContradictingValues),
	}
}

// close frees what was sorted.
func (c *cross) close() error { return errors.Join(c.claims.Close(), c.values.Close()) }

// mention is one claim, as seen in a document.
type mention struct {
	at        place
	claimID   string
	docID     string
	statement statement.Statement
	single    bool // its property has a single value
}

func (c *cross) add(m mention) error {
	if c.duplicate {
		id := m.statement.ID()
		if err := c.claims.Add(id[:], m.appendTo(nil)); err != nil {
			return err
		}
	}
	if c.contrary && m.single {
		qualifiers := sha256.Sum256(m.statement.Qualifiers)
		key := m.statement.Property.AppendKey(m.statement.Subject.AppendKey(nil))
		key = append(append(key, qualifiers[:]...), m.statement.Object...)
		return c.values.Add(key, m.appendTo(nil))
	}
	return nil
}

// groupSize is the length of what the values of a group have in common.
const groupSize = 2*identity.KeySize + sha256.Size

// report adds the issues that only now can be seen.
func (c *cross) report(ctx context.Context) error {
	if err := c.reportDuplicates(ctx); err != nil {
		return err
	}
	return c.reportContradictions(ctx)
}

// reportDuplicates adds one issue for each claim that states what one before it
// has stated.
func (c *cross) reportDuplicates(ctx context.Context) error {
	var current []byte
	var first mention
	for record, err := range c.claims.Sorted(ctx) {
		if err != nil {
			return err
		}
		if !bytes.Equal(record.Key, current) {
			current, first = append(current[:0], record.Key...), readMention(record.Value)
			continue
		}
		one := readMention(record.Value)
		c.issues.add(DuplicateClaim, one.at, func() issue {
			return issue{
				Message:  fmt.Sprintf("claim %q %s: %q", one.claimID, codeTable[DuplicateClaim].says, first.claimID),
				Location: &location{ClaimID: one.claimID},
				Details: map[string]any{
					"document": one.docID, "line": one.at.line,
					"first_claim_id": first.claimID, "first_document": first.docID, "first_line": first.at.line,
				},
			}
		})
	}
	return nil
}

// reportContradictions adds one issue for each subject and property with more
// than one value.
func (c *cross) reportContradictions(ctx context.Context) error {
	var group contradiction
	for record, err := range c.values.Sorted(ctx) {
		if err != nil {
			return err
		}
		if !bytes.Equal(record.Key[:groupSize], group.key) {
			group.report(c.issues)
			group = contradiction{key: bytes.Clone(record.Key[:groupSize])}
		}
		group.add(record)
	}
	group.report(c.issues)
	return nil
}

// contradiction is the values of one subject for one property.
type contradiction struct {
	key    []byte
	first  place
	last   []byte // the value before
	count  int    // of distinct values
	values []any  // the first of them
}

func (g *contradiction) add(record spill.Record) {
	object := record.Key[groupSize:]
	one := readMention(record.Value)
	if g.count == 0 || one.at.compare(g.first) < 0 {
		g.first = one.at
	}
	if g.count > 0 && bytes.Equal(object, g.last) {
		return
	}
	g.count++
	g.last = append(g.last[:0], object...)
	if len(g.values) < maxListed {
		g.values = append(g.values, map[string]any{
			"claim_id": one.claimID, "document": one.docID, "line": one.at.line, "object": document.Excerpt(string(object)),
		})
	}
}

func (g *contradiction) report(issues *collector) {
	if g.count < 2 {
		return
	}
	issues.add(ContradictingValues, g.first, func() issue {
		entity, property := identity.FromKey(g.key), identity.FromKey(g.key[identity.KeySize:])
		return issue{
			Message:  fmt.Sprintf("%s %s: %d values of %s", entity, codeTable[ContradictingValues].says, g.count, property),
			Location: &location{EntityID: entity.String()},
			Details:  map[string]any{"property": property.String(), "values": g.values, "value_count": g.count},
		}
	})
}

// appendTo appends where a claim is, so that bytes sort as places do: line,
// position, the length of the claim's id, the id, the document's id. The ids are
// only to be read by people, so they are cut.
func (m mention) appendTo(to []byte) []byte {
	to = binary.BigEndian.AppendUint64(to, uint64(m.at.line))
	to = binary.BigEndian.AppendUint64(to, uint64(m.at.position))
	claimID := document.Excerpt(m.claimID)
	to = append(to, byte(len(claimID)))
	return append(append(to, claimID...), document.Excerpt(m.docID)...)
}

// readMention reads what appendTo wrote.
func readMention(value []byte) mention {
	ids := 17 + int(value[16])
	return mention{
		at: place{
			line:     int64(binary.BigEndian.Uint64(value)),
			position: int64(binary.BigEndian.Uint64(value[8:])),
		},
		claimID: string(value[17:ids]),
		docID:   string(value[ids:]),
	}
}
