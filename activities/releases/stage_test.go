package releases_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
)

// toDistribute asks to distribute a pack to the target that is pinned now.
func (b *bench) toDistribute(pack index.Pack) releases.StageInput {
	b.t.Helper()
	in := b.stageOf(pack, records.Distribute)
	var is bool
	in.Pinned, is = records.Pins{Stages: b.pinned(in).Stages}.Stage(records.Distribute)
	require.True(b.t, is)
	return in
}

func digestOf(t *testing.T, pack index.Pack) string {
	digest, err := pack.Digest()
	require.NoError(t, err)
	return digest.Value
}

func (b *bench) distribute(pack index.Pack) records.StageFinished {
	b.t.Helper()
	return must(b, b.act.Distribute, b.toDistribute(pack))
}

func TestDistributingIsRecordedAsAStage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pack := b.member("r", 1, b.record.BuildID).Pack
	in := b.toDistribute(pack)
	require.Equal(t, records.RunnerSettings{
		Kind: records.RunnerTarget, Version: target.DirectoryVersion, Target: &records.TargetRunner{Name: "directory"},
	}, in.Pinned.Runner)
	finished := must(b, b.act.Distribute, in)
	require.Equal(t, release.SpineInputs(pack), finished.Inputs)
	require.Equal(t, []records.Artifact{{Name: records.OutRuntimePackManifest, Ref: pack.Manifest}}, finished.Outputs)
	for _, typ := range []string{records.TypeStageStarted, records.TypeStageFinished} {
		entries := b.entries(typ)
		require.Len(t, entries, 1, typ)
		about := entries[0].Correlation
		require.Equal(t, records.Distribute, about.Stage)
		require.Equal(t, in.Generation, about.Generation)
		require.Equal(t, 1, about.Attempt)
		require.Equal(t, "r", about.ReleaseID)
		require.Equal(t, pack.BuildID, about.BuildID)
		require.Equal(t, channel.String(), about.Channel)
	}
	// What is done at a target is done each time: what was there may be gone.
	require.NoError(t, os.RemoveAll(b.onTarget("packs")))
	require.NotEqual(t, finished.Key, b.distribute(pack).Key)
	require.Empty(t, must(b, b.act.Verify, releases.PackInput{Organization: organization, Channel: channel, Pack: pack}).Drift)
	require.Len(t, b.entries(records.TypeStageFinished), 2)
}

func TestADistributionThatFailsIsRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.build("lost")
	pack := b.member("r", 1, made.BuildID).Pack
	require.NoError(t, os.Remove(b.file(*made.Outputs.Exchange)))
	for _, file := range pack.Files {
		_ = os.Remove(b.file(file.Ref)) // some share their content
	}
	in := b.toDistribute(pack)
	_, err := run(b, b.act.Distribute, in)
	require.ErrorContains(t, err, string(gates.ArtifactMissing))
	attempts := must(b, b.act.Attempts, releases.AttemptsInput{Organization: organization, ReleaseID: "r", Stage: records.Distribute, Generation: in.Generation})
	require.Len(t, attempts, 2)
	require.Equal(t, records.TypeStageFailed, attempts[1].Event)
	require.Equal(t, []string{string(gates.ArtifactMissing)}, attempts[1].Codes)
	require.NotEmpty(t, attempts[1].Message)
	require.Empty(t, must(b, b.act.Attempts, releases.AttemptsInput{Organization: organization, ReleaseID: "r", Stage: records.Render, Generation: in.Generation}))
}

// upgraded is a target of another version.
type upgraded struct{ target.Target }

func (upgraded) Runner() records.RunnerSettings {
	return records.RunnerSettings{Kind: records.RunnerTarget, Version: "2.0.0", Target: &records.TargetRunner{Name: "directory"}}
}

type upgrading struct{ targets }

func (o upgrading) Target(ctx context.Context, organization string, c records.ChannelName) (target.Target, error) {
	opened, err := o.targets.Target(ctx, organization, c)
	return upgraded{opened}, err
}

func TestOnlyThePinnedTargetIsDistributedTo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.toDistribute(b.member("r", 1, b.record.BuildID).Pack)
	b.act = releases.New(releases.Options{
		Store: b.store, Artifacts: b.artifacts, Clock: activities.SystemClock{}, Targets: upgrading{targets{b}}, Callers: b,
	})
	_, err := run(b, b.act.Distribute, in)
	require.ErrorContains(t, err, string(gates.RunnerChanged))
	require.NoDirExists(t, b.onTarget("packs", digestOf(t, in.Pack)))
}

func TestAPipelineNamesWhatTheTargetHasToBe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	named := func(key, version, name string) releases.StageInput {
		return b.namingStage(key, records.Activate, map[string]any{"runner": map[string]any{
			"kind": "target", "version": version, "target": map[string]any{"name": name},
		}})
	}
	require.Empty(t, b.pinned(named("same", target.DirectoryVersion, "directory")).Problems)
	b.unpinnable(named("version", "9.0.0", "directory"), gates.PinUnknown)
	b.unpinnable(named("name", target.DirectoryVersion, "agent"), gates.PinUnknown)
	require.Equal(t, []gates.Code{gates.NotFound}, codes(must(b, b.act.Pin, releases.PinInput{Organization: organization, Channel: channel, BuildID: "nobody's"}).Problems))
}

// Whoever can start an activity has nothing distributed, rendered or written by that.
func TestAStageIsOfItsReleasesWorkflow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.renders(b.reference())
	pack := b.member("r", 1, b.record.BuildID).Pack
	in, page := b.toDistribute(pack), b.toRender(b.record)
	for name, by := range map[string]releases.Caller{
		"nobody":               {},
		"another release":      {Organization: organization, Subject: records.ReleaseSubject("other")},
		"a channel":            {Organization: organization, Subject: records.ChannelSubject(organization, channel)},
		"a rollback":           {Organization: organization, Subject: records.ReleaseSubject("r"), Containment: "c"},
		"another organization": {Organization: "other", Subject: records.ReleaseSubject("r")},
	} {
		b.caller = by
		_, err := run(b, b.act.Distribute, in)
		require.ErrorContains(t, err, string(gates.Unauthorized), name)
		_, err = run(b, b.act.Render, page)
		require.ErrorContains(t, err, string(gates.Unauthorized), name)
	}
	require.Empty(t, b.entries(records.TypeStageStarted))
	require.Empty(t, b.entries(records.TypeStageFailed))
	require.NoDirExists(t, b.onTarget("packs", digestOf(t, pack)))
}
