package release

import "github.com/initkoa/orgo/records"

// MemberKey is the idempotency key of the release of a set on a channel, and MemberID
// its id: both follow from the set and the channel, so that every release of a set
// knows the others.
func MemberKey(set string, channel records.ChannelName) string { return set + "/" + channel.String() }

// MemberID returns the id of the release of a set on a channel.
func MemberID(organization, set string, channel records.ChannelName) string {
	return records.ReleaseID(organization, MemberKey(set, channel))
}

// Peer is another release of the same set.
type Peer struct {
	ReleaseID string `json:"release_id"`
	Ready     int    `json:"ready"` // to enter this stage, from 0
}
