package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

func TestSteeringChannels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	record := b.released(t)
	pack := record.Intent.Pack
	b.Channels.Set(records.DefaultOrganization, rollout.Channel{
		Environment: "prod", Name: "main", Sequence: 7, Confirmed: 6,
		Slots: []rollout.Slot{{Cohort: "canary", Desired: &rollout.Placement{ReleaseID: record.ReleaseID, Pack: rollout.Pack{Digest: pack, Version: "1.2.3"}}}},
		Holds: []rollout.Hold{{Owner: rollout.AfterRollback, Reason: "METRIC_OUT_OF_BOUNDS"}}, Quarantined: []records.Digest{pack},
	})
	for _, tc := range []struct{ args, printed string }{
		{"get prod/main", "7, of which 6 is read back"},
		{"get prod/main", "held         by orgo/rollback: METRIC_OUT_OF_BOUNDS"},
		{"get prod/main", record.ReleaseID},
		{"lift prod/main --owner orgo/rollback --reason r", "channel prod/main is held so no more"},
		{"hold prod/main --reason mine", "held         by alice: mine"},
		{"lift prod/main --reason r", "is held so no more"},
		{"freeze prod/main --until 2099-01-01T00:00:00Z --reason holidays", "by alice until 2099-01-01T00:00:00Z: holidays"},
		{"unfreeze prod/main --reason r", "is frozen by you no more"},
		{"freeze prod/main --for 4h --reason migration", ": migration"},
		{"pin prod/main --release " + record.ReleaseID + " --for active --until 2099-01-01T00:00:00Z --reason audit", "active, until 2099-01-01T00:00:00Z: " + pack.String()},
		{"unpin prod/main --reason r", "is pinned so no more"},
		{"pin prod/main --pack " + pack.String() + " --for active --until 2099-01-01T00:00:00Z --reason audit", pack.String()},
		{"clear prod/main --reason r", "is cleared"},
		{"set-min prod/main --version 1.0.0 --reason r", "minimum  1.0.0"},
	} {
		r := b.orgo(t, append([]string{"channel"}, strings.Fields(tc.args)...)...)
		require.Zero(t, r.code, "%s: %s", tc.args, r.err)
		require.Contains(t, r.out, tc.printed, tc.args)
	}
	r := b.orgo(t, "channel", "clear", "prod/main", "--reason", "r")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "nothing in quarantine")
	r = b.orgo(t, "channel", "set-min", "prod/main", "--version", "0.9.0", "--reason", "r")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "MINIMUM_ONLY_RISES")
	r = b.orgo(t, "channel", "lift", "prod/main", "--owner", "carol", "--reason", "r")
	require.Equal(t, 1, r.code)

	r = b.orgo(t, "channel", "list")
	require.Zero(t, r.code)
	require.Regexp(t, `prod/main +PUBLISHING +9 +1 +- +0 +0 +1 +1`, r.out)
	var list client.ChannelList
	b.must(t, &list, "channel", "list")
	require.Len(t, list.Channels, 1)
}

func TestAFreezeForSomeTimeEndsThen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var record rollout.Record
	b.must(t, &record, "channel", "freeze", "prod/main", "--for", "4h", "--reason", "r")
	require.WithinDuration(t, time.Now().Add(4*time.Hour), record.Freezes[0].Until, time.Minute)
}

func TestChannelNodes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := t.TempDir()
	file := write(t, dir, "nodes.yaml", "- {id: a, labels: {region: eu}}\n- {id: b}\n")
	r := b.orgo(t, "channel", "nodes", "prod/main", "--file", file, "--reason", "first")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "channel prod/main reaches 2 nodes")
	asked := b.Channels.Asked()
	require.Equal(t, release.ActionNodes, asked[0].Command.Action)
	require.Equal(t, "first", asked[0].Reason)

	for text, code := range map[string]int{"a: b\n": 2, "- {id: a}\n- {id: a}\n": 1, "- {id: a, ip: x}\n": 2} {
		r := b.orgo(t, "channel", "nodes", "prod/main", "--file", write(t, t.TempDir(), "nodes.yaml", text))
		require.Equal(t, code, r.code, "%s: %s", text, r.err)
	}
}
