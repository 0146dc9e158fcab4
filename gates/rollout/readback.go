package rollout

import (
	"time"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

// ReadBack is what was read back of a channel's target.
type ReadBack struct {
	Pushed   int64        // the sequence of the index that was brought to it just before; 0: none was
	Looked   int64        // if none was: the newest sequence when somebody began to look
	Sequence int64        // of the index that is active; 0: none is
	Newest   *index.Index // the one that the next must follow, if that can be told
	Observed []Observed
}

// Read returns the record after the target was read back. Whatever the target has
// instead of the newest index, the channel comes to an index that follows it: nothing
// that was ever given up on its way can keep what contains from being published.
func (r Record) Read(at time.Time, read ReadBack) (Record, []Effect, *Refusal) {
	by := func(r Record, action Action) (Record, []Effect, *Refusal) {
		return r.Reduce(ChannelEvent{At: at, Actor: records.SystemActor, Action: action}, "")
	}
	switch {
	case read.Sequence == r.Sequence:
		next, effects, refused := by(r, Confirm{Sequence: read.Sequence, Observed: read.Observed})
		if refused == nil {
			next.Published = next.Index
		}
		return next, effects, refused
	case r.overtakenBy(read.Newest):
		r.Published = read.Newest
		return by(r, Reissue{})
	case read.Pushed == r.Sequence && r.Confirmed != r.Sequence:
		return by(r, NotTaken{Sequence: read.Pushed})
	case read.Pushed == 0 && read.Looked == r.Sequence && r.Confirmed == r.Sequence:
		return by(r, Confirm{Sequence: r.Sequence}) // not even the index is what it was
	default:
		return r, nil, refuse(gates.SequenceStale, "what was read belongs to index %d; the newest is %d", read.Sequence, r.Sequence)
	}
}

// overtakenBy reports whether an index that was taken for given up got to the target
// after all: the newest one follows an older one than that.
func (r Record) overtakenBy(newest *index.Index) bool {
	return newest != nil && r.Confirmed != r.Sequence && newest.Sequence < r.Sequence && (r.Published == nil || newest.Sequence > r.Published.Sequence)
}
