package releases

import (
	"context"

	"golang.org/x/mod/semver"

	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
)

// ExamineInput asks what is true now of the packs that a rollback could go to.
type ExamineInput struct {
	Organization string              `json:"organization"`
	Channel      rollout.Record      `json:"channel"`
	Candidates   []rollout.Placement `json:"candidates"`
}

// Examine reads each candidate again. Of one that cannot be read back nothing is true.
func (a *Activities) Examine(ctx context.Context, in ExamineInput) ([]rollout.Fact, error) {
	facts := []rollout.Fact{}
	for _, candidate := range in.Candidates {
		fact, err := a.examine(ctx, in, candidate.Pack.Digest)
		if err != nil {
			return reported[[]rollout.Fact](ctx, nil, err)
		}
		facts = append(facts, fact)
	}
	return facts, nil
}

func (a *Activities) examine(ctx context.Context, in ExamineInput, pack records.Digest) (rollout.Fact, error) {
	fact := rollout.Fact{Pack: pack}
	member, known, err := memberWith(in.Channel, pack)
	if err != nil || !known {
		return fact, err
	}
	b, err := a.build(ctx, in.Organization, member.Pack.BuildID, member.Pack.Version)
	if err != nil {
		return fact, err
	}
	fact.Retained = b.retained()
	fact.Verified = len(b.problems) == 0 && b.digest == pack
	fact.Compatible, err = a.fits(ctx, in.Channel, pack, b.format)
	return fact, err
}

// fits reports whether a format can be read by whoever reads those that stay active.
func (a *Activities) fits(ctx context.Context, channel rollout.Record, pack records.Digest, format string) (bool, error) {
	if format == "" {
		return false, nil
	}
	for _, other := range beside(channel.Channel) {
		if other.Digest == pack {
			continue
		}
		theirs, err := a.formatOn(ctx, channel, other.Digest)
		if err != nil || semver.Major("v"+theirs) != semver.Major("v"+format) {
			return false, err
		}
	}
	return true, nil
}
