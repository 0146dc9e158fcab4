package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

const aBuild = "00000000-0000-4000-8000-0000000000b1"

func oneRelease() client.CreateRelease {
	return client.CreateRelease{BuildID: aBuild, Channel: "prod/main", Version: "1.2.3", Remark: client.Remark{Reason: "because"}}
}

// released creates a release.
func released(t *testing.T, s *apitest.Stack, key string) release.Record {
	t.Helper()
	record, err := s.Client(t).CreateRelease(t.Context(), oneRelease(), key)
	require.NoError(t, err)
	return record
}

func because(reason string) client.Because { return client.Because{Reason: reason} }

func TestCreateReleaseTakesWhatWasSent(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	strategy := release.Strategy{
		Mode: release.Staged, Observe: records.Duration(time.Minute), OnNoTarget: "stay",
		Stages:  []release.Stage{{Name: "canary", Cohorts: []string{"c"}, Manual: true}, {Name: "rest", Cohorts: []string{"r"}}},
		Cohorts: []release.Portion{{Cohort: "c", Points: 500}, {Cohort: "r", Points: 9500}},
	}
	for name, tc := range map[string]struct {
		change   func(*client.CreateRelease)
		strategy release.Strategy
		policy   bool
	}{
		"all at once": {func(*client.CreateRelease) {}, release.Strategy{Mode: release.AllAtOnce}, false},
		"staged":      {func(r *client.CreateRelease) { r.Strategy = &strategy }, strategy, false},
		"with policy": {func(r *client.CreateRelease) { r.Policy = client.PolicyText([]byte(bundleText)) }, release.Strategy{Mode: release.AllAtOnce}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := oneRelease()
			body.Supersede = true
			tc.change(&body)
			key := client.NewKey()
			record, err := s.Client(t).CreateRelease(t.Context(), body, key)
			require.NoError(t, err)
			require.Equal(t, records.ReleaseID(records.DefaultOrganization, key), record.ReleaseID)
			require.Equal(t, tc.policy, record.Request.Policy != nil)
			record.Request.Policy = nil
			require.Equal(t, release.Request{
				ReleaseID: record.ReleaseID, IdempotencyKey: key, BuildID: aBuild, Channel: records.ChannelName{Environment: "prod", Name: "main"},
				Version: "1.2.3", Strategy: tc.strategy, Supersede: true,
			}, record.Request)
			require.Equal(t, "alice", record.CreatedBy)
			require.Equal(t, "because", record.Reason)
		})
	}
}

func TestOneKeyIsOneRelease(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	first := released(t, s, "same")
	require.Equal(t, first, released(t, s, "same"))
	other := oneRelease()
	other.Version = "1.2.4"
	_, err := s.Client(t).CreateRelease(t.Context(), other, "same")
	require.Equal(t, 409, refusedWith(t, err, gates.IdempotencyKeyReused).Status)
}

func TestBadReleaseRequests(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	record := released(t, s, "k")
	create := func(body string) request {
		return request{method: "POST", path: "/v1/releases", body: body, header: key("k2")}
	}
	act := func(action, body string) request {
		return request{method: "POST", path: "/v1/releases/" + record.ReleaseID + "/actions/" + action, body: body}
	}
	const good = `"build_id":"` + aBuild + `","channel":"prod/main","version":"1.2.3"`
	for name, tc := range map[string]struct {
		request  request
		status   int
		location string // of one of the errors
	}{
		"no key":                 {request{method: "POST", path: "/v1/releases", body: "{" + good + "}"}, 422, "header.Idempotency-Key"},
		"no channel of two":      {create(`{"build_id":"` + aBuild + `","channel":"production","version":"1.2.3"}`), 422, "body.channel"},
		"no version":             {create(`{"build_id":"` + aBuild + `","channel":"prod/main"}`), 422, "body"},
		"version of two":         {create(`{"build_id":"` + aBuild + `","channel":"prod/main","version":"1.2"}`), 422, "body.version"},
		"build of no id":         {create(`{"build_id":"latest","channel":"prod/main","version":"1.2.3"}`), 422, "body.build_id"},
		"unknown field":          {create("{" + good + `,"force":true}`), 422, "body.force"},
		"unknown in strategy":    {create("{" + good + `,"strategy":{"mode":"staged","stages":[{"name":"a","target_cohorts":["c"],"skip":true}]}}`), 422, "body.strategy.stages[0].skip"},
		"policy of no kind":      {create("{" + good + `,"policy":7}`), 422, "body.policy"},
		"unknown phase":          {request{method: "GET", path: "/v1/releases?phase=DONE"}, 422, "query.phase"},
		"list of no channel":     {request{method: "GET", path: "/v1/releases?channel=prod"}, 422, "query.channel"},
		"bad cursor":             {request{method: "GET", path: "/v1/releases?cursor=x"}, 422, "query.cursor"},
		"bad wait":               {request{method: "GET", path: "/v1/releases/" + record.ReleaseID + "?wait=long"}, 422, "query.wait"},
		"unknown release":        {request{method: "GET", path: "/v1/releases/" + aBuild}, 404, ""},
		"entries of unknown":     {request{method: "GET", path: "/v1/releases/" + aBuild + "/entries"}, 404, ""},
		"why of unknown":         {request{method: "GET", path: "/v1/releases/" + aBuild + "/why"}, 404, ""},
		"record of unknown":      {request{method: "GET", path: "/v1/releases/" + aBuild + "/record"}, 404, ""},
		"record of no form":      {request{method: "GET", path: "/v1/releases/" + record.ReleaseID + "/record?format=pdf"}, 422, "query.format"},
		"unknown action":         {act("skip", `{"reason":"r"}`), 404, ""},
		"approve nothing":        {act("approve", `{}`), 422, "body"},
		"hold without reason":    {act("hold", `{}`), 422, "body"},
		"empty reason":           {act("abort", `{"reason":""}`), 422, "body.reason"},
		"glass without scope":    {act("break-glass", `{"reason":"r"}`), 422, "body"},
		"rollback to elsewhere":  {request{method: "POST", path: "/v1/releases/" + record.ReleaseID + "/rollback", body: `{"to":"` + aBuild + `","reason":"r"}`}, 404, ""},
		"revoke nothing":         {request{method: "POST", path: "/v1/revocations", body: `{"reason":"r"}`}, 422, "body"},
		"revoke by two":          {request{method: "POST", path: "/v1/revocations", body: `{"key":"k","runner_version":"1","reason":"r"}`}, 422, "body"},
		"revoke no digest":       {request{method: "POST", path: "/v1/revocations", body: `{"pack":{"alg":"md5","value":"00"},"reason":"r"}`}, 422, "body.pack"},
		"channel of bad name":    {request{method: "GET", path: "/v1/channels/prod/..%2Fx"}, 422, "path.channel"},
		"unknown channel":        {request{method: "GET", path: "/v1/channels/prod/none"}, 404, ""},
		"freeze without end":     {request{method: "POST", path: "/v1/channels/prod/main/actions/freeze", body: `{"reason":"r"}`}, 422, "body"},
		"no nodes":               {request{method: "PUT", path: "/v1/channels/prod/main/nodes", body: `[]`}, 422, "body"},
		"a node twice":           {request{method: "PUT", path: "/v1/channels/prod/main/nodes", body: `[{"id":"a"},{"id":"a"}]`}, 422, "body[1].id"},
		"a node without an id":   {request{method: "PUT", path: "/v1/channels/prod/main/nodes", body: `[{"id":""}]`}, 422, "body[0].id"},
		"a node with more in it": {request{method: "PUT", path: "/v1/channels/prod/main/nodes", body: `[{"id":"a","ip":"::1"}]`}, 422, "body[0].ip"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problem := tc.request.problem(t, s)
			require.Equal(t, tc.status, problem.Status, "%+v", problem)
			if tc.location == "" {
				return
			}
			var places []string
			for _, e := range problem.Errors {
				places = append(places, e.Location)
			}
			require.Contains(t, places, tc.location, "%+v", problem)
		})
	}
	t.Cleanup(func() { require.Empty(t, s.Releases.Asked()); require.Empty(t, s.Channels.Asked()) })
}

func TestActionsOnAReleaseAreRecordedAsAsked(t *testing.T) {
	t.Parallel()
	digest := records.DigestOf([]byte("intent"))
	ballot := release.Ballot{Intent: digest}
	glass := release.Glass{Gates: []string{"rollout-health"}, Stage: 1, CaseID: "case", For: records.Duration(time.Hour)}
	for _, tc := range []struct {
		body      client.ReleaseAction
		action    string
		arguments any
		reason    string
	}{
		{client.Approve{Ballot: ballot}, "approve", ballot, ""},
		{client.Approve{Ballot: ballot, Remark: client.Remark{Reason: "r"}}, "approve", ballot, "r"},
		{client.Reject{Ballot: ballot, Because: because("r")}, "reject", ballot, "r"},
		{client.Promote{Promote: release.Promote{Stage: 1}}, "promote", release.Promote{Stage: 1}, ""},
		{client.HoldRelease{Because: because("r")}, "hold", nil, "r"},
		{client.LiftRelease{Because: because("r")}, "lift", nil, "r"},
		{client.Abort{Because: because("r")}, "abort", nil, "r"},
		{client.BreakGlass{Glass: glass, Because: because("r")}, "break-glass", glass, "r"},
		{client.ConfirmBreakGlass{Because: because("r")}, "confirm-break-glass", nil, "r"},
		{client.ReviewBreakGlass{Because: because("r")}, "review-break-glass", nil, "r"},
	} {
		t.Run(tc.action+" because of "+tc.reason, func(t *testing.T) {
			t.Parallel()
			s := apitest.New(t)
			record := released(t, s, "k")
			_, err := s.Client(t).ActOnRelease(t.Context(), record.ReleaseID, tc.body, "the key")
			refusedWith(t, err, gates.RequestInvalid) // a key has no blanks
			// Some are refused by the machine; each is recorded.
			_, _ = s.Client(t).ActOnRelease(t.Context(), record.ReleaseID, tc.body, "key")
			asked := s.Releases.Asked()
			require.Len(t, asked, 1)
			require.Equal(t, tc.action, asked[0].Command.Action)
			require.Equal(t, []string{"operator"}, asked[0].Command.Roles)
			require.Equal(t, "key", asked[0].Key)
			require.Equal(t, "alice", asked[0].By.Actor)
			require.Equal(t, tc.reason, asked[0].Reason)
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

func TestSteeringAReleaseOnceForEachKey(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	record := released(t, s, "k")
	held, err := c.ActOnRelease(t.Context(), record.ReleaseID, client.HoldRelease{Because: because("wait")}, "h")
	require.NoError(t, err)
	require.Equal(t, "PAUSED", held.Status)
	again, err := c.ActOnRelease(t.Context(), record.ReleaseID, client.HoldRelease{Because: because("wait")}, "h")
	require.NoError(t, err)
	require.Equal(t, held, again)
	_, err = c.ActOnRelease(t.Context(), record.ReleaseID, client.HoldRelease{Because: because("wait")}, "")
	require.Equal(t, 409, refusedWith(t, err, gates.InvalidTransition).Status)
	_, err = c.ActOnRelease(t.Context(), record.ReleaseID, client.Approve{Ballot: release.Ballot{Intent: records.DigestOf(nil)}}, "")
	refusedWith(t, err, gates.InvalidTransition)

	entries, err := c.ReleaseEntries(t.Context(), record.ReleaseID, 1, 0)
	require.NoError(t, err)
	require.Len(t, entries.Entries, 3)
	require.Equal(t, records.TypeActionRequested, entries.Entries[0].Type)
}

func TestRollbackPinsFirst(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	good, bad := released(t, s, "good"), released(t, s, "bad")
	placement := func(r release.Record) rollout.Placement {
		return rollout.Placement{ReleaseID: r.ReleaseID, Pack: rollout.Pack{Digest: r.Intent.Pack, Version: "1.2.3", BuildID: aBuild}}
	}
	active := placement(bad)
	s.Channels.Set(records.DefaultOrganization, rollout.Channel{
		Environment: "prod", Name: "main", Good: []rollout.Placement{placement(good)},
		Slots: []rollout.Slot{{Cohort: "c", Desired: &active, Active: &active}},
	})
	until := apitest.Epoch.Add(time.Hour)
	_, err := c.Rollback(t.Context(), bad.ReleaseID, client.RollbackRelease{To: good.ReleaseID, Until: &until, Cohorts: []string{"c"}, Because: because("slow")}, "k")
	require.NoError(t, err)
	asked := s.Channels.Asked()
	require.Len(t, asked, 2)
	require.Equal(t, "prod/main", asked[0].Of)
	require.Equal(t, release.ActionPin, asked[0].Command.Action)
	var pin release.Pin
	require.NoError(t, json.Unmarshal(asked[0].Command.Arguments, &pin))
	require.Equal(t, release.Pin{Pack: good.Intent.Pack, For: "rollback", ExpiresAt: until}, pin)
	require.Equal(t, release.ActionRollback, asked[1].Command.Action)
	require.JSONEq(t, `{"release_id":"`+bad.ReleaseID+`","cohorts":["c"]}`, string(asked[1].Command.Arguments))
	require.Equal(t, "k", asked[1].Key)
	require.NotEqual(t, asked[0].Key, asked[1].Key)

	// A pin that is refused leaves everything where it is.
	_, err = c.Rollback(t.Context(), bad.ReleaseID, client.RollbackRelease{To: good.ReleaseID, Until: &until, Because: because("slow")}, "k2")
	refusedWith(t, err, gates.ChannelPinned)
	require.Len(t, s.Channels.Asked(), 3)

	elsewhere := oneRelease()
	elsewhere.Channel = "prod/other"
	other, err := c.CreateRelease(t.Context(), elsewhere, "other")
	require.NoError(t, err)
	_, err = c.Rollback(t.Context(), bad.ReleaseID, client.RollbackRelease{To: other.ReleaseID, Because: because("slow")}, "k3")
	refusedWith(t, err, gates.RequestInvalid)
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	record := released(t, s, "k")
	pack, snapshot := record.Intent.Pack, records.DigestOf([]byte("snapshot"))
	for name, tc := range map[string]struct {
		body  client.Revoke
		cause api.RevokeCause
		packs int
	}{
		"pack":     {client.Revoke{Pack: &pack}, api.RevokeCause{Pack: pack}, 1},
		"release":  {client.Revoke{Release: record.ReleaseID, Quarantine: true}, api.RevokeCause{Release: record.ReleaseID, Pack: pack}, 1},
		"snapshot": {client.Revoke{Snapshot: &snapshot}, api.RevokeCause{Snapshot: snapshot}, 0},
		"runner":   {client.Revoke{RunnerVersion: "1.0.0"}, api.RevokeCause{RunnerVersion: "1.0.0"}, 0},
		"key":      {client.Revoke{Key: "key"}, api.RevokeCause{Key: "key"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tc.body.Reason = name
			revoked, err := s.Client(t).Revoke(t.Context(), tc.body, "")
			require.NoError(t, err)
			require.Len(t, revoked.Packs, tc.packs)
			if tc.packs > 0 {
				require.Equal(t, []string{"prod/main"}, revoked.Channels)
			}
			require.Contains(t, s.Releases.Revoked(), apitest.Revoked{Cause: tc.cause, Quarantine: tc.body.Quarantine, Reason: name})
		})
	}
}

func TestReleasesOfOrganizationsAreApart(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	record := released(t, s, "k")
	bob, err := client.New(client.Options{URL: s.URL, Token: apitest.TokenBob})
	require.NoError(t, err)
	id := record.ReleaseID
	for name, call := range map[string]func(context.Context) error{
		"get":     func(ctx context.Context) error { _, err := bob.Release(ctx, id); return err },
		"why":     func(ctx context.Context) error { _, err := bob.ReleaseWhy(ctx, id); return err },
		"entries": func(ctx context.Context) error { _, err := bob.ReleaseEntries(ctx, id, 0, 0); return err },
		"record":  func(ctx context.Context) error { _, err := bob.ReleaseRecord(ctx, id, client.FormatOrgo); return err },
		"act": func(ctx context.Context) error {
			_, err := bob.ActOnRelease(ctx, id, client.Abort{Because: because("r")}, "")
			return err
		},
		"rollback": func(ctx context.Context) error {
			_, err := bob.Rollback(ctx, id, client.RollbackRelease{Because: because("r")}, "")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { refusedWith(t, call(t.Context()), gates.NotFound) })
	}
	list, err := bob.Releases(t.Context(), client.ReleaseListQuery{})
	require.NoError(t, err)
	require.Empty(t, list.Releases)
}

func TestReleasesAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	for i := range 3 {
		released(t, s, fmt.Sprintf("k%d", i))
	}
	other := oneRelease()
	other.Channel = "prod/other"
	elsewhere, err := c.CreateRelease(t.Context(), other, "other")
	require.NoError(t, err)
	list, err := c.Releases(t.Context(), client.ReleaseListQuery{Channel: "prod/other"})
	require.NoError(t, err)
	require.Len(t, list.Releases, 1)
	require.Equal(t, elsewhere.ReleaseID, list.Releases[0].ReleaseID)
	list, err = c.Releases(t.Context(), client.ReleaseListQuery{Phase: "OBSERVING"})
	require.NoError(t, err)
	require.Empty(t, list.Releases)
	query := client.ReleaseListQuery{Limit: 3}
	list, err = c.Releases(t.Context(), query)
	require.NoError(t, err)
	require.Len(t, list.Releases, 3)
	query.Cursor = list.Next
	list, err = c.Releases(t.Context(), query)
	require.NoError(t, err)
	require.Len(t, list.Releases, 1)
	require.Empty(t, list.Next)
}

func TestWatchReleaseYieldsEachChangeToTheEnd(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	record := released(t, s, "k")
	phases := make(chan string)
	go func() {
		defer close(phases)
		for record, err := range s.Client(t).WatchRelease(t.Context(), record.ReleaseID) {
			if err != nil {
				return
			}
			phases <- record.Phase
		}
	}()
	require.Equal(t, "AWAITING_APPROVAL", <-phases)
	for _, phase := range []rollout.Phase{rollout.PhaseObserving, rollout.PhaseClosedGood} {
		require.NoError(t, s.Releases.Change(records.DefaultOrganization, record.ReleaseID, func(r *release.Record) { r.Phase = string(phase) }))
		require.Equal(t, string(phase), <-phases)
	}
	_, more := <-phases
	require.False(t, more)
}

func TestReleaseRecordForms(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	record := released(t, s, "k")
	data, err := s.Client(t).ReleaseRecord(t.Context(), record.ReleaseID, client.FormatOrgo)
	require.NoError(t, err)
	want, err := records.Canonical(record)
	require.NoError(t, err)
	require.Equal(t, string(want), string(data))
	data, err = s.Client(t).ReleaseRecord(t.Context(), record.ReleaseID, client.FormatKOA)
	require.NoError(t, err)
	want, err = records.Canonical(record.KOA())
	require.NoError(t, err)
	require.Equal(t, string(want), string(data))
	require.NotContains(t, string(data), "intent", "the interop form has exactly its own members")
}

func TestAServerMayHaveNoReleases(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, func(c *api.Config) { c.Releases, c.Channels = nil, nil })
	require.Equal(t, 404, request{method: "GET", path: "/v1/releases"}.problem(t, s).Status)
	_, err := api.New(api.Config{Releases: s.Releases})
	require.Error(t, err)
}

func TestASetIsAReleaseOnEachChannel(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	created, err := s.Client(t).CreateReleaseSet(t.Context(), oneRelease(), []string{"prod/us", "prod/eu"}, "s")
	require.NoError(t, err)
	require.Len(t, created, 2)
	with := []records.ChannelName{{Environment: "prod", Name: "eu"}, {Environment: "prod", Name: "us"}}
	for _, record := range created {
		require.Equal(t, with, record.Request.With)
		require.Equal(t, release.MemberID(records.DefaultOrganization, "s", record.Request.Channel), record.ReleaseID)
	}
	for name, change := range map[string]func(*client.CreateRelease){
		"another key":        func(r *client.CreateRelease) { r.Set = "t" },
		"no set":             func(r *client.CreateRelease) { r.Set = "" },
		"one channel":        func(r *client.CreateRelease) { r.With = r.With[:1] },
		"without its own":    func(r *client.CreateRelease) { r.Channel = "prod/asia" },
		"a channel twice":    func(r *client.CreateRelease) { r.With = []string{"prod/us", "prod/us"} },
		"what is no channel": func(r *client.CreateRelease) { r.With = []string{"prod/us", "prod"} },
	} {
		body := oneRelease()
		body.Channel, body.Set, body.With = "prod/us", "s", []string{"prod/us", "prod/eu"}
		change(&body)
		_, err := s.Client(t).CreateRelease(t.Context(), body, "s/prod/us")
		require.Equal(t, 422, refusedWith(t, err, gates.RequestInvalid).Status, name)
	}
}
