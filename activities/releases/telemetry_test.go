package releases_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/cohort"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/telemetry"
)

var portions = []release.Portion{{Cohort: "canary", Points: 1000}, {Cohort: "stable", Points: 9000}}

// nodes stores a list of nodes.
func (b *bench) nodes(n int) *release.Nodes {
	var list []cohort.Node
	for i := range n {
		list = append(list, cohort.Node{ID: fmt.Sprintf("node-%d", i)})
	}
	return &release.Nodes{List: b.put(list), Count: n}
}

func (b *bench) frozen(f release.Frozen) cohort.Frozen {
	data, err := b.artifacts.ReadAll(b.t.Context(), f.List, 1<<20)
	require.NoError(b.t, err)
	var list cohort.Frozen
	require.NoError(b.t, json.Unmarshal(data, &list))
	require.NoError(b.t, list.Verify())
	require.Equal(b.t, f.Digest, list.Digest)
	require.Len(b.t, list.Nodes, f.Count)
	return list
}

func TestCohortsAreFrozen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := releases.FreezeInput{
		Organization: organization, ReleaseID: "r", Channel: channel, Nodes: b.nodes(50), Cohorts: portions, Stage: []string{"canary"},
	}
	first := must(b, b.act.Freeze, in)
	require.Equal(t, first, must(b, b.act.Freeze, in), "the same again")
	in.Stage = []string{"stable"}
	rest := must(b, b.act.Freeze, in)
	canary, stable := b.frozen(first[0]), b.frozen(rest[0])
	require.Equal(t, 50, canary.Count+stable.Count)
	for _, node := range canary.Nodes {
		require.False(t, stable.Has(node))
	}

	in.Nodes = nil
	alone := b.frozen(must(b, b.act.Freeze, in)[0])
	require.Equal(t, []string{"production/main/stable"}, alone.Nodes)

	for name, change := range map[string]func(*releases.FreezeInput){
		"cohort unknown": func(in *releases.FreezeInput) { in.Stage = []string{"other"} },
		"too few nodes":  func(in *releases.FreezeInput) { in.Nodes = b.nodes(1) },
		"count differs":  func(in *releases.FreezeInput) { in.Nodes = b.nodes(50); in.Nodes.Count = 49 },
		"no list":        func(in *releases.FreezeInput) { in.Nodes = &release.Nodes{List: b.put("nodes"), Count: 1} },
	} {
		bad := in
		change(&bad)
		_, err := run(b, b.act.Freeze, bad)
		require.ErrorContains(t, err, string(gates.RequestInvalid), name)
	}
}

// observed records a release whose canary was activated, and returns its record.
func (b *bench) observed(id string) release.Record {
	member := b.member(id, 1, b.record.BuildID)
	in := releases.FreezeInput{Organization: organization, ReleaseID: id, Channel: channel, Nodes: b.nodes(20), Cohorts: portions}
	in.Stage = []string{"canary"}
	canary := must(b, b.act.Freeze, in)
	in.Stage = []string{"stable"}
	stable := must(b, b.act.Freeze, in)
	activated := start
	record := release.Record{
		ReleaseID: id, Version: 1, Phase: string(rollout.PhaseObserving), Pack: &member.Pack, PolicyRef: &b.record.MandateBundle,
		Stages: []release.StageState{{Frozen: canary, ActivatedAt: &activated}, {Frozen: stable}},
	}
	b.write(record)
	return record
}

func (b *bench) write(record release.Record) {
	b.append(records.KindRecord, records.TypeRecordWritten, records.ReleaseSubject(record.ReleaseID), fmt.Sprintf("v%d", record.Version), record)
}

func (b *bench) directory() *releases.Directory {
	return releases.NewDirectory(b.store, b.artifacts, activities.NewReader(b.artifacts, mandate.Trust{}))
}

func TestTheDirectoryKnowsReleases(t *testing.T) {
	t.Parallel()
	b := setup(t)
	directory := b.directory()
	known := func(id string) (telemetry.Release, bool) {
		r, found, err := directory.Known(t.Context(), organization, id)
		require.NoError(t, err)
		return r, found
	}
	_, found := known("r")
	require.False(t, found)
	record := b.observed("r")
	r, found := known("r")
	require.True(t, found)
	digest, err := record.Pack.Digest()
	require.NoError(t, err)
	require.Equal(t, digest.String(), r.PackID)
	require.Equal(t, []string{"load"}, r.Signals)
	require.Len(t, r.Cohorts["canary"].Members, record.Stages[0].Frozen[0].Count)
	require.Equal(t, start, r.Cohorts["canary"].ActivatedAt)
	require.Zero(t, r.Cohorts["stable"].ActivatedAt)

	active := start.Add(time.Hour)
	record.Version, record.Stages[1].ActivatedAt = 2, &active
	b.write(record)
	r, _ = known("r")
	require.Equal(t, active, r.Cohorts["stable"].ActivatedAt)
	_, found, err = directory.Known(t.Context(), "00000000-0000-4000-8000-000000000002", "r")
	require.NoError(t, err)
	require.False(t, found)

	for version, c := range map[int64]struct {
		phase rollout.Phase
		found bool
	}{3: {rollout.PhaseClosedGood, true}, 4: {rollout.PhaseRollingBack, true}, 5: {rollout.PhaseRolledBack, false}} {
		record.ReleaseID, record.Version, record.Phase = fmt.Sprint("phase ", version), version, string(c.phase)
		b.write(record)
		_, found = known(record.ReleaseID)
		require.Equal(t, c.found, found, c.phase)
	}
}

// A list of members that is not the frozen one lets nobody speak for the cohort.
func TestAForgedListOfMembersIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	record := b.observed("r")
	list := b.frozen(record.Stages[0].Frozen[0])
	list.Nodes = append(list.Nodes, "node-of-mallory")
	record.Version, record.Stages[0].Frozen[0].List = 2, b.put(list)
	b.write(record)
	_, found, err := b.directory().Known(t.Context(), organization, "r")
	require.ErrorContains(t, err, string(gates.EvidenceMissing))
	require.False(t, found)
}

func TestAWindowIsMadeAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	record := b.observed("r")
	known, _, err := b.directory().Known(t.Context(), organization, "r")
	require.NoError(t, err)
	reducer := telemetry.NewReducer(organization, known, "canary")
	var items []store.TelemetryItem
	sample := func(cohort, node string, second int) {
		sent := fmt.Sprintf(`{"release_id":"r","cohort":%q,"node_id":%q,"kind":"activation","at":%q,"outcome":{"status":"SUCCEEDED"}}`,
			cohort, node, start.Add(time.Duration(second)*time.Second).Format(time.RFC3339))
		item, err := telemetry.Read([]byte(sent))
		require.NoError(t, err)
		items = append(items, store.TelemetryItem{Item: item, ReceivedAt: start})
	}
	canary, stable := b.frozen(record.Stages[0].Frozen[0]).Nodes[0], b.frozen(record.Stages[1].Frozen[0]).Nodes[0]
	for second := range 3 {
		sample("canary", canary, second)
		sample("stable", stable, second)
	}
	_, err = b.store.AppendTelemetry(t.Context(), organization, items)
	require.NoError(t, err)
	stored, err := b.store.Telemetry(t.Context(), organization, "r", 0, 3)
	require.NoError(t, err)
	reducer.Add(stored[0])
	reducer.Add(stored[2])
	want, err := reducer.Window()
	require.NoError(t, err)

	in := releases.AgainInput{Organization: organization, ReleaseID: "r", Cohort: "canary", Sequence: 3}
	again := must(b, b.act.Again, in)
	require.Equal(t, want.Digest, again.Digest)
	require.NoError(t, again.Check())
	require.EqualValues(t, 2, again.Counted)

	for name, c := range map[string]struct {
		change func(*releases.AgainInput)
		want   gates.Code
	}{
		"another cohort's sample": {func(in *releases.AgainInput) { in.Sequence = 4 }, gates.WindowInvalid},
		"after the last":          {func(in *releases.AgainInput) { in.Sequence = 99 }, gates.WindowInvalid},
		"no sequence":             {func(in *releases.AgainInput) { in.Sequence = 0 }, gates.WindowInvalid},
		"not activated":           {func(in *releases.AgainInput) { in.Cohort = "stable" }, gates.CohortUnknown},
		"release unknown":         {func(in *releases.AgainInput) { in.ReleaseID = "other" }, gates.ReleaseUnknown},
	} {
		bad := in
		c.change(&bad)
		_, err := run(b, b.act.Again, bad)
		require.ErrorContains(t, err, string(c.want), name)
	}
}

// A channel without nodes is judged on what is read back of its target.
func TestATargetSpeaksForACohortWithoutNodes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	record := b.observed("r")
	in := releases.SampleInput{Organization: organization, ReleaseID: "r", Channel: channel}
	require.Zero(t, must(b, b.act.Sample, in).Stored, "its nodes speak for themselves")
	freeze := releases.FreezeInput{Organization: organization, ReleaseID: "r", Channel: channel, Cohorts: portions, Stage: []string{"canary"}}
	record.Version, record.Stages[0].Frozen = 2, must(b, b.act.Freeze, freeze)
	b.write(record)
	require.Zero(t, must(b, b.act.Sample, in).Stored, "nothing is published")

	member := rollout.Member{ReleaseID: "r", Number: 1, Pack: *record.Pack}
	b.distribute(member.Pack)
	must(b, b.act.Publish, releases.PublishInput{Organization: organization, Index: indexOf(1, member, "canary", "stable")})
	window := func(sequence int64) telemetry.Window {
		require.Equal(t, 1, must(b, b.act.Sample, in).Stored)
		return must(b, b.act.Again, releases.AgainInput{Organization: organization, ReleaseID: "r", Cohort: "canary", Sequence: sequence})
	}
	well := window(1)
	require.EqualValues(t, 1, well.Active)
	require.EqualValues(t, 1, well.Reporting)
	require.Equal(t, telemetry.Healthy, well.WorstPhase)

	require.NoError(t, os.Remove(b.onTarget("cohorts", "canary")))
	ill := window(2)
	require.Zero(t, ill.Active)
	require.Equal(t, telemetry.PhaseFailed, ill.WorstPhase)
}
