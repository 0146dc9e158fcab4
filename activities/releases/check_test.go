package releases_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

func TestAPassedBuildIsChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	checked := b.check(b.request(b.record.BuildID), rollout.Record{})
	require.Empty(t, checked.Problems)
	require.Equal(t, b.record.Hash, checked.Record)
	require.Equal(t, "ann", checked.Initiator)
	require.Equal(t, "3.0.0", checked.Format)
	require.Equal(t, "1.2.0", checked.Pack.Version)
	require.Equal(t, b.record.EndedAt, checked.Pack.BuiltAt)
	digest, err := checked.Pack.Digest()
	require.NoError(t, err)
	require.Equal(t, digest, checked.Digest)
	require.Equal(t, b.record.MandateBundle.Digest, checked.PolicyRef.Digest)
	require.Equal(t, "of-the-build", checked.Policy.BundleID)
	require.Empty(t, checked.PolicyAuthor)
	require.Equal(t, gates.Compatibility{
		Candidate: &gates.PackVersion{PackID: digest.String(), Version: "1.2.0", Format: "3.0.0"}, First: true,
	}, checked.Compatibility)
	rules, err := checked.Policy.Compile()
	require.NoError(t, err)
	decision := gates.Integrity(gates.Context{
		Subject: gates.Subject{BuildID: b.record.BuildID, Stage: records.Compile, Generation: 1},
		Rules:   rules, At: start, Actor: "orgo", Evaluator: gates.EvaluatorVersion,
	}, checked.Evidence)
	require.True(t, decision.Permits(), "%v", decision.Findings)
}

// An attestation that is not there any more attests nothing.
func TestAnAttestationMustBeThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stored, err := b.store.Entries(t.Context(), organization, buildSubject(b.record.BuildID), store.EntryQuery{Types: []string{records.TypeRecordAttested}})
	require.NoError(t, err)
	var attested records.RecordAttested
	require.NoError(t, json.Unmarshal(stored[0].Body, &attested))
	require.NoError(t, os.Remove(b.file(attested.Attestations[0].Bundle)))
	checked := b.check(b.request(b.record.BuildID), rollout.Record{})
	require.Equal(t, []gates.Code{gates.ArtifactMissing}, codes(checked.Problems))
}

// Each fault is planted into what a build that passed has left.
func TestWhatIsWrongIsAProblem(t *testing.T) {
	t.Parallel()
	same := func(*bench) string { return "" }
	for name, c := range map[string]struct {
		plant   func(b *bench) string // returns another build's id
		request func(b *bench, r *release.Request)
		want    []gates.Code
	}{
		"build unknown": {func(*bench) string { return "nobody's" }, nil, []gates.Code{gates.NotFound}},
		"build blocked": {func(b *bench) string {
			return b.plant("x", func(r *records.BuildRecord) { r.State = records.BuildBlocked; seal(b.t, r) })
		}, nil, []gates.Code{gates.DependencyNotPassed}},
		"hash forged": {func(b *bench) string {
			return b.plant("x", func(r *records.BuildRecord) { r.Trigger.Actor = "mallory" })
		}, nil, []gates.Code{gates.LedgerTampered}},
		"another build's record": {func(b *bench) string {
			return b.plant("x", func(r *records.BuildRecord) { *r = b.record })
		}, nil, []gates.Code{gates.LedgerTampered}},
		"stages absent": {func(b *bench) string {
			return b.plant("x", func(r *records.BuildRecord) { r.Stages = nil; seal(b.t, r) })
		}, nil, []gates.Code{gates.DependencyNotPassed, gates.OutputMissing, gates.ContractUnchecked}},
		"decision refused": {func(b *bench) string {
			return b.plant("x", func(r *records.BuildRecord) {
				refuse(b.t, r, gates.GateValidation, nil)
				seal(b.t, r)
			})
		}, nil, []gates.Code{gates.DependencyNotPassed}},
		"validation overridden": {func(b *bench) string {
			return b.plant("x", func(r *records.BuildRecord) {
				refuse(b.t, r, gates.GateValidation, &gates.Override{Actor: "mallory"})
				seal(b.t, r)
			})
		}, nil, []gates.Code{gates.DependencyNotPassed}},
		"decisions absent": {func(b *bench) string {
			return b.plant("x", func(r *records.BuildRecord) { r.Decisions = []json.RawMessage{}; seal(b.t, r) })
		}, nil, []gates.Code{gates.DependencyNotPassed}},
		"decisions of another build": {func(b *bench) string {
			return b.plant("x", func(r *records.BuildRecord) { r.Decisions = b.record.Decisions; seal(b.t, r) })
		}, nil, []gates.Code{gates.DependencyNotPassed}},
		"nobody asked": {func(b *bench) string {
			return b.plant("x", func(r *records.BuildRecord) { r.Trigger.Actor = ""; seal(b.t, r) })
		}, nil, []gates.Code{gates.EvidenceMissing}},
		"no pins": {func(b *bench) string {
			return b.plant("x", func(r *records.BuildRecord) { r.Pins = nil; seal(b.t, r) })
		}, nil, []gates.Code{gates.EvidenceMissing}},
		"contracts missing": {func(b *bench) string {
			require.NoError(b.t, os.Remove(b.file(b.record.Pins.Contracts)))
			return ""
		}, nil, []gates.Code{gates.ArtifactMissing}},
		"pack file missing": {func(b *bench) string {
			require.NoError(b.t, os.Remove(b.file(b.record.Outputs.PackFiles[0].Ref)))
			return ""
		}, nil, []gates.Code{gates.ArtifactMissing, gates.EvidenceMissing, gates.SizeMismatch}},
		"pack file changed": {func(b *bench) string {
			b.tamper(b.record.Outputs.PackFiles[0].Ref)
			return ""
		}, nil, []gates.Code{gates.DigestMismatch}},
		"manifest changed": {func(b *bench) string {
			b.tamper(*b.record.Outputs.RuntimePack)
			return ""
		}, nil, []gates.Code{gates.DigestMismatch, gates.ContractUnchecked}},
		"version floats": {same, func(_ *bench, r *release.Request) { r.Version = "latest" }, []gates.Code{gates.IndexRefused}},
		"policy of the build missing": {func(b *bench) string {
			require.NoError(b.t, os.Remove(b.file(b.record.MandateBundle)))
			return ""
		}, nil, []gates.Code{gates.ArtifactMissing}},
		"policy malformed": {same, func(b *bench, r *release.Request) {
			ref := b.put(map[string]any{"kind": "mandate_bundle"})
			r.Policy = &ref
		}, []gates.Code{gates.PolicyInvalid}},
		"policy not referred to": {same, func(_ *bench, r *release.Request) { r.Policy = &records.Ref{} }, []gates.Code{gates.PinFloating}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			request := b.request(b.record.BuildID)
			if id := c.plant(b); id != "" {
				request.BuildID = id
			}
			if c.request != nil {
				c.request(b, &request)
			}
			require.Equal(t, gates.SortCodes(c.want), codes(b.check(request, rollout.Record{}).Problems))
		})
	}
}

// A planted build without a fault is found good, so that it is the faults that are
// found.
func TestAPlantedBuildIsSound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.plant("x", func(*records.BuildRecord) {})
	require.Empty(t, b.check(b.request(id), rollout.Record{}).Problems)
	overridden := b.plant("y", func(r *records.BuildRecord) {
		refuse(t, r, gates.GateDependency, &gates.Override{Actor: "bea"})
		seal(t, r)
	})
	require.Empty(t, b.check(b.request(overridden), rollout.Record{}).Problems)
}

// refuse makes the decisions of a gate refusals, and overrides each.
func refuse(t *testing.T, r *records.BuildRecord, gate gates.Gate, override *gates.Override) {
	var list []json.RawMessage
	add := func(d gates.Decision) {
		raw, err := records.Canonical(d)
		require.NoError(t, err)
		list = append(list, raw)
	}
	for _, raw := range r.Decisions {
		var d gates.Decision
		require.NoError(t, json.Unmarshal(raw, &d))
		if d.Gate == gate {
			d.Verdict = gates.Fail
			add(d)
			if override == nil {
				continue
			}
			d.Verdict, d.Override = gates.Pass, override
		}
		add(d)
	}
	r.Decisions = list
}

func TestThePolicysAuthorHasAPartWhenItIsNew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	changed := b.put(policy("changed"))
	canonical, err := b.artifacts.ReadAll(t.Context(), changed, 1<<20)
	require.NoError(t, err)
	canonical, err = records.Canonical(json.RawMessage(canonical))
	require.NoError(t, err)
	ref, err := b.artifacts.PutBytes(t.Context(), records.MediaJSON, canonical)
	require.NoError(t, err)
	b.append(records.KindEvent, records.TypePolicyRegistered, records.Subject{Kind: records.SubjectPolicy, ID: records.PolicyID(organization, "changed")},
		ref.Digest.String(), records.PolicyRegistered{BundleID: "changed", Bundle: ref})
	request := b.request(b.record.BuildID)
	request.Policy = &changed

	author := func(on rollout.Record) string { return b.check(request, on).PolicyAuthor }
	before := rollout.Record{Joined: 1, Members: []rollout.Member{{ReleaseID: "before"}}}
	self := rollout.Record{Joined: 1, Members: []rollout.Member{{ReleaseID: request.ReleaseID}}}
	require.Empty(t, author(rollout.Record{}), "the first release has none before it")
	require.Empty(t, author(self))
	require.Equal(t, "ann", author(rollout.Record{Joined: 1}), "the channel no longer names it")
	require.Equal(t, "ann", author(before), "it has no record")
	b.append(records.KindRecord, records.TypeRecordWritten, records.ReleaseSubject("before"), "v1", release.Record{Version: 1, PolicyRef: &b.record.MandateBundle})
	require.Equal(t, "ann", author(before))
	b.append(records.KindRecord, records.TypeRecordWritten, records.ReleaseSubject("before"), "v2", release.Record{Version: 2, PolicyRef: &ref})
	require.Empty(t, author(before))
}

func TestWhatAReleaseFollows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	member := b.member("before", 1, b.record.BuildID)
	placed := placement(t, member)
	higher := placed
	higher.Pack.Digest, higher.Pack.Version = records.DigestOf([]byte("gone")), "2.0.0"
	for name, c := range map[string]struct {
		channel rollout.Channel
		active  *gates.PackVersion
		first   bool
	}{
		"active":       {rollout.Channel{Slots: []rollout.Slot{{Active: &placed}}}, &gates.PackVersion{PackID: placed.Pack.Digest.String(), Version: "1.2.0", Format: "3.0.0"}, false},
		"the highest":  {rollout.Channel{Slots: []rollout.Slot{{Active: &higher}, {Active: &placed}}}, &gates.PackVersion{PackID: higher.Pack.Digest.String(), Version: "2.0.0"}, false},
		"unknown":      {rollout.Channel{Slots: []rollout.Slot{{Active: &placed}, {Active: &rollout.Placement{}}}}, nil, false},
		"closed well":  {rollout.Channel{Good: []rollout.Placement{placed}}, &gates.PackVersion{PackID: placed.Pack.Digest.String(), Version: "1.2.0", Format: "3.0.0"}, false},
		"nothing ever": {rollout.Channel{}, nil, true},
		"under way":    {rollout.Channel{Sequence: 1, Slots: []rollout.Slot{{Desired: &placed}}}, nil, false},
	} {
		checked := b.check(b.request(b.record.BuildID), rollout.Record{Channel: c.channel, Members: []rollout.Member{member}})
		require.Equal(t, c.active, checked.Compatibility.Active, name)
		require.Equal(t, c.first, checked.Compatibility.First, name)
	}
}
