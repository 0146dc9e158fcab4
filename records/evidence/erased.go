package evidence

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/initkoa/orgo/records"
)

// Erased says that personal data is no longer there, when, by whom and why.
type Erased struct {
	Leaf    int64     `json:"leaf"`
	EntryID string    `json:"entry_id"`
	Type    string    `json:"type"`
	Fields  []string  `json:"fields"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Reason  string    `json:"reason"`
}

// Retired says that a key was retired, when, by whom and why.
type Retired struct {
	Leaf   int64     `json:"leaf"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason,omitempty"`
}

// checkErasures checks that the log says of all that was erased that it was, that
// nothing is called erased and still there, and that the bundle holds these lines, the
// entries of its subjects and keys, and then those of their erasures, in this order, and
// no others.
func (v *verifier) checkErasures(lines []line) error {
	for _, l := range slices.Clone(lines) {
		if l.Erased == "" {
			continue
		}
		erasures := v.lines[erasureOf(l)]
		if len(erasures) != 1 {
			return refusef("entry %s was erased, and no erasure of it is in the log", l.Entry.ID)
		}
		erased, err := erasedBy(l, erasures[0])
		if err != nil {
			return err
		}
		v.report.Erased = append(v.report.Erased, erased)
		lines = append(lines, erasures[0])
	}
	if !slices.EqualFunc(lines, v.order, func(l line, id string) bool { return l.Entry.ID == id }) {
		return refusef("%s must have the entries of the release, if it is of one, of the build, of the keys that attested them and of what was erased of them, and no others",
			entriesFile)
	}
	return nil
}

// erasedBy returns what an erasure, an entry of the log, says of a line.
func erasedBy(l, by line) (Erased, error) {
	var erasure records.Erasure
	if by.Entry.Type != records.TypeEntryErased || by.Erased != "" {
		return Erased{}, refusef("entry %s is no erasure of entry %s", by.Entry.ID, l.Entry.ID)
	}
	if err := json.Unmarshal(by.Entry.Body, &erasure); err != nil {
		return Erased{}, refusef("entry %s: %v", by.Entry.ID, err)
	}
	if erasure.Leaf != l.Leaf || erasure.Commitment != l.Erased || by.Leaf <= l.Leaf {
		return Erased{}, refusef("entry %s is an erasure of something else than leaf %d", by.Entry.ID, l.Leaf)
	}
	if err := erasure.Left(l.Entry); err != nil {
		return Erased{}, refusef("entry %s: %v", l.Entry.ID, err)
	}
	return Erased{
		Leaf: l.Leaf, EntryID: l.Entry.ID, Type: l.Entry.Type, Fields: erasure.Fields,
		At: by.Entry.At, Actor: by.Entry.Actor, Reason: by.Entry.Reason,
	}, nil
}
