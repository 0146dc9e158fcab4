//go:build linux

package e2e_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// TestReleaseThatIsAnotherByNowIsApprovedAnew has the channel be divided by another
// release, while the first one waits to be approved: what was planned is not what would
// happen.
func TestReleaseThatIsAnotherByNowIsApprovedAnew(t *testing.T) {
	t.Parallel()
	o := openShop(t, newStackOf(t, api.TokenEntry{Actor: "alice"}, api.TokenEntry{Actor: "bob"}, api.TokenEntry{Actor: "carol"}), "1.0.0")
	o.play(t)
	var asked release.Record
	out := o.cliAs(t, "alice", "release", "create", "--build", o.builds["1.0.0"], "--channel", named("main").String(), "--version", "1.0.0",
		"--strategy", file(t, "strategy.json", quick()), "--policy", file(t, "policy.json", json.RawMessage(quorum(t, 1))), "-o", "json").done(t)
	require.NoError(t, json.Unmarshal([]byte(out), &asked))
	waits := func(what string, than *records.Digest) release.Record {
		return o.becomes(t, asked.ReleaseID, what, func(r release.Record) bool {
			return r.Phase == string(rollout.PhaseAwaitingApproval) && len(r.Codes) > 0 && (than == nil || *r.IntentDigest != *than)
		})
	}
	before := waits("to be approved", nil)
	approve := func(who string, intent records.Digest) result {
		return o.cliAs(t, who, "release", "approve", asked.ReleaseID, "--intent", intent.String())
	}
	o.cliAs(t, "bob", "release", "approve", asked.ReleaseID, "--intent", "latest").misused(t, "latest")
	approve("bob", records.DigestOf([]byte("another"))).refused(t, gates.IntentChanged)

	// Meanwhile another release divides the channel, and is done with it.
	other := quick()
	other.Cohorts = []release.Portion{{Cohort: "half", Points: 5000}, {Cohort: "rest", Points: 5000}}
	o.reaches(t, o.send(t, o.order("main", "1.0.0", other)), rollout.PhaseClosedGood)

	printed := approve("bob", *before.IntentDigest).done(t)
	require.Contains(t, printed, "canary 10%, rest 90%")
	after := waits("to be approved anew", before.IntentDigest)
	require.Empty(t, after.Votes, "that on what it was is void")
	require.Contains(t, stories(after), "INTENT_CHANGED")
	approve("carol", *before.IntentDigest).refused(t, gates.IntentChanged)
	require.NotContains(t, o.moves(t, asked.ReleaseID), "DISTRIBUTING 0")

	require.Contains(t, approve("bob", *after.IntentDigest).done(t), "half 50%, rest 50%", "who approved what it was may approve what it is")
	closed := o.reaches(t, asked.ReleaseID, rollout.PhaseClosedGood)
	require.Len(t, closed.Votes, 1)
	require.Equal(t, *after.IntentDigest, closed.Votes[0].Intent)
	o.verify(t)
}

// stories are the types of the events that a record tells of.
func stories(r release.Record) []string {
	var types []string
	for _, event := range r.Events {
		types = append(types, event.Type)
	}
	return types
}

// TestReleaseNeedsItsPolicyApprovedByAnother: who changes the policy of a channel cannot
// approve what is released under it.
func TestReleaseNeedsItsPolicyApprovedByAnother(t *testing.T) {
	t.Parallel()
	o := openShop(t, newStackOf(t, api.TokenEntry{Actor: "alice"}, api.TokenEntry{Actor: "bob"}, api.TokenEntry{Actor: "carol"}), "1.0.0")
	o.play(t)
	o.sent(t, "main", "1.0.0")
	policy := file(t, "policy.json", json.RawMessage(quorum(t, 1)))
	o.cliAs(t, "bob", "policy", "register", policy, "--reason", "others agree from now on").done(t)
	var asked release.Record
	out := o.cliAs(t, "alice", "release", "create", "--build", o.builds["1.0.0"], "--channel", named("main").String(), "--version", "1.0.0",
		"--strategy", file(t, "strategy.json", quick()), "--policy", policy, "-o", "json").done(t)
	require.NoError(t, json.Unmarshal([]byte(out), &asked))
	o.waitsFor(t, asked.ReleaseID, gates.ApprovalsMissing)
	o.cliAs(t, "bob", "release", "approve", asked.ReleaseID).refused(t, gates.ApproverNotSeparate)
	o.cliAs(t, "alice", "release", "approve", asked.ReleaseID).refused(t, gates.ApproverNotSeparate)
	o.cliAs(t, "carol", "release", "approve", asked.ReleaseID).done(t)
	o.reaches(t, asked.ReleaseID, rollout.PhaseClosedGood)
}
