package releases

import (
	"context"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
)

// CheckInput asks for all that a release's eligibility is decided on.
type CheckInput struct {
	Organization string          `json:"organization"`
	Request      release.Request `json:"request"`
	Channel      rollout.Record  `json:"channel"`
}

// Checked is what was found. A release with a problem is not eligible, and what
// follows from what is wrong is then absent. One without may still be refused by
// gates.
type Checked struct {
	Record        records.Digest      `json:"build_record,omitzero"` // its hash
	Initiator     string              `json:"initiator,omitempty"`   // of the build
	Evidence      gates.Evidence      `json:"evidence"`              // of compile, read back just now
	Pack          *index.Pack         `json:"pack,omitempty"`
	Digest        records.Digest      `json:"pack_digest,omitzero"`
	Format        string              `json:"format,omitempty"` // of the pack, x.y.z
	Policy        *gates.Policy       `json:"policy,omitempty"`
	PolicyRef     *records.Ref        `json:"policy_ref,omitempty"` // in canonical form
	PolicyAuthor  string              `json:"policy_author,omitempty"`
	Compatibility gates.Compatibility `json:"compatibility"`
	Problems      []Problem           `json:"problems,omitempty"`
}

// Check gathers what a release's eligibility is decided on, now.
func (a *Activities) Check(ctx context.Context, in CheckInput) (Checked, error) {
	checked, err := a.check(ctx, in)
	return reported(ctx, checked, err)
}

func (a *Activities) check(ctx context.Context, in CheckInput) (Checked, error) {
	b, err := a.build(ctx, in.Organization, in.Request.BuildID, in.Request.Version)
	if err != nil {
		return Checked{}, err
	}
	checked := Checked{
		Record: b.record.Hash, Initiator: b.record.Trigger.Actor,
		Evidence: b.evidence, Digest: b.digest, Format: b.format,
	}
	if b.digest.Valid() {
		checked.Pack = &b.pack
		problem, err := a.banned(ctx, in.Organization, b.digest, in.Channel)
		if err != nil {
			return Checked{}, err
		}
		if problem != nil {
			b.problems.add(problem.Code, "%s", problem.Message)
		}
	}
	if len(b.problems) == 0 && checked.Initiator == "" {
		b.problems.add(gates.EvidenceMissing, "it is not known who asked for build %s", in.Request.BuildID)
	}
	if err := a.checkPolicy(ctx, in, b.record, &checked, &b.problems); err != nil {
		return Checked{}, err
	}
	if checked.Compatibility, err = a.compatibility(ctx, in.Channel, in.Request.Version, checked); err != nil {
		return Checked{}, err
	}
	checked.Problems = b.problems
	return checked, nil
}

// compatibility tells the pack from the one that it is to follow.
func (a *Activities) compatibility(ctx context.Context, channel rollout.Record, version string, checked Checked) (gates.Compatibility, error) {
	active, first := channel.Followed()
	found := gates.Compatibility{First: first}
	if checked.Digest.Valid() {
		found.Candidate = &gates.PackVersion{PackID: checked.Digest.String(), Version: version, Format: checked.Format}
	}
	if active == nil {
		return found, nil
	}
	format, err := a.formatOn(ctx, channel, active.Digest)
	found.Active = &gates.PackVersion{PackID: active.Digest.String(), Version: active.Version, Format: format}
	return found, err
}
