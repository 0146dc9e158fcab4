package rollout

import (
	"cmp"
	"slices"

	"golang.org/x/mod/semver"

	"github.com/initkoa/orgo/records"
)

// Pack is what a channel can have active: the runtime pack of one build.
type Pack struct {
	Digest  records.Digest `json:"digest"`  // of its content (records/index): its identity
	Version string         `json:"version"` // x.y.z (semver.org), which minimums compare
	BuildID string         `json:"build_id"`
}

// Valid reports whether the pack is named by digest, version and build.
func (p Pack) Valid() bool { return p.Digest.Valid() && exact(p.Version) && p.BuildID != "" }

// below reports whether the pack is older than a minimum; no minimum admits all.
func (p Pack) below(minimum string) bool {
	return minimum != "" && semver.Compare("v"+p.Version, "v"+minimum) < 0
}

// exact reports whether v is x.y.z and nothing more.
func exact(v string) bool {
	return semver.Canonical("v"+v) == "v"+v && semver.Prerelease("v"+v) == "" && semver.Build("v"+v) == ""
}

// Placement is a pack and the release that brought it.
type Placement struct {
	ReleaseID string `json:"release_id"`
	Pack      Pack   `json:"pack"`
}

func is(p *Placement, pack records.Digest) bool { return p != nil && p.Pack.Digest == pack }

// digests is a set of digests in order, so that equal sets are equal in JSON.
type digests []records.Digest

func (d digests) has(digest records.Digest) bool { return slices.Contains(d, digest) }

func (d digests) with(more ...records.Digest) digests {
	all := append(slices.Clone(d), more...)
	slices.SortFunc(all, func(a, b records.Digest) int { return cmp.Compare(a.Value, b.Value) })
	return slices.Compact(all)
}

func (d digests) without(some ...records.Digest) digests {
	return slices.DeleteFunc(slices.Clone(d), func(other records.Digest) bool { return slices.Contains(some, other) })
}
