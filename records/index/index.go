// Package index is the channel index: what every cohort of a channel is to run.
//
// Its sequence fences publishing and only rises. What it names may go back, but
// only where the index itself carries the authorization to (Uptane's counter that
// must not decrease makes an honest rollback impossible; this one does not).
package index

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/initkoa/orgo/records"
)

// Channel names a channel of an environment of an organization.
type Channel struct {
	Organization string `json:"organization"`
	Environment  string `json:"environment"`
	Name         string `json:"channel"`
}

// String returns organization/environment/channel.
func (c Channel) String() string { return c.Organization + "/" + c.Environment + "/" + c.Name }

// Index is one published state of a channel. Lists are sorted: cohorts and
// downgrades by cohort, revoked by digest.
type Index struct {
	Channel
	Sequence int64 `json:"sequence"`
	// After is the sequence of the index that this one follows, and that its target must
	// have: 0 for the first. An index that was never published leaves a gap.
	After       int64     `json:"after"`
	PublishedAt time.Time `json:"published_at"`
	Cohorts     []Cohort  `json:"cohorts"`
	// MinimumVersion is the lowest version that may be active: x.y.z, or empty where
	// every one may.
	MinimumVersion string           `json:"minimum_version,omitempty"`
	Revoked        []records.Digest `json:"revoked,omitempty"`
	// Downgrades authorize steps back of this very index, and of no later one.
	Downgrades []Downgrade `json:"downgrades,omitempty"`
}

// Cohort is what one cohort is to run.
type Cohort struct {
	Name    string  `json:"cohort"`
	Release Release `json:"release"`
	Pack    Pack    `json:"pack"`
	// Inactive says that nothing is to be active: safe mode. Release and Pack are
	// what was there last, with which what comes next is compared.
	Inactive bool `json:"inactive,omitempty"`
	// Percentage of the channel that the cohort is, 0 to 100.
	Percentage int `json:"percentage"`
	// Members is the digest of the member list, where one is kept.
	Members *records.Digest `json:"members,omitempty"`
	Since   time.Time       `json:"since"`
}

// Release names a release. Number is its place among those of the channel: a
// later release has a higher one.
type Release struct {
	ID     string `json:"id"`
	Number int64  `json:"number"`
}

// Pack is a runtime pack and what it was made with.
type Pack struct {
	BuildID  string             `json:"build_id"`
	Version  string             `json:"version"` // x.y.z (semver.org), which minimums compare
	BuiltAt  time.Time          `json:"built_at"`
	Manifest records.Ref        `json:"manifest"` // the runtime pack's
	Exchange records.Ref        `json:"exchange"` // the exchange manifest
	Files    []records.Artifact `json:"files,omitempty"`
}

// Downgrade authorizes one step back of one cohort in one index.
type Downgrade struct {
	Cohort   string         `json:"cohort"`
	From     records.Digest `json:"from"` // Pack.Digest
	To       records.Digest `json:"to"`   // Pack.Digest
	Release  string         `json:"release"`
	Decision records.Digest `json:"decision"`
	Reason   string         `json:"reason"` // a reason code
	Actor    string         `json:"actor"`
	Sequence int64          `json:"sequence"`
}

// Digest is the identity of a pack: of all its content, not of where it may be
// fetched from, nor of the build that made it, nor of its version.
func (p Pack) Digest() (records.Digest, error) {
	type file struct {
		Path   string         `json:"path"`
		Digest records.Digest `json:"digest"`
	}
	content := make([]file, 0, len(p.Files))
	for _, f := range p.Files {
		content = append(content, file{f.Path, f.Ref.Digest})
	}
	return records.CanonicalDigest(map[string]any{
		"manifest": p.Manifest.Digest, "exchange": p.Exchange.Digest, "files": content,
	})
}

// Cohort returns the cohort of that name, and whether there is one.
func (i Index) Cohort(name string) (Cohort, bool) {
	for _, cohort := range i.Cohorts {
		if cohort.Name == name {
			return cohort, true
		}
	}
	return Cohort{}, false
}

// Canonical returns the one form of the index (RFC 8785).
func (i Index) Canonical() ([]byte, error) { return records.Canonical(i) }

// Digest returns the digest of the canonical form.
func (i Index) Digest() (records.Digest, error) { return records.CanonicalDigest(i) }

// Parse reads a canonical index and checks it. Bytes that are not exactly the
// canonical form of what was understood are refused: so nothing unknown, repeated
// or differently written can hide in them.
func Parse(data []byte) (Index, error) {
	var parsed Index
	if err := json.Unmarshal(data, &parsed); err != nil {
		return Index{}, &Error{Fault: Malformed, Text: err.Error()}
	}
	canonical, err := parsed.Canonical()
	if err != nil {
		return Index{}, fmt.Errorf("channel index: %w", err)
	}
	if !bytes.Equal(canonical, data) {
		return Index{}, &Error{Fault: Malformed, Text: "not in canonical form"}
	}
	return parsed, parsed.Check()
}
