package releases

import (
	"context"
	"encoding/json"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

// manifestLimit bounds the size of a pack's manifest, in bytes.
const manifestLimit = 64 << 20

// formatOf returns the version of a pack's format, as x.y.z, as its manifest says it.
func (a *Activities) formatOf(ctx context.Context, pack index.Pack) (string, error) {
	data, err := a.artifacts.ReadAll(ctx, pack.Manifest, manifestLimit)
	if err != nil {
		return "", err
	}
	var manifest struct {
		Version string `json:"manifest_version"`
	}
	err = json.Unmarshal(data, &manifest)
	format, valid := exact(manifest.Version)
	if err != nil || !valid {
		return "", runner.Fail(gates.CompatibilityUnknown, err, "manifest %s has format %q, which is no version", pack.Manifest.Digest, manifest.Version)
	}
	return format, nil
}

// formatOn returns the format of a pack that a channel has, or nothing where it cannot
// be known.
func (a *Activities) formatOn(ctx context.Context, channel rollout.Record, pack records.Digest) (string, error) {
	member, known, err := memberWith(channel, pack)
	if err != nil || !known {
		return "", err
	}
	format, err := a.formatOf(ctx, member.Pack)
	var unknown problems
	return format, unknown.take(err)
}

// memberWith returns the newest release of a channel that brings a pack.
func memberWith(channel rollout.Record, pack records.Digest) (rollout.Member, bool, error) {
	for i := len(channel.Members) - 1; i >= 0; i-- {
		digest, err := channel.Members[i].Pack.Digest()
		if err != nil {
			return rollout.Member{}, false, err
		}
		if digest == pack {
			return channel.Members[i], true, nil
		}
	}
	return rollout.Member{}, false, nil
}
