package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records/release"
)

// seek decides whether everybody has agreed who must. It is done again with each vote.
func (r *releaseRun) seek(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	if err := r.ready(ctx); err != nil {
		return nil, err
	}
	d := gates.Approvals(r.gate(ctx, 0, releases.Checked{}), r.votes())
	refusing := r.decided(ctx, 0, d)
	switch {
	case refusing == nil || d.Verdict != gates.Fail && r.past(ctx, 0, []gates.Decision{d}):
		r.record.Codes = nil
		return &rollout.ReleaseEvent{Kind: rollout.Agreed}, nil
	case d.Verdict == gates.Fail:
		return &rollout.ReleaseEvent{Kind: rollout.VotedDown, Code: leading(d).Code, Reason: leading(d).Message}, nil
	}
	r.record.Waits = &release.Wait{For: "approvals: " + leading(d).Message}
	_, err := r.save(ctx)
	return nil, err
}

func (r *releaseRun) votes() gates.Votes {
	votes := gates.Votes{
		Intent: *r.record.IntentDigest, Requester: r.record.CreatedBy, Initiator: r.record.Initiator,
		PolicyAuthor: r.record.PolicyAuthor, PolicyChanged: r.record.PolicyAuthor != "", Votes: []gates.Vote{},
	}
	for _, v := range r.record.Votes {
		votes.Votes = append(votes.Votes, gates.Vote{Actor: v.Actor, Roles: v.Roles, Intent: v.Intent, Approve: v.Approve, At: v.At, ExpiresAt: v.ExpiresAt})
	}
	recorded := len(votes.Votes)
	votes.Recorded = &recorded
	return votes
}

// void makes every vote one of the past.
func (r *releaseRun) void(workflow.Context) (*rollout.ReleaseEvent, error) {
	r.record.Votes = nil
	return nil, nil
}
