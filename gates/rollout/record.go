package rollout

import (
	"time"

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
	// Since is when each slot got what it has now.
	Since       map[string]time.Time `json:"since,omitempty"`
	PublishedAt time.Time            `json:"published_at,omitzero"`
}

// Member is a release that joined the channel.
type Member struct {
	ReleaseID string     `json:"release_id"`
	Number    int64      `json:"number"` // its place among those that joined, from 1
	Pack      index.Pack `json:"pack"`
}
