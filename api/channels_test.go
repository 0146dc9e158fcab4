package api_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/cohort"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

var main = records.ChannelName{Environment: "prod", Name: "main"}

func TestActionsOnAChannelAreRecordedAsAsked(t *testing.T) {
	t.Parallel()
	pack, until := records.DigestOf([]byte("pack")), apitest.Epoch.Add(time.Hour)
	for _, tc := range []struct {
		body      client.ChannelAction
		action    string
		arguments any
	}{
		{client.HoldChannel{Because: because("r")}, "hold", nil},
		{client.LiftChannel{Lift: release.Lift{Owner: rollout.AfterRollback}, Because: because("r")}, "lift", release.Lift{Owner: rollout.AfterRollback}},
		{client.Freeze{Freeze: release.Freeze{Until: until}, Because: because("r")}, "freeze", release.Freeze{Until: until}},
		{client.Unfreeze{Because: because("r")}, "unfreeze", nil},
		{client.Pin{Pin: release.Pin{Pack: pack, For: "active", ExpiresAt: until}, Because: because("r")}, "pin", release.Pin{Pack: pack, For: "active", ExpiresAt: until}},
		{client.Unpin{Unpin: release.Unpin{For: "active"}, Because: because("r")}, "unpin", release.Unpin{For: "active"}},
		{client.SetMinimum{Minimum: release.Minimum{Version: "1.0.0"}, Because: because("r")}, "set-min", release.Minimum{Version: "1.0.0"}},
		{client.Clear{Packs: release.Packs{Packs: []records.Digest{pack}}, Because: because("r")}, "clear", release.Packs{Packs: []records.Digest{pack}}},
		{client.RollbackChannel{Rollback: release.Rollback{Cohorts: []string{"c"}}, Because: because("r")}, "rollback", release.Rollback{Cohorts: []string{"c"}}},
	} {
		t.Run(tc.action, func(t *testing.T) {
			t.Parallel()
			s := apitest.New(t)
			// Some are refused by the machine; each is recorded.
			_, _ = s.Client(t).ActOnChannel(t.Context(), main, tc.body, "key")
			asked := s.Channels.Asked()
			require.Len(t, asked, 1)
			require.Equal(t, tc.action, asked[0].Command.Action)
			require.Equal(t, "prod/main", asked[0].Of)
			require.Equal(t, "r", asked[0].Reason)
			if tc.arguments == nil {
				require.Empty(t, asked[0].Command.Arguments)
				return
			}
			want, err := json.Marshal(tc.arguments)
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(asked[0].Command.Arguments))
		})
	}
}

func TestSteeringAChannel(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	list, err := c.Channels(t.Context())
	require.NoError(t, err)
	require.Equal(t, []rollout.Record{}, list.Channels)

	held, err := c.ActOnChannel(t.Context(), main, client.HoldChannel{Because: because("wait")}, "")
	require.NoError(t, err)
	require.Equal(t, []rollout.Hold{{Owner: "alice", Reason: "wait"}}, held.Holds)
	_, err = c.ActOnChannel(t.Context(), main, client.LiftChannel{Lift: release.Lift{Owner: "carol"}, Because: because("r")}, "")
	refusedWith(t, err, gates.InvalidTransition)
	lifted, err := c.ActOnChannel(t.Context(), main, client.LiftChannel{Because: because("r")}, "")
	require.NoError(t, err)
	require.Empty(t, lifted.Holds)

	now, err := c.Channel(t.Context(), main)
	require.NoError(t, err)
	require.Equal(t, lifted, now)
	list, err = c.Channels(t.Context())
	require.NoError(t, err)
	require.Equal(t, []rollout.Record{now}, list.Channels)
}

func TestNodesAreStoredAndNamed(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	nodes := []cohort.Node{{ID: "a", Labels: map[string]string{"region": "eu"}}, {ID: "b"}}
	record, err := s.Client(t).SetNodes(t.Context(), main, nodes, "first", "")
	require.NoError(t, err)
	require.Equal(t, 2, record.Nodes.Count)
	require.Equal(t, "first", s.Channels.Asked()[0].Reason)
	var stored []cohort.Node
	readJSON(t, s, record.Nodes.List, &stored)
	require.Equal(t, nodes, stored)
}
