package bypass

import (
	"testing"
	"time"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

const aCase = "22222222-2222-4222-8222-222222222222"

func glass(stage int, broken ...string) release.Glass {
	return release.Glass{Gates: broken, Stage: stage, CaseID: aCase, For: records.Duration(time.Hour)}
}

func (s *scene) pack() records.Digest { return s.record().Intent.Pack }

// glassed is a release with a break-glass of cem.
func glassed(t *testing.T, s *site) *scene {
	c := s.waiting(t)
	c.must(c.act("cem", release.ActionBreakGlass, glass(0, "approvals")))
	return c
}

func watched(t *testing.T, s *site) *scene { return s.observing(t) }

// takenBack is a channel after a rollback: it is held.
func takenBack(t *testing.T, s *site) *scene {
	c := s.observing(t)
	c.must(c.actOnChannel("cem", release.ActionRollback, release.Rollback{ReleaseID: c.id}))
	return c.eventually("the rollback to end", func() bool { return len(c.on().Holds) > 0 })
}

// revoked is a channel that knows a pack as revoked.
func revoked(t *testing.T, s *site) *scene {
	// A revoked pack is revoked everywhere: each has one of its own.
	c := s.open(t).create(s.build(t), strategy(false)).until(rollout.PhaseAwaitingApproval).approved().until(rollout.PhaseObserving)
	c.must(c.actOnChannel("cem", release.ActionRevoke, release.Packs{Packs: []records.Digest{c.pack()}}))
	return c.eventually("the rollback to end", func() bool { return len(c.on().Holds) > 0 })
}

// asked are what only workflows ask of a channel.
var asked = []string{rollout.AskJoin, rollout.AskAdvance, rollout.AskClose, rollout.AskLeave, rollout.AskContain, rollout.AskRestore}

// forgedWarrant permits everything that a channel asks for.
func (s *scene) forgedWarrant() rollout.Warrant {
	w := rollout.Warrant{ReleaseID: s.id, Pack: s.pack(), Stage: 0}
	for _, gate := range gates.Gates() {
		w.Permits = append(w.Permits, rollout.Permit{Gate: gate, Verdict: gates.Pass, ReleaseID: s.id, Pack: w.Pack, Inputs: records.DigestOf([]byte("made up"))})
	}
	return w
}

// orders are attempts to have releases and channels do what the caller may not have
// them do.
func orders() []attempt {
	onChannel := func(actor, action string, arguments any) func(*scene) error {
		return func(s *scene) error { return s.actOnChannel(actor, action, arguments) }
	}
	onRelease := func(actor, action string, arguments any) func(*scene) error {
		return func(s *scene) error { return s.act(actor, action, arguments) }
	}
	const outside = "the API has no such place"
	return []attempt{
		{name: "what only workflows ask, by the channel's path", by: "API", prepare: waits, code: "", silent: outside, try: func(s *scene) error {
			return s.nowhere(s.channelPath)
		}, gone: true},
		{name: "what only workflows ask, by the release's path", by: "API", prepare: waits, silent: outside, gone: true, try: func(s *scene) error {
			return s.nowhere(s.releasePath)
		}},
		{name: "an entry that asks as workflows do", by: "API", prepare: waits, silent: outside, gone: true, try: func(s *scene) error {
			entry, err := records.NewEntry(records.Entry{
				Organization: organization, Kind: records.KindEvent, Type: records.TypeActionAsked, Actor: records.SystemActor, At: time.Now().UTC(),
				Subject: records.ChannelSubject(organization, s.channel),
			}, "forged", commandOf(rollout.AskAdvance, rollout.Advance{Warrant: s.forgedWarrant()}))
			s.must(err)
			for _, path := range []string{"/v1/entries", "/v1/releases/" + s.id + "/entries", "/v1/channels/" + s.channel.String() + "/entries", "/v1/ledger"} {
				for _, method := range []string{"POST", "PUT", "PATCH"} {
					if err := s.call(token("adm", 0), method, path, entry); err == nil {
						return nil
					}
				}
			}
			return &api.Refusal{}
		}},
		{name: "an advance with a made-up warrant, asked by a person", by: "control", prepare: waits, code: gates.RequestInvalid, try: func(s *scene) error {
			return s.actOnChannel("adm", rollout.AskAdvance, rollout.Advance{Warrant: s.forgedWarrant()})
		}},
		{name: "an advance with a made-up warrant, by one named orgo", by: "control", prepare: waits, code: gates.RequestInvalid, try: func(s *scene) error {
			return s.actOnChannel("orgo", rollout.AskAdvance, rollout.Advance{Warrant: s.forgedWarrant()})
		}},
		{name: "an action that is none, of a release", by: "control", prepare: waits, code: gates.RequestInvalid, try: onRelease("adm", "agreed", nil)},
		{name: "promote before the release is anywhere", by: "control", prepare: waits, code: gates.InvalidTransition, try: onRelease("cem", release.ActionPromote, release.Promote{})},
		{name: "promote a stage that does not ask for it", by: "control", prepare: watched, code: gates.InvalidTransition, try: onRelease("cem", release.ActionPromote, release.Promote{})},
		{name: "promote before the judgement", by: "control", trace: records.TypeActionAccepted, try: onRelease("cem", release.ActionPromote, release.Promote{}),
			legit: func(now *standing) { now.Promoted = "cem" },
			prepare: func(t *testing.T, s *site) *scene {
				return s.open(t).create(0, strategy(true)).until(rollout.PhaseAwaitingApproval).approved().until(rollout.PhaseObserving)
			}},
		{name: "lift another's hold of a release", by: "control", code: gates.InvalidTransition, try: onRelease("adm", release.ActionLift, nil), prepare: func(t *testing.T, s *site) *scene {
			c := s.waiting(t)
			c.must(c.act("eva", release.ActionHold, nil))
			return c
		}},
		{name: "lift another's hold of a channel", by: "control", code: gates.HoldOfAnother, try: onChannel("adm", release.ActionLift, release.Lift{Owner: "eva"}), prepare: func(t *testing.T, s *site) *scene {
			c := s.waiting(t)
			c.must(c.actOnChannel("eva", release.ActionHold, nil))
			return c
		}},
		{name: "lift the hold after a rollback as a service", by: "control", prepare: takenBack, code: gates.Unauthorized,
			try: onChannel("orgo", release.ActionLift, release.Lift{Owner: rollout.AfterRollback})},
		{name: "unpin another's pin", by: "control", prepare: pinned, code: gates.InvalidTransition, try: onChannel("adm", release.ActionUnpin, release.Unpin{For: "active"})},
		{name: "end another's freeze", by: "control", code: gates.InvalidTransition, try: onChannel("adm", release.ActionUnfreeze, nil), prepare: func(t *testing.T, s *site) *scene {
			c := s.waiting(t)
			c.must(c.actOnChannel("eva", release.ActionFreeze, release.Freeze{Until: time.Now().Add(time.Hour).UTC()}))
			return c
		}},
		{name: "lower the minimum", by: "control", code: gates.MinimumOnlyRises, try: onChannel("adm", release.ActionSetMinimum, release.Minimum{Version: "0.9.0"}), prepare: func(t *testing.T, s *site) *scene {
			c := s.waiting(t)
			c.must(c.actOnChannel("eva", release.ActionSetMinimum, release.Minimum{Version: "1.0.0"}))
			return c.eventually("the minimum to be published", func() bool { return c.on().Confirmed == c.on().Sequence })
		}},
		{name: "clear a revoked pack", by: "control", prepare: revoked, code: gates.InvalidTransition, try: func(s *scene) error {
			return s.actOnChannel("adm", release.ActionClear, release.Packs{Packs: []records.Digest{s.pack()}})
		}},
		{name: "release a revoked pack on another channel", by: "control", prepare: revoked, code: gates.ArtifactRevoked, silent: "the new release itself is the trace: it is INELIGIBLE", try: func(s *scene) error {
			next := s.open(s.t).create(s.builtAs(), strategy(false)).until(rollout.PhaseIneligible)
			return &api.Refusal{Code: gates.Code(next.record().Code)}
		}},
		{name: "confirm one's own break-glass", by: "control", prepare: glassed, code: gates.GlassUnconfirmed, try: onRelease("cem", release.ActionConfirmGlass, nil)},
		{name: "confirm one's own break-glass under another name", by: "control", prepare: glassed, code: gates.GlassUnconfirmed, try: onRelease("Cem", release.ActionConfirmGlass, nil)},
		{name: "a service confirms a break-glass", by: "control", prepare: glassed, code: gates.RequestInvalid, try: onRelease("orgo", release.ActionConfirmGlass, nil)},
		{name: "break what cannot be broken", by: "control", prepare: waits, code: gates.OverrideForbidden, try: onRelease("cem", release.ActionBreakGlass, glass(0, "integrity"))},
		{name: "an admin breaks glass for a gate that no rule names", by: "control", prepare: waits, code: gates.OverrideForbidden, try: onRelease("adm", release.ActionBreakGlass, glass(0, "freeze"))},
		{name: "a break-glass for another stage", by: "control", trace: release.TypeGlassConfirmed, try: onRelease("dan", release.ActionConfirmGlass, nil),
			legit: func(now *standing) { now.Glass = "[cem dan] false 7 [approvals]" },
			prepare: func(t *testing.T, s *site) *scene {
				c := s.waiting(t)
				c.must(c.act("cem", release.ActionBreakGlass, glass(7, "approvals")))
				return c
			}},
		{name: "a second break-glass before the review", by: "control", prepare: brokenThrough, code: gates.InvalidTransition, try: onRelease("cem", release.ActionBreakGlass, glass(1, "approvals"))},
		{name: "confirm a break-glass again, after its use", by: "control", prepare: brokenThrough, code: gates.InvalidTransition, try: onRelease("eva", release.ActionConfirmGlass, nil)},
		{name: "review one's own break-glass", by: "control", prepare: brokenThrough, code: gates.ApproverNotSeparate, try: onRelease("cem", release.ActionReviewGlass, nil)},
		{name: "review one's own break-glass under another name", by: "control", prepare: brokenThrough, code: gates.ApproverNotSeparate, try: onRelease("Cem", release.ActionReviewGlass, nil)},
	}
}

// brokenThrough is a release that a break-glass of two persons let past its approvals.
func brokenThrough(t *testing.T, s *site) *scene {
	c := glassed(t, s)
	c.must(c.act("dan", release.ActionConfirmGlass, nil))
	return c.until(rollout.PhaseObserving)
}

// nowhere asks for every action that is none of the API's.
func (s *scene) nowhere(path func(string) string) error {
	for _, action := range asked {
		if action == rollout.AskRestore || action == rollout.AskAdvance {
			if s.call(token("adm", 0), "POST", path(action), map[string]any{"warrant": s.forgedWarrant(), "reason": "because"}) == nil {
				return nil
			}
		}
		if s.call(token("adm", 0), "POST", path(action), map[string]any{"reason": "because"}) == nil {
			return nil
		}
	}
	return &api.Refusal{}
}
