package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// An approval, or whatever else is decided, replaces nothing that was not: a warrant
// counts only as what the release recorded itself, in the phase in which it asks.
func TestFailOpen07AWarrantIsWhatWasRecorded(t *testing.T) {
	t.Parallel()
	on := records.ChannelName{Environment: "production", Name: "stable"}
	digest := func(s string) records.Digest { return records.DigestOf([]byte(s)) }
	genuine := func() (release.Record, rollout.Warrant) {
		r := release.Record{
			ReleaseID: "r", Phase: string(rollout.PhaseActivating), Request: release.Request{Channel: on}, Intent: &release.Intent{Pack: digest("pack")},
			Decisions: []release.DecisionSummary{{Gate: "integrity", Verdict: "PASS", Inputs: digest("a")}, {Gate: "approvals", Verdict: "PASS", Inputs: digest("b")}},
		}
		w := rollout.Warrant{ReleaseID: "r", Pack: digest("pack")}
		for _, d := range r.Decisions {
			w.Permits = append(w.Permits, rollout.Permit{Gate: gates.Gate(d.Gate), Verdict: gates.Verdict(d.Verdict), Inputs: d.Inputs})
		}
		return r, w
	}
	r, w := genuine()
	require.Empty(t, notOf(r, w, rollout.PhaseActivating, on))
	for name, change := range map[string]func(*release.Record, *rollout.Warrant){
		"nobody asked for the release":   func(r *release.Record, _ *rollout.Warrant) { *r = release.Record{} },
		"another channel":                func(r *release.Record, _ *rollout.Warrant) { r.Request.Channel.Name = "beta" },
		"another pack":                   func(_ *release.Record, w *rollout.Warrant) { w.Pack = digest("other") },
		"not yet approved":               func(r *release.Record, _ *rollout.Warrant) { r.Phase = string(rollout.PhaseAwaitingApproval) },
		"already going back":             func(r *release.Record, _ *rollout.Warrant) { r.Phase = string(rollout.PhaseRollingBack) },
		"a decision that was not made":   func(r *release.Record, _ *rollout.Warrant) { r.Decisions = r.Decisions[:1] },
		"a decision on other inputs":     func(_ *release.Record, w *rollout.Warrant) { w.Permits[1].Inputs = digest("made up") },
		"a decision of an earlier stage": func(_ *release.Record, w *rollout.Warrant) { w.Permits[1].Stage = 1 },
		"a refusal made a pass":          func(r *release.Record, _ *rollout.Warrant) { r.Decisions[1].Verdict = "PENDING" },
	} {
		r, w := genuine()
		change(&r, &w)
		require.NotEmpty(t, notOf(r, w, rollout.PhaseActivating, on), name)
	}
}

// A success on the last stage is none on the soak: what closes a release was decided
// when that was over.
func TestFailOpen07ALastStageIsNoSoak(t *testing.T) {
	t.Parallel()
	on := records.ChannelName{Environment: "production", Name: "stable"}
	ends := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	inputs, pack := records.DigestOf([]byte("inputs")), records.DigestOf([]byte("pack"))
	closing := func(at time.Time, soak *release.StageState) string {
		r := release.Record{
			ReleaseID: "r", Phase: string(rollout.PhaseClosedGood), Request: release.Request{Channel: on}, Intent: &release.Intent{Pack: pack},
			Stages: make([]release.StageState, 1), Soak: soak,
			Decisions: []release.DecisionSummary{{Gate: "rollout-health", Verdict: "PASS", Stage: 1, At: at, Inputs: inputs}},
		}
		return notOf(r, rollout.Warrant{ReleaseID: "r", Pack: pack, Stage: 1, Permits: []rollout.Permit{
			{Gate: gates.GateHealth, Verdict: gates.Pass, Stage: 1, Inputs: inputs},
		}}, rollout.PhaseClosedGood, on)
	}
	require.Empty(t, closing(ends, &release.StageState{EndsAt: &ends}))
	require.NotEmpty(t, closing(ends.Add(-time.Second), &release.StageState{EndsAt: &ends}), "decided before the soak was over")
	require.NotEmpty(t, closing(ends, &release.StageState{}), "the soak did not begin")
	require.NotEmpty(t, closing(ends, nil), "there was none")
}
