package releases_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

// indexOf is one whose cohorts all run a release.
func indexOf(sequence int64, m rollout.Member, cohorts ...string) index.Index {
	next := index.Index{
		Channel:  index.Channel{Organization: organization, Environment: channel.Environment, Name: channel.Name},
		Sequence: sequence, PublishedAt: start,
	}
	for _, name := range cohorts {
		next.Cohorts = append(next.Cohorts, index.Cohort{
			Name: name, Release: index.Release{ID: m.ReleaseID, Number: m.Number}, Pack: m.Pack, Percentage: 50, Since: start,
		})
	}
	return next
}

func (b *bench) onTarget(parts ...string) string {
	return filepath.Join(append([]string{b.dir, "targets", organization, channel.Environment, channel.Name}, parts...)...)
}

func TestAPackIsDistributedVerifiedAndPublished(t *testing.T) {
	t.Parallel()
	b := setup(t)
	member := b.member("r", 1, b.record.BuildID)
	digest := placement(t, member).Pack.Digest
	in := releases.PackInput{Organization: organization, Channel: channel, Pack: member.Pack}
	publish := releases.PublishInput{Organization: organization, Index: indexOf(1, member, "canary", "stable")}

	require.NotEmpty(t, must(b, b.act.Verify, in).Drift, "it was never distributed")
	_, err := run(b, b.act.Publish, publish)
	require.ErrorContains(t, err, string(gates.PackNotDistributed))
	nothing := must(b, b.act.Observe, releases.ObserveInput{Organization: organization, Channel: channel})
	require.Equal(t, releases.Observed{Cohorts: []rollout.Observed{}}, nothing)

	b.distribute(in.Pack)
	verified := must(b, b.act.Verify, in)
	require.Empty(t, verified.Drift)
	require.Empty(t, verified.Problems)
	require.Equal(t, records.Compile, verified.Evidence.Stage)

	want := releases.Observed{Sequence: 1, Newest: &publish.Index, Cohorts: []rollout.Observed{{Cohort: "canary", Pack: &digest}, {Cohort: "stable", Pack: &digest}}}
	require.Equal(t, want, must(b, b.act.Publish, publish))
	require.Equal(t, want, must(b, b.act.Publish, publish), "the very same again")

	publish.Index.Sequence, publish.Index.After, publish.Index.Cohorts[0].Inactive = 2, 1, true
	observed := must(b, b.act.Publish, publish)
	require.Equal(t, []rollout.Observed{{Cohort: "canary"}, {Cohort: "stable", Pack: &digest}}, observed.Cohorts)

	publish.Organization = "00000000-0000-4000-8000-000000000002"
	_, err = run(b, b.act.Publish, publish)
	require.ErrorContains(t, err, string(gates.IndexRefused))
}

// What has drifted is nothing that Orgo knows: it is not among what is active.
func TestADriftedCohortIsNotObserved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	member := b.member("r", 1, b.record.BuildID)
	digest := placement(t, member).Pack.Digest
	b.distribute(member.Pack)
	must(b, b.act.Publish, releases.PublishInput{Organization: organization, Index: indexOf(1, member, "canary", "stable")})
	look := releases.ObserveInput{Organization: organization, Channel: channel}

	canary := b.onTarget("cohorts", "canary")
	require.NoError(t, os.Remove(canary))
	observed := must(b, b.act.Observe, look)
	require.Equal(t, []rollout.Observed{{Cohort: "stable", Pack: &digest}}, observed.Cohorts)
	require.NotEmpty(t, observed.Drift)

	require.NoError(t, os.WriteFile(b.onTarget("packs", digest.Value, "added"), nil, 0o600))
	observed = must(b, b.act.Observe, look)
	require.Empty(t, observed.Cohorts)
	require.EqualValues(t, 1, observed.Sequence)

	require.NoError(t, os.Remove(b.onTarget("current")))
	require.NoError(t, os.WriteFile(b.onTarget("current"), nil, 0o600))
	observed = must(b, b.act.Observe, look)
	require.Zero(t, observed.Sequence)
	require.Equal(t, gates.TargetUnreadable, observed.Drift[0].Code)
}

func TestAPackIsVerifiedAgainstItsBuild(t *testing.T) {
	t.Parallel()
	b := setup(t)
	member := b.member("r", 1, b.record.BuildID)
	in := releases.PackInput{Organization: organization, Channel: channel, Pack: member.Pack}
	b.distribute(in.Pack)
	in.Pack.Files = in.Pack.Files[1:]
	verified := must(b, b.act.Verify, in)
	require.Equal(t, []gates.Code{gates.PackUnverified}, codes(verified.Problems))
	require.NotEmpty(t, verified.Drift)

	in.Pack = member.Pack
	b.tamper(in.Pack.Files[0].Ref)
	verified = must(b, b.act.Verify, in)
	require.Empty(t, verified.Drift, "the target still has what it got")
	require.Equal(t, []gates.Code{gates.DigestMismatch}, codes(verified.Problems))
}

func TestCandidatesAreExamined(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good, changed, lost := b.member("good", 1, b.record.BuildID), b.build("changed"), b.build("lost")
	members := []rollout.Member{good, b.member("changed", 2, changed.BuildID), b.member("lost", 3, lost.BuildID)}
	b.tamper(*changed.Outputs.ExchangeMeta)
	require.NoError(t, os.Remove(b.file(*lost.Outputs.Exchange)))
	candidates := []rollout.Placement{{Pack: rollout.Pack{Digest: records.DigestOf([]byte("stranger"))}}}
	for _, m := range members {
		candidates = append(candidates, placement(t, m))
	}
	in := releases.ExamineInput{Organization: organization, Channel: rollout.Record{Members: members}, Candidates: candidates}
	digest := func(i int) records.Digest { return candidates[i].Pack.Digest }
	require.Equal(t, []rollout.Fact{
		{Pack: digest(0)},
		{Pack: digest(1), Retained: true, Verified: true, Compatible: true},
		{Pack: digest(2), Retained: true, Compatible: true},
		{Pack: digest(3), Compatible: true},
	}, must(b, b.act.Examine, in))

	// Something unknown that stays active cannot be shown to read the same format; what
	// is active where the rollback goes does not stay.
	in.Candidates = candidates[1:2]
	in.Channel.Slots = []rollout.Slot{{Cohort: "canary", Active: &rollout.Placement{}}}
	require.False(t, must(b, b.act.Examine, in)[0].Compatible)
	in.Channel.Containment = &rollout.Containment{Cohorts: []string{"canary"}}
	require.True(t, must(b, b.act.Examine, in)[0].Compatible)
}
