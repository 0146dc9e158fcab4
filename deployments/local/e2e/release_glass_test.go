//go:build linux

package e2e_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/deployments/local/nodes"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// aCase is where what was broken is followed up.
const aCase = "4b1f0c6e-0000-4000-8000-000000000001"

// frozenPolicy freezes everything for years, and lets that be overridden by two who
// did not ask for the release.
func frozenPolicy(t *testing.T) json.RawMessage {
	t.Helper()
	return ruled(t,
		map[string]any{"rule_id": "frozen", "type": "freeze_window", "config": map[string]any{"windows": []any{
			map[string]any{"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z", "reason": "nobody is there to look"},
		}}},
		map[string]any{"rule_id": "glass", "type": "override", "config": map[string]any{
			"gates": []any{"freeze"}, "max_duration": "4h", "separate": true,
		}})
}

// glassShop is a shop with people who break glass: alice asks for releases, bob and
// carol break, and dave reviews.
func glassShop(t *testing.T, versions ...string) *shop {
	t.Helper()
	var people []api.TokenEntry
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		people = append(people, api.TokenEntry{Actor: name})
	}
	o := openShop(t, newStackOf(t, people...), versions...)
	o.play(t)
	return o
}

// frozen has alice release a version on a channel that the policy freezes.
func (o *shop) frozen(t *testing.T, channel, version string) string {
	t.Helper()
	var created release.Record
	out := o.cliAs(t, "alice", "release", "create", "--build", o.builds[version], "--channel", named(channel).String(), "--version", version,
		"--strategy", file(t, "strategy.json", staged()), "--policy", file(t, "policy.json", frozenPolicy(t)), "-o", "json").done(t)
	require.NoError(t, json.Unmarshal([]byte(out), &created))
	o.waitsFor(t, created.ReleaseID, gates.ChannelFrozen)
	require.Empty(t, o.links(t, channel))
	return created.ReleaseID
}

// broken has bob and carol break glass for the stage that a release would enter.
func (o *shop) broken(t *testing.T, id string) {
	t.Helper()
	o.cliAs(t, "bob", "release", "break-glass", id, "--gate", "freeze", "--case", aCase, "--reason", "outage").done(t)
	o.cliAs(t, "carol", "release", "confirm-break-glass", id, "--reason", "seen, outage").done(t)
}

// decisions returns what a gate decided on entering a stage, in order.
func (o *shop) decisions(t *testing.T, id string, gate gates.Gate, stage int) []gates.Decision {
	t.Helper()
	var found []gates.Decision
	for after := int64(0); ; {
		page, err := o.orgo.ReleaseEntries(t.Context(), id, after, 1000)
		require.NoError(t, err)
		if len(page.Entries) == 0 {
			return found
		}
		for _, entry := range page.Entries {
			if entry.Kind != records.KindDecision {
				continue
			}
			var d gates.Decision
			require.NoError(t, json.Unmarshal(entry.Body, &d))
			if d.Gate == gate && d.Subject.Generation == stage+1 {
				found = append(found, d)
			}
		}
		after = page.Next
	}
}

func TestReleaseIsLetPastAGateByTwoPersonsOnce(t *testing.T) {
	t.Parallel()
	o := glassShop(t, "1.0.0")
	id := o.frozen(t, "main", "1.0.0")
	open := func(who string, more ...string) result {
		return o.cliAs(t, who, append([]string{"release", "break-glass", id, "--reason", "outage"}, more...)...)
	}
	open("bob", "--case", aCase).misused(t, "--gate")
	open("bob", "--gate", "freeze").misused(t, "--case")
	open("bob", "--gate", "freeze", "--case", aCase, "--for", "0s").misused(t, "--for")
	open("bob", "--gate", "freeze", "--case", aCase, "--stage", "none").misused(t, "no stage \"none\"")
	open("bob", "--gate", "freeze", "--case", "17").refused(t, gates.OverrideIncomplete)
	open("bob", "--gate", "freeze", "--case", aCase, "--for", "4h1s").refused(t, gates.OverrideIncomplete)
	open("bob", "--gate", "integrity", "--case", aCase).refused(t, gates.OverrideForbidden)
	open("bob", "--gate", "approvals", "--case", aCase).refused(t, gates.OverrideForbidden) // the policy does not name it
	open("alice", "--gate", "freeze", "--case", aCase).refused(t, gates.OverrideForbidden)  // it is her release
	o.cliAs(t, "carol", "release", "confirm-break-glass", id, "--reason", "seen").refused(t, gates.InvalidTransition)

	require.Contains(t, open("bob", "--gate", "freeze", "--case", aCase, "--for", "4h").done(t), "confirm-break-glass "+id)
	open("carol", "--gate", "freeze", "--case", aCase).refused(t, gates.InvalidTransition)
	o.cliAs(t, "bob", "release", "confirm-break-glass", id, "--reason", "yes").refused(t, gates.GlassUnconfirmed)
	o.cliAs(t, "alice", "release", "confirm-break-glass", id, "--reason", "yes").refused(t, gates.OverrideForbidden)
	require.Empty(t, o.links(t, "main"), "one person is not enough")
	require.Contains(t, o.cliAs(t, "carol", "release", "confirm-break-glass", id, "--reason", "seen").done(t), "review-break-glass "+id)

	// It is good for one stage, and the next one is refused as before.
	later := o.becomes(t, id, "kept back from its second stage", func(r release.Record) bool {
		return r.Stage == 1 && slices.Contains(r.Codes, string(gates.ChannelFrozen))
	})
	require.True(t, later.BreakGlass.Used)
	require.Equal(t, []string{"bob", "carol"}, later.BreakGlass.By)
	links := o.links(t, "main")
	require.Len(t, links, 1)
	require.Contains(t, links, "canary")
	first := o.decisions(t, id, gates.GateFreeze, 0)
	require.Equal(t, gates.Fail, first[0].Verdict)
	last := first[len(first)-1]
	require.Equal(t, gates.Pass, last.Verdict)
	require.True(t, last.Override.BreakGlass)
	require.Equal(t, []string{"bob", "carol", aCase}, []string{last.Override.Actor, last.Override.ConfirmedBy, last.Override.CaseID})
	require.True(t, slices.ContainsFunc(first, func(d gates.Decision) bool {
		return d.Verdict == gates.Fail && d.InputsDigest == last.Override.Of
	}), "what was refused stays beside it")
	for _, d := range o.decisions(t, id, gates.GateFreeze, 1) {
		require.Equal(t, gates.Fail, d.Verdict)
	}
	get := o.cliAs(t, "dave", "release", "get", id).done(t)
	require.Contains(t, get, "used")
	require.Contains(t, get, "review due")

	// There is no other before it is reviewed, by somebody else.
	open("bob", "--gate", "freeze", "--case", aCase).refused(t, gates.InvalidTransition)
	review := func(who string) result {
		return o.cliAs(t, who, "release", "review-break-glass", id, "--reason", "justified")
	}
	review("bob").refused(t, gates.ApproverNotSeparate)
	review("carol").refused(t, gates.ApproverNotSeparate)
	review("dave").done(t)
	review("dave").refused(t, gates.InvalidTransition)
	o.broken(t, id)
	o.reaches(t, id, rollout.PhaseClosedGood)
	o.requireActive(t, "main", id)
	o.verify(t)
}

// TestReleaseThatEndedIsStillReviewed: what is broken in an outage is often taken back.
func TestReleaseThatEndedIsStillReviewed(t *testing.T) {
	t.Parallel()
	o := glassShop(t, "1.0.0", "1.1.0")
	good := o.sent(t, "main", "1.0.0")
	o.inject(t, nodes.Fault{Version: "1.1.0", Failures: 1})
	bad := o.frozen(t, "other", "1.1.0")
	o.broken(t, bad)
	ended := o.reaches(t, bad, rollout.PhaseSafeMode)
	require.True(t, ended.BreakGlass.Used)
	o.requireActive(t, "main", good)

	// An operator who comes late says so all the same, and until then nothing is broken.
	o.overdue(t, bad)
	next := o.frozen(t, "third", "1.0.0")
	open := []string{"release", "break-glass", next, "--gate", "freeze", "--case", aCase, "--reason", "outage"}
	late := o.cliAs(t, "bob", open...)
	late.refused(t, gates.GlassReviewOverdue)
	require.Contains(t, late.err, bad, "it says which")
	o.cliAs(t, "bob", "release", "review-break-glass", bad, "--reason", "fine").refused(t, gates.ApproverNotSeparate)
	o.cliAs(t, "dave", "release", "review-break-glass", bad, "--reason", "the fault was ours").done(t)
	reviewed, err := o.orgo.Release(t.Context(), bad)
	require.NoError(t, err)
	require.Contains(t, string(reviewed.BreakGlass.Reviewed), "the fault was ours")
	require.Equal(t, string(rollout.PhaseSafeMode), reviewed.Phase, "nothing else came of it")
	o.cliAs(t, "bob", open...).done(t)
	o.cliAs(t, "bob", "release", "hold", bad, "--reason", "a look").refused(t, gates.InvalidTransition)
	o.verify(t)
}

// overdue makes the review of a release's broken glass one that should have been made
// an hour ago.
func (o *shop) overdue(t *testing.T, id string) {
	t.Helper()
	o.process.kill()
	s, err := store.Open(t.Context(), store.SQLiteDSN(filepath.Join(o.dir, "orgo.db")))
	require.NoError(t, err)
	subject := records.ReleaseSubject(id)
	written, err := s.Entries(t.Context(), records.DefaultOrganization, subject, store.EntryQuery{Types: []string{records.TypeRecordWritten}})
	require.NoError(t, err)
	var record release.Record
	require.NoError(t, json.Unmarshal(written[len(written)-1].Body, &record))
	record.Version++
	glass := *record.BreakGlass
	glass.OpenedAt, glass.ExpiresAt = glass.OpenedAt.Add(-73*time.Hour), glass.ExpiresAt.Add(-73*time.Hour)
	glass.ReviewBy = glass.OpenedAt.Add(72 * time.Hour)
	record.BreakGlass = &glass
	record, _, err = record.Sealed()
	require.NoError(t, err)
	entry, err := records.NewEntry(records.Entry{
		Organization: records.DefaultOrganization, Kind: records.KindRecord, Type: records.TypeRecordWritten, Subject: subject,
		At: time.Now(), Actor: records.SystemActor, Correlation: written[len(written)-1].Correlation,
	}, fmt.Sprintf("v%d", record.Version), record)
	require.NoError(t, err)
	_, err = s.Append(t.Context(), entry)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	o.start(t)
}
