package rollout

import (
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
)

// Record is one version of a channel: its state, and what its index needs besides.
// It is written at every transition, and it is what a channel's workflow begins with
// when it begins again.
type Record struct {
	Kind    string    `json:"kind"` // "channel_record"
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
	// Seen is the sequence of the newest entry that was taken in.
	Seen int64 `json:"seen"`
	Channel
	Cohorts []release.Portion `json:"cohorts,omitempty"` // set by the first release
	Nodes   *release.Nodes    `json:"nodes,omitempty"`
	// Members are the releases that it may still have to name, in the order in which
	// they joined.
	Members []Member `json:"members,omitempty"`
	Joined  int64    `json:"joined"` // how many ever did: the number of the newest
	// Index is the newest one, which is or will be published, and Published the one that
	// the target has, as far as is known: what a new one follows.
	Index     *index.Index `json:"index,omitempty"`
	Published *index.Index `json:"published,omitempty"`
	// Grounds are why each cohort is to have what it is to have.
	Grounds []Ground `json:"grounds,omitempty"`
	// Cause is who began the containment that is under way, or the last one.
	Cause *Cause `json:"cause,omitempty"`
}

// Cause is who began a containment, and why.
type Cause struct {
	Actor   string `json:"actor"`
	Reason  string `json:"reason,omitempty"`
	Command string `json:"command"` // the entry that asked
}

// NewRecord returns the record of a channel that nothing was ever asked of.
func NewRecord(organization string, name records.ChannelName) Record {
	return Record{Kind: "channel_record", Channel: Channel{Organization: organization, Environment: name.Environment, Name: name.Name}}
}

// ChannelName returns the channel's name.
func (r Record) ChannelName() records.ChannelName {
	return records.ChannelName{Environment: r.Environment, Name: r.Name}
}

// Member is a release that joined the channel.
type Member struct {
	ReleaseID string     `json:"release_id"`
	Number    int64      `json:"number"` // its place among those that joined, from 1
	Pack      index.Pack `json:"pack"`
}

// PinnedElsewhere reports whether the channel is pinned, at a time, to another pack.
func (r Record) PinnedElsewhere(pack records.Digest, at time.Time) bool {
	for _, pin := range r.pinned(PinActive, at) {
		if pin.Pack != pack {
			return true
		}
	}
	return false
}

// Waits reports whether a release has, or waits for, the channel's turn, and whether
// it is its turn.
func (r Record) Waits(releaseID string) (joined, turn bool) {
	return r.waits(releaseID), r.Turn != nil && r.Turn.ReleaseID == releaseID
}
