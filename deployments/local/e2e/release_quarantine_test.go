//go:build linux

package e2e_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

func TestReleaseInQuarantineIsTakenBackUntilItsChannelIsCleared(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0")
	o.play(t)
	first := o.sent(t, "main", "1.0.0")
	second, beside := o.sent(t, "main", "1.1.0"), o.sent(t, "beside", "1.1.0")
	idle := o.sent(t, "idle", "1.0.0")
	record, err := o.orgo.Release(t.Context(), second)
	require.NoError(t, err)
	pack := record.Intent.Pack

	o.cli(t, "release", "quarantine", second).misused(t, "--reason")
	o.cli(t, "release", "quarantine", "--reason", "r").misused(t, "takes one of")
	o.cli(t, "release", "quarantine", second, "--pack", pack.String(), "--reason", "r").misused(t, "takes one of")
	out := o.cli(t, "release", "quarantine", second, "--reason", "support sees names").done(t)
	require.Contains(t, out, pack.String()+" is quarantined")
	for _, channel := range []string{"main", "beside", "idle"} {
		require.Contains(t, out, named(channel).String(), "also where it is not active")
	}

	// It is taken back where it was active, and nothing happens elsewhere.
	back := o.reaches(t, second, rollout.PhaseRolledBack)
	require.Equal(t, string(gates.PackQuarantined), back.Code)
	require.False(t, back.Revoked, "it may come back")
	o.requireActive(t, "main", first)
	require.Equal(t, string(gates.PackQuarantined), o.reaches(t, beside, rollout.PhaseSafeMode).Code)
	o.requireInactive(t, "beside")
	o.requireActive(t, "idle", idle)
	held := func(channel string) int {
		record, err := o.orgo.Channel(t.Context(), named(channel))
		require.NoError(t, err)
		require.Equal(t, []records.Digest{pack}, []records.Digest(record.Quarantined), channel)
		require.Empty(t, record.Revoked, channel)
		return len(record.Holds)
	}
	require.Equal(t, []int{1, 1, 0}, []int{held("main"), held("beside"), held("idle")})
	require.Contains(t, o.cli(t, "channel", "get", named("main").String()).done(t), pack.String())

	// As long as that is so, no other release of it goes out.
	lift := []string{"--owner", rollout.AfterRollback, "--reason", "found"}
	o.cli(t, append([]string{"channel", "lift", named("main").String()}, lift...)...).done(t)
	again := o.becomes(t, o.send(t, o.order("main", "1.1.0", quick())), "ended", client.ReleaseSettled)
	require.Equal(t, string(gates.PackQuarantined), again.Code)
	require.NotContains(t, o.moves(t, again.ReleaseID), "OBSERVING 0")
	o.requireActive(t, "main", first)
	why := o.cli(t, "release", "why", again.ReleaseID).done(t)
	require.Contains(t, why, string(gates.PackQuarantined))

	// It ends on each channel by itself.
	o.cli(t, "channel", "clear", named("main").String()).misused(t, "--reason")
	o.cli(t, "channel", "clear", named("main").String(), "--reason", "they were not names").done(t)
	o.cli(t, "channel", "clear", named("main").String(), "--reason", "once more").refused(t, gates.InvalidTransition)
	o.requireActive(t, "main", first)
	o.requireActive(t, "main", o.cleared(t, "main", "1.1.0"))
	require.Equal(t, 1, held("beside"))
	o.requireInactive(t, "beside")

	// A channel that is opened later goes by it, too, until it is cleared there.
	late := o.becomes(t, o.send(t, o.order("late", "1.1.0", quick())), "ended", client.ReleaseSettled)
	require.Equal(t, string(gates.PackQuarantined), late.Code)
	require.Contains(t, o.cli(t, "release", "why", late.ReleaseID).done(t), named("beside").String()+" knows")
	require.Empty(t, o.links(t, "late"))
	o.cli(t, "channel", "clear", named("late").String(), "--pack", pack.String(), "--reason", "they were not names").done(t)
	o.onChannel(t, "late", "read back", func(r rollout.Record) bool { return r.Confirmed == r.Sequence })
	o.requireActive(t, "late", o.sent(t, "late", "1.1.0"))
	o.verify(t)
}

// cleared releases a version once more on a channel that held what followed a rollback.
func (o *shop) cleared(t *testing.T, channel, version string) string {
	t.Helper()
	record, err := o.orgo.Channel(t.Context(), named(channel))
	require.NoError(t, err)
	for range record.Holds {
		o.act(t, channel, client.LiftChannel{Lift: release.Lift{Owner: rollout.AfterRollback}, Because: because("go on")})
	}
	return o.sent(t, channel, version)
}

// causes has what packs can be found by, of a build.
func (o *shop) causes(t *testing.T, version string) (snapshot records.Digest, runner string) {
	t.Helper()
	document, err := o.orgo.Record(t.Context(), o.builds[version], client.FormatOrgo)
	require.NoError(t, err)
	var record records.BuildRecord
	require.NoError(t, json.Unmarshal(document, &record))
	return record.Snapshot.Digest, record.Pins.Stages[0].Runner.Version
}

func TestReleaseIsRevokedByWhatItsBuildWasMadeOf(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0", "1.1.0")
	o.play(t)
	revoke := func(more ...string) result {
		return o.cli(t, append([]string{"release", "revoke", "--reason", "the source was forged"}, more...)...)
	}
	snapshot, version := o.causes(t, "1.1.0")
	other, same := o.causes(t, "1.0.0")
	require.NotEqual(t, other, snapshot)
	require.Equal(t, same, version, "one runner made both")

	// Nobody would know of it, and so it is not said to be revoked.
	revoke("--snapshot", snapshot.String()).refused(t, gates.InvalidTransition)
	first, second := o.sent(t, "main", "1.0.0"), o.sent(t, "main", "1.1.0")

	revoke("--snapshot", "sha256:17").misused(t, "sha256:17")
	revoke("--snapshot", records.DigestOf([]byte("another")).String()).refused(t, gates.NotFound)
	revoke("--runner-version", "99.0.0").refused(t, gates.NotFound)
	revoke("--key", "nobody").refused(t, gates.NotFound)
	revoke("--snapshot", snapshot.String(), "--key", "k").misused(t, "takes one of")

	revoke("--snapshot", snapshot.String()).done(t)
	back := o.becomes(t, second, "taken back", func(r release.Record) bool { return r.Revoked && r.Phase == string(rollout.PhaseRolledBack) })
	require.Equal(t, string(gates.ArtifactRevoked), back.Code)
	o.requireActive(t, "main", first)
	require.Contains(t, revoke("--snapshot", snapshot.String()).done(t), "known already to: "+named("main").String())
	o.cli(t, "channel", "clear", named("main").String(), "--reason", "it was not").refused(t, gates.InvalidTransition)

	revoke("--runner-version", version).done(t)
	o.becomes(t, first, "taken back", func(r release.Record) bool { return r.Revoked && r.Phase == string(rollout.PhaseSafeMode) })
	o.requireInactive(t, "main")
	require.Len(t, o.published(t, "main").Revoked, 2)
	o.verify(t)
}

func TestReleaseIsRevokedByTheKeyThatAttestedItsBuild(t *testing.T) {
	t.Parallel()
	o := newShop(t, "1.0.0")
	o.play(t)
	id := o.sent(t, "main", "1.0.0")
	var attested records.RecordAttested
	eventually(t, "the build is attested", func() bool {
		for _, entry := range o.entries(t, o.builds["1.0.0"]) {
			if entry.Type == records.TypeRecordAttested {
				return json.Unmarshal(entry.Body, &attested) == nil
			}
		}
		return false
	})
	o.cli(t, "release", "revoke", "--key", attested.KeyID, "--reason", "the key is lost").done(t)
	o.becomes(t, id, "taken back", func(r release.Record) bool { return r.Revoked && r.Phase == string(rollout.PhaseSafeMode) })
	o.requireInactive(t, "main")
}
