package releases_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// away is a record store that does not answer.
type away struct{ releases.Store }

var errAway = &store.Unavailable{Op: "read", Err: errors.New("connection refused")}

func (away) Build(context.Context, string, string) (records.BuildView, error) {
	return records.BuildView{}, errAway
}

func (away) Entries(context.Context, string, records.Subject, store.EntryQuery) ([]store.Stored, error) {
	return nil, errAway
}

func (away) Append(context.Context, ...records.Entry) ([]store.Stored, error) { return nil, errAway }

// An outage says nothing about a release: it is tried again, and is neither a problem
// nor a conflict nor an absence.
func TestAnOutageIsNoFinding(t *testing.T) {
	t.Parallel()
	b := setup(t)
	member := b.member("r", 1, b.record.BuildID)
	b.act = releases.New(releases.Options{
		Store: away{b.store}, Artifacts: b.artifacts, Clock: activities.SystemClock{}, Targets: targets{b}, Channels: b.temporal, Callers: b,
	})
	subject := records.ReleaseSubject("r")
	errs := map[string]error{}
	_, errs["load"] = run(b, b.act.Load, releases.LoadInput{Organization: organization, Subject: subject})
	_, errs["inbox"] = run(b, b.act.Inbox, releases.InboxInput{Organization: organization, Subject: subject})
	_, errs["commit"] = run(b, b.act.Commit, releases.CommitInput{Organization: organization})
	_, errs["check"] = run(b, b.act.Check, releases.CheckInput{Organization: organization, Request: b.request(b.record.BuildID)})
	_, errs["verify"] = run(b, b.act.Verify, releases.PackInput{Organization: organization, Channel: channel, Pack: member.Pack})
	_, errs["examine"] = run(b, b.act.Examine, releases.ExamineInput{
		Organization: organization, Channel: rollout.Record{Members: []rollout.Member{member}}, Candidates: []rollout.Placement{placement(t, member)},
	})
	_, errs["again"] = run(b, b.act.Again, releases.AgainInput{Organization: organization, ReleaseID: "r", Cohort: "canary", Sequence: 1})
	_, errs["sample"] = run(b, b.act.Sample, releases.SampleInput{Organization: organization, ReleaseID: "r", Channel: channel})
	for name, err := range errs {
		var reported *sdk.ApplicationError
		require.ErrorAs(t, err, &reported, name)
		require.Equal(t, string(gates.StoreUnavailable), reported.Type(), name)
		require.False(t, reported.NonRetryable(), name)
	}
}
