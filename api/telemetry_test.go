package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/api/control"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/telemetry"
)

// directory has one release, of alice's organization.
type directory struct{ now time.Time }

func (d directory) Now() time.Time { return d.now }

func (d directory) Known(_ context.Context, organization, id string) (telemetry.Release, bool, error) {
	return telemetry.Release{ID: "r", PackID: "p", Cohorts: map[string]telemetry.Cohort{
		"canary": {Members: map[string]struct{}{"n1": {}}, ActivatedAt: d.now.Add(-time.Minute)},
	}}, organization == records.DefaultOrganization && id == "r", nil
}

// withReleases starts a stack whose server has the directory.
func withReleases(t *testing.T) (*apitest.Stack, time.Time) {
	now := apitest.Epoch
	s := apitest.New(t, func(c *api.Config) {
		taken := c.Telemetry.(control.Telemetry)
		taken.Releases, taken.Clock = directory{now}, directory{now}
		c.Telemetry = taken
	})
	return s, now
}

func execution(id, cohort, node string, at time.Time) json.RawMessage {
	return fmt.Appendf(nil, `{"sample_id": %q, "release_id": "r", "cohort": %q, "node_id": %q, "kind": "execution", "at": %q, "outcome": {"status": "SUCCEEDED"}}`,
		id, cohort, node, at.Format(time.RFC3339Nano))
}

func TestTelemetryIsTakenOrRefusedWithItsCode(t *testing.T) {
	t.Parallel()
	s, now := withReleases(t)
	foreign := json.RawMessage(strings.Replace(string(execution("f", "canary", "n1", now)), "{", `{"organization_id": "`+apitest.OtherOrg+`", `, 1))
	samples := []json.RawMessage{
		execution("a", "canary", "n1", now),
		execution("a", "canary", "n1", now),
		execution("a", "canary", "n1", now.Add(time.Second)),
		execution("b", "canary", "n2", now),
		execution("c", "wide", "n1", now),
		execution("d", "canary", "n1", now.Add(time.Hour)),
		execution("e", "canary", "n1", now.Add(-2*time.Hour)),
		foreign,
		execution("g", "canary", "n1", now.Add(-2*time.Minute)),
		json.RawMessage(`{"release_id": "r", "cohort": "canary", "node_id": "n1", "kind": "execution", "at": "2026-03-01T12:00:00Z", "outcome": {"status": "FINE"}}`),
		json.RawMessage(strings.Replace(string(execution("h", "canary", "n1", now)), `"r"`, `"other"`, 1)),
		json.RawMessage(`null`),
	}
	result, err := s.Client(t).SendTelemetry(t.Context(), samples)
	require.NoError(t, err)
	require.Equal(t, 1, result.Accepted)
	require.Equal(t, 1, result.Duplicate)
	require.Equal(t, 10, result.Refused)
	require.Equal(t, map[string]int{
		"SAMPLE_CONFLICT": 1, "NODE_NOT_IN_COHORT": 1, "COHORT_UNKNOWN": 1, "SAMPLE_IN_FUTURE": 1, "SAMPLE_STALE": 1,
		"ORGANIZATION_FOREIGN": 1, "SAMPLE_BEFORE_ACTIVATION": 1, "SAMPLE_INVALID": 2, "RELEASE_UNKNOWN": 1,
	}, result.Codes)
	for _, refused := range result.Refusals {
		if refused.Index == 9 {
			require.Equal(t, "/outcome/status", refused.Pointer)
		}
		require.NotEmpty(t, refused.Message)
	}

	// Only what counts, or is counted apart in a cohort's window, was stored.
	stored, err := s.Store.Telemetry(t.Context(), records.DefaultOrganization, "r", 0, 100)
	require.NoError(t, err)
	codes := map[telemetry.Code]int{}
	for _, sample := range stored {
		codes[sample.Code]++
	}
	require.Equal(t, map[telemetry.Code]int{telemetry.Counts: 1, telemetry.NodeNotInCohort: 1, telemetry.SampleInFuture: 1,
		telemetry.SampleStale: 1, telemetry.SampleBeforeActivation: 1}, codes)
}

// A release of one organization is unknown to every other, and nothing is stored.
func TestTelemetryOfAnotherOrganizationIsRefused(t *testing.T) {
	t.Parallel()
	s, now := withReleases(t)
	result, err := connect(t, s, apitest.TokenBob).SendTelemetry(t.Context(), []json.RawMessage{execution("a", "canary", "n1", now)})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"RELEASE_UNKNOWN": 1}, result.Codes)
	heads, err := s.Store.TelemetryHeads(t.Context())
	require.NoError(t, err)
	require.Empty(t, heads)
}

func TestTelemetryWithoutReleasesIsRefused(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	result, err := s.Client(t).SendTelemetry(t.Context(), []json.RawMessage{execution("a", "canary", "n1", time.Now())})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"RELEASE_UNKNOWN": 1}, result.Codes)
}

func TestTelemetryBatchesAreBounded(t *testing.T) {
	t.Parallel()
	s, now := withReleases(t)
	var problem *client.Problem
	_, err := s.Client(t).SendTelemetry(t.Context(), nil)
	require.ErrorAs(t, err, &problem)
	many := make([]json.RawMessage, client.MaxTelemetryBatch+1)
	for i := range many {
		many[i] = execution("a", "canary", "n1", now)
	}
	_, err = s.Client(t).SendTelemetry(t.Context(), many)
	require.ErrorAs(t, err, &problem)
	require.Equal(t, "REQUEST_INVALID", problem.ReasonCode)
	_, err = connect(t, s, "nobody").SendTelemetry(t.Context(), many[:1])
	require.ErrorAs(t, err, &problem)
	require.Equal(t, "UNAUTHORIZED", problem.ReasonCode)
}
