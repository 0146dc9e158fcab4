package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

func testCaseCounts(t *testing.T, f fixture) {
	ctx := t.Context()
	require.Empty(t, must(f.store.CountOpenCases(ctx, caseBegan))(t))
	severity := func(s string) func(*cases.Opened) { return func(o *cases.Opened) { o.Route.Severity = s } }
	one, two, ended := NewCaser(t, acme, "one"), NewCaser(t, other, "two"), NewCaser(t, acme, "ended")
	must(f.store.Append(ctx, one.Opened(severity("SEV1"))))(t)
	must(f.store.Append(ctx, two.Opened(severity("SEV1"))))(t)
	must(f.store.Append(ctx, NewCaser(t, acme, "three").Opened(severity("SEV3"))))(t)
	must(f.store.Append(ctx, ended.Opened(severity("SEV1"))))(t)
	must(f.store.Append(ctx, ended.Act("ann", cases.TypeMoved, cases.Moved{To: cases.Cancelled})))(t)

	require.Equal(t, []store.OpenCases{{Severity: "SEV1", Count: 2}, {Severity: "SEV3", Count: 1}}, must(f.store.CountOpenCases(ctx, caseBegan))(t))
	late := caseBegan.Add(2 * time.Hour) // an hour after the response was due
	require.Equal(t, []store.OpenCases{{Severity: "SEV1", Count: 2, Overdue: 2}, {Severity: "SEV3", Count: 1, Overdue: 1}},
		must(f.store.CountOpenCases(ctx, late))(t))
	// What paused has no deadline that runs.
	must(f.store.Append(ctx, one.Act("ann", cases.TypeMoved, cases.Moved{To: cases.Blocked})))(t)
	require.EqualValues(t, 1, must(f.store.CountOpenCases(ctx, late))(t)[0].Overdue)
}
