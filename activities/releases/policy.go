package releases

import (
	"context"
	"encoding/json"

	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// checkPolicy reads the policy that decides on a release: its own, or that of its
// build.
func (a *Activities) checkPolicy(ctx context.Context, in CheckInput, record records.BuildRecord, checked *Checked, p *problems) error {
	ref := record.MandateBundle
	if in.Request.Policy != nil {
		ref = *in.Request.Policy
	} else if ref.IsZero() {
		return nil // there is no record, and that was said
	}
	bundle, err := a.reader.Bundle(ctx, ref)
	if err != nil {
		return p.take(err)
	}
	canonical, err := a.artifacts.PutBytes(ctx, records.MediaJSON, bundle.Canonical)
	if err != nil {
		return p.take(err)
	}
	checked.Policy, checked.PolicyRef = &bundle.Policy, &canonical
	checked.PolicyAuthor, err = a.policyAuthor(ctx, in, bundle)
	return err
}

// policyAuthor returns who registered a bundle, if the release before was not decided
// on under it: that person then has a part in this release.
func (a *Activities) policyAuthor(ctx context.Context, in CheckInput, bundle mandate.Bundle) (string, error) {
	same, err := a.sameAsBefore(ctx, in, bundle.Digest)
	if err != nil || same {
		return "", err
	}
	subject := records.Subject{Kind: records.SubjectPolicy, ID: records.PolicyID(in.Organization, bundle.Policy.BundleID)}
	stored, err := a.store.Entries(ctx, in.Organization, subject, store.EntryQuery{Types: []string{records.TypePolicyRegistered}})
	if err != nil {
		return "", err
	}
	for _, entry := range stored {
		var registered records.PolicyRegistered
		if json.Unmarshal(entry.Body, &registered) == nil && registered.Bundle.Digest == bundle.Digest {
			return entry.Actor, nil
		}
	}
	return "", nil
}

// sameAsBefore reports whether the release before had this policy, or there is none
// before. Those count that joined the channel, for they were approved: one that never
// was does not make a new policy an old one.
func (a *Activities) sameAsBefore(ctx context.Context, in CheckInput, policy records.Digest) (bool, error) {
	before, others := predecessor(in.Channel, in.Request.ReleaseID)
	if before == "" {
		return others == 0, nil
	}
	loaded, err := load(ctx, a.store, in.Organization, records.ReleaseSubject(before))
	var lost problems
	if err := lost.take(err); err != nil {
		return false, err
	}
	var record release.Record
	if !loaded.Found || json.Unmarshal(loaded.Body, &record) != nil || record.PolicyRef == nil {
		return false, nil
	}
	return record.PolicyRef.Digest == policy, nil
}

// predecessor returns the newest other release that joined a channel, as far as the
// channel still names any, and how many others ever did.
func predecessor(channel rollout.Record, releaseID string) (before string, others int64) {
	others = channel.Joined
	for _, member := range channel.Members {
		if member.ReleaseID == releaseID {
			others--
		} else {
			before = member.ReleaseID
		}
	}
	return before, others
}
