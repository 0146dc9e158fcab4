package bypass

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/initkoa/orgo/api"
	orgo "github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/cmd/orgo/cli"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// approve votes through the API, with one of a person's tokens.
func approve(actor string, n int) func(*scene) error {
	return func(s *scene) error {
		return s.call(token(actor, n), "POST", s.releasePath("approve"), orgo.Approve{Ballot: s.ballot()})
	}
}

// afterCem is a release that cem has approved.
func afterCem(t *testing.T, s *site) *scene {
	c := s.waiting(t)
	c.must(c.vote("cem"))
	return c
}

func waits(t *testing.T, s *site) *scene { return s.waiting(t) }

// alias is a second vote of cem, under a name that reads like his.
func alias(name, actor string) attempt {
	return attempt{name: "the same person as " + name, by: "API", prepare: afterCem, try: approve(actor, 0), code: gates.ApproverNotSeparate}
}

// people are the attempts of persons to be more than one.
func people() []attempt {
	return []attempt{
		{name: "the requester approves", by: "API", prepare: waits, try: approve("ann", 0), code: gates.ApproverNotSeparate},
		{name: "the requester approves on the command line", by: "CLI", prepare: waits, serial: true, code: gates.ApproverNotSeparate, try: func(s *scene) error {
			s.t.Setenv("ORGO_URL", s.url)
			s.t.Setenv("ORGO_TOKEN", token("ann", 0))
			config := filepath.Join(s.dir, "orgo.yaml")
			s.must(os.WriteFile(config, []byte("output: table\n"), 0o600))
			s.t.Setenv("ORGO_CONFIG", config)
			var out, err bytes.Buffer
			if cli.Run(s.t.Context(), []string{"release", "approve", s.id}, cli.Streams{Out: &out, Err: &err}) == 0 {
				return nil
			}
			if code := gates.ApproverNotSeparate; strings.Contains(err.String(), string(code)) {
				return &api.Refusal{Code: code}
			}
			return &api.Refusal{Message: err.String()}
		}},
		{name: "the initiator of the build approves", by: "API", prepare: waits, try: approve("ben", 1), code: gates.ApproverNotSeparate},
		{name: "the author of a changed policy approves", by: "API", code: gates.ApproverNotSeparate, try: approve("pol", 0), prepare: func(t *testing.T, s *site) *scene {
			before := s.observing(t)
			changed := policyOf("changed-"+before.channel.Name, "23h")
			_, err := s.policies().Register(t.Context(), organization, changed, by("pol"), "stricter")
			before.must(err)
			_, ref, err := s.policies().Read(t.Context(), organization, api.PolicyName{Sent: changed})
			before.must(err)
			return before.create(1, strategy(false), func(r *release.Request) { r.Policy = &ref }).until(rollout.PhaseAwaitingApproval)
		}},
		{name: "the same person twice", by: "API", prepare: afterCem, try: approve("cem", 0), code: gates.InvalidTransition},
		{name: "the same person under another token", by: "API", prepare: afterCem, try: approve("cem", 1), code: gates.InvalidTransition},
		alias("another case", "Cem"),
		alias("wide letters", "ｃｅｍ"),
		alias("an invisible letter", "cem\u200b"),
		alias("a letter of another script", "\u0441em"),
		alias("a space", "cem "),
		{name: "the requester under another case", by: "API", prepare: waits, try: approve("Ann", 0), code: gates.ApproverNotSeparate},
		{name: "an actor named orgo approves", by: "API", prepare: waits, try: approve("orgo", 0), code: gates.RequestInvalid},
		{name: "an actor named Orgo approves", by: "API", prepare: waits, try: approve("Orgo", 0), code: gates.RequestInvalid},
		{name: "an admin approves alone", by: "API", prepare: waits, try: approve("adm", 0), trace: records.TypeGateFailed, traceCode: gates.ApprovalsMissing,
			legit: func(now *standing) { now.Votes = append(now.Votes, "adm true") }},
		{name: "two persons, none of the role", by: "API", prepare: afterCem, try: approve("adm", 0), trace: records.TypeGateFailed, traceCode: gates.ApprovalsMissing,
			legit: func(now *standing) { now.Votes = append(now.Votes, "adm true") }},
		{name: "a role that the caller says to have", by: "API", prepare: afterCem, code: gates.RequestInvalid, silent: "the API does not take it in", try: func(s *scene) error {
			return s.call(token("adm", 0), "POST", s.releasePath("approve"), map[string]any{"intent": s.ballot().Intent, "roles": []string{"security"}})
		}},
		{name: "a name that the caller says to have", by: "API", prepare: afterCem, code: gates.RequestInvalid, silent: "the API does not take it in", try: func(s *scene) error {
			return s.call(token("adm", 0), "POST", s.releasePath("approve"), map[string]any{"intent": s.ballot().Intent, "actor": "dan"})
		}},
		{name: "nobody's token", by: "API", prepare: afterCem, try: approve("zoe", 0), code: gates.Unauthorized, silent: "the API does not know who it is"},
		{name: "a vote on another intent", by: "API", prepare: afterCem, code: gates.IntentChanged, try: func(s *scene) error {
			return s.call(token("dan", 0), "POST", s.releasePath("approve"), orgo.Approve{Ballot: release.Ballot{Intent: records.DigestOf([]byte("another"))}})
		}},
		{name: "a vote on the intent before the change", by: "API", prepare: changedIntent, code: gates.IntentChanged, try: func(s *scene) error {
			return s.call(token("dan", 0), "POST", s.releasePath("approve"), orgo.Approve{Ballot: release.Ballot{Intent: s.votes()[0].intent}})
		}},
		{name: "approval while the release is held", by: "control", code: gates.ReleaseHeld, try: func(s *scene) error { return s.vote("dan") }, prepare: func(t *testing.T, s *site) *scene {
			c := afterCem(t, s)
			c.must(c.act("eva", release.ActionHold, nil))
			return c
		}},
		{name: "approval while the channel is held", by: "control", code: gates.ChannelHeld, try: func(s *scene) error { return s.vote("dan") }, prepare: func(t *testing.T, s *site) *scene {
			c := afterCem(t, s)
			c.must(c.actOnChannel("eva", release.ActionHold, nil))
			return c
		}},
		{name: "approval while the channel is pinned", by: "control", code: gates.ChannelPinned, try: func(s *scene) error { return s.vote("dan") }, prepare: pinned},
		{name: "approval after a rejection", by: "API", code: gates.InvalidTransition, try: approve("dan", 0), trace: records.TypeActionRequested, prepare: rejected},
		{name: "approval after another has expired", by: "control", trace: records.TypeGateFailed, traceCode: gates.ApprovalsMissing,
			legit: func(now *standing) { now.Votes = append(now.Votes, "dan true") },
			try:   func(s *scene) error { return s.vote("dan") },
			prepare: func(t *testing.T, s *site) *scene {
				sent := policyOf("short-lived", "1s")
				_, ref, err := s.policies().Read(t.Context(), organization, api.PolicyName{Sent: sent})
				c := s.open(t)
				c.must(err)
				c = c.create(0, strategy(false), func(r *release.Request) { r.Policy = &ref }).until(rollout.PhaseAwaitingApproval)
				c.must(c.vote("cem"))
				return c.eventually("the vote of cem to expire", func() bool { return time.Since(c.record().Votes[0].At) > time.Second })
			}},
		{name: "an idempotency key for another action", by: "control", code: gates.IdempotencyKeyReused, silent: "the store does not take it in", prepare: waits, try: func(s *scene) error {
			_, err := s.Releases().Act(s.t.Context(), organization, s.id, commandOf(release.ActionReject, release.Ballot{Intent: records.DigestOf([]byte("x"))}), s.id, by("cem"), "no")
			if codeOf(err) != gates.IntentChanged {
				return err
			}
			_, err = s.Releases().Act(s.t.Context(), organization, s.id, commandOf(release.ActionApprove, s.ballot()), s.id, by("cem"), "yes")
			return err
		}},
	}
}

func pinned(t *testing.T, s *site) *scene {
	c := afterCem(t, s)
	c.must(c.actOnChannel("eva", release.ActionPin, release.Pin{Pack: records.DigestOf([]byte("other")), For: "active", ExpiresAt: time.Now().Add(time.Hour).UTC()}))
	return c
}

func rejected(t *testing.T, s *site) *scene {
	c := afterCem(t, s)
	c.must(c.act("eva", release.ActionReject, c.ballot()))
	return c.until(rollout.PhaseAborted)
}

// changedIntent is a release that was approved, and then had to be checked anew: the
// channel was divided otherwise meanwhile. Its approvals are void.
func changedIntent(t *testing.T, s *site) *scene {
	c := s.open(t)
	whole := release.Strategy{Mode: release.AllAtOnce, Observe: records.Duration(time.Hour), Deadline: records.Duration(2 * time.Hour)}
	late := c.create(1, whole).until(rollout.PhaseAwaitingApproval)
	first := *late.record().IntentDigest
	c.create(0, strategy(false)).until(rollout.PhaseAwaitingApproval).approved().until(rollout.PhaseObserving)
	late.approved()
	return late.eventually("another intent", func() bool {
		r := late.record()
		return r.Phase == string(rollout.PhaseAwaitingApproval) && *r.IntentDigest != first
	})
}
