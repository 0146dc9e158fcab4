package client

import (
	"encoding/json"
	"time"

	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// CreateRelease asks that what a build made goes out on a channel.
type CreateRelease struct {
	BuildID string `json:"build_id" format:"uuid" doc:"A build that passed"`
	Channel string `json:"channel" minLength:"3" maxLength:"129" doc:"environment/channel"`
	Version string `json:"version" pattern:"^(0|[1-9][0-9]*)[.](0|[1-9][0-9]*)[.](0|[1-9][0-9]*)$" maxLength:"100" doc:"The pack's, x.y.z (semver.org): what minimums and compatibility rules compare"`
	// Strategy is how it goes out; absent means all at once.
	Strategy *release.Strategy `json:"strategy,omitempty" doc:"How it goes out; all at once if absent"`
	// Policy is a mandate bundle, as in StartBuild; absent means that of the build.
	Policy    json.RawMessage `json:"policy,omitempty" doc:"A mandate bundle, as an object or as text in YAML, or the digest of a registered one; the build's if absent"`
	Supersede bool            `json:"supersede,omitempty" doc:"Take the turn of the release that runs on the channel"`
	// Set and With are those of every release of a set: see CreateReleaseSet.
	Set  string   `json:"set,omitempty" maxLength:"150" doc:"The release set that it belongs to: its idempotency key is then SET/CHANNEL"`
	With []string `json:"with,omitempty" maxItems:"64" doc:"All channels of the set, its own among them"`
	Remark
}

// ReleaseListQuery selects releases. Zero fields select all.
type ReleaseListQuery struct {
	Channel string // environment/channel
	Phase   string
	Limit   int
	Cursor  string
}

// ReleaseList is one page of releases, newest first.
type ReleaseList struct {
	Releases []release.Record `json:"releases"`
	// Next is the cursor of the next page; empty on the last.
	Next string `json:"next,omitempty"`
}

// ReleaseWhy lists every condition that keeps a release from going on, or that ended
// it.
type ReleaseWhy struct {
	ReleaseID string        `json:"release_id"`
	Phase     string        `json:"phase"`
	Status    string        `json:"status"`
	Codes     []string      `json:"reason_codes"`
	Waits     *release.Wait `json:"waits,omitempty"` // what it waits for, and until when
	Unmet     []Unmet       `json:"unmet"`
}

// RollbackRelease asks to take back what a release brought.
type RollbackRelease struct {
	// To is a release that closed well on the same channel: rollbacks go to its pack
	// until Until.
	To string `json:"to,omitempty" required:"false" format:"uuid" doc:"Go back to the pack of this release"`
	// Until is when the pin ends that To sets. Absent, the server takes an hour, and a
	// repeated call is another action.
	Until   *time.Time `json:"until,omitempty" doc:"How long rollbacks go there; an hour if absent"`
	Cohorts []string   `json:"cohorts,omitempty" doc:"Only in these cohorts; all if absent"`
	Because
}

// Revoke asks that packs are taken back everywhere, for good. It names them by exactly
// one cause.
type Revoke struct {
	Pack          *records.Digest `json:"pack,omitempty" doc:"The digest of its content"`
	Release       string          `json:"release,omitempty" required:"false" format:"uuid" doc:"The pack of this release"`
	Snapshot      *records.Digest `json:"snapshot,omitempty" doc:"All that were built from this snapshot"`
	RunnerVersion string          `json:"runner_version,omitempty" maxLength:"200" doc:"All that a runner of this version had a part in"`
	Key           string          `json:"key,omitempty" maxLength:"200" doc:"All that this key signed"`
	// Quarantine takes them back until each channel is cleared of them.
	Quarantine bool `json:"quarantine,omitempty" doc:"Take them back until each channel is cleared of them"`
	Because
}

// Revocation is what a cause came to.
type Revocation struct {
	Packs    []records.Digest `json:"packs"`
	Channels []string         `json:"channels"` // environment/channel; those that were told
	Known    []string         `json:"known"`    // those that knew it already
}

// ChannelList is every channel, by name.
type ChannelList struct {
	Channels []rollout.Record `json:"channels"`
}
