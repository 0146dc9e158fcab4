package telemetry_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/telemetry"
)

func TestAdmission(t *testing.T) {
	t.Parallel()
	now := activated.Add(2 * time.Hour)
	for name, c := range map[string]struct {
		change func(*telemetry.Sample, *telemetry.Admission)
		want   telemetry.Code
	}{
		"a sample now":         {func(*telemetry.Sample, *telemetry.Admission) {}, telemetry.Counts},
		"the own organization": {func(s *telemetry.Sample, _ *telemetry.Admission) { s.OrganizationID = acme }, telemetry.Counts},
		"a foreign one":        {func(s *telemetry.Sample, _ *telemetry.Admission) { s.OrganizationID = "other" }, telemetry.OrganizationForeign},
		"no release":           {func(_ *telemetry.Sample, a *telemetry.Admission) { a.Found = false }, telemetry.ReleaseUnknown},
		"another release":      {func(s *telemetry.Sample, _ *telemetry.Admission) { s.ReleaseID = "rel-2" }, telemetry.ReleaseUnknown},
		"no cohort":            {func(s *telemetry.Sample, _ *telemetry.Admission) { s.Cohort = "none" }, telemetry.CohortUnknown},
		"the wrong cohort":     {func(s *telemetry.Sample, _ *telemetry.Admission) { s.Cohort = "wide" }, telemetry.NodeNotInCohort},
		"a stranger":           {func(s *telemetry.Sample, _ *telemetry.Admission) { s.NodeID = "n9" }, telemetry.NodeNotInCohort},
		"almost the future":    {func(s *telemetry.Sample, _ *telemetry.Admission) { s.At = now.Add(30 * time.Second) }, telemetry.Counts},
		"the future":           {func(s *telemetry.Sample, _ *telemetry.Admission) { s.At = now.Add(30*time.Second + 1) }, telemetry.SampleInFuture},
		"almost stale":         {func(s *telemetry.Sample, _ *telemetry.Admission) { s.At = now.Add(-time.Hour) }, telemetry.Counts},
		"stale":                {func(s *telemetry.Sample, _ *telemetry.Admission) { s.At = now.Add(-time.Hour - 1) }, telemetry.SampleStale},
		"before activation": {func(s *telemetry.Sample, a *telemetry.Admission) {
			a.Now, s.At = activated, activated.Add(-1)
		}, telemetry.SampleBeforeActivation},
		"not yet activated": {func(s *telemetry.Sample, _ *telemetry.Admission) { s.Cohort, s.NodeID = "wide", "n3" }, telemetry.SampleBeforeActivation},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sample := read(t, sampleJSON(telemetry.KindExecution)).Sample
			sample.At = now
			admission := telemetry.Admission{Organization: acme, Release: release(), Found: true, Now: now}
			c.change(&sample, &admission)
			require.Equal(t, c.want, admission.Admit(sample))
		})
	}
}
