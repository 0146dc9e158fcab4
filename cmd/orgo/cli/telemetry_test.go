package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/api/control"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records/telemetry"
)

// releases knows one release.
type releases struct{}

func (releases) Known(_ context.Context, _, id string) (telemetry.Release, bool, error) {
	return telemetry.Release{ID: "r", Cohorts: map[string]telemetry.Cohort{
		"canary": {Members: map[string]struct{}{"n1": {}}, ActivatedAt: time.Now().Add(-time.Hour)},
	}}, id == "r", nil
}

func setupTelemetry(t *testing.T) *bench {
	b := &bench{data: t.TempDir(), Stack: apitest.New(t, func(c *api.Config) {
		taken := c.Telemetry.(control.Telemetry)
		taken.Releases = releases{}
		c.Telemetry = taken
	})}
	require.NoError(t, client.SaveDirectory(b.data, client.Options{URL: b.URL, Token: apitest.TokenAlice}))
	return b
}

func sampleLines(release string, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"sample_id": "%s-%d", "release_id": %q, "cohort": "canary", "node_id": "n1", "kind": "activation", "at": %q, "outcome": {"status": "SUCCEEDED"}}`,
			release, i, release, time.Now().Format(time.RFC3339))
	}
	return lines
}

func TestTelemetrySend(t *testing.T) {
	t.Parallel()
	b := setupTelemetry(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "samples")
	good := sampleLines("r", 2500) // more than a batch
	write(t, dir, "samples", strings.Join(good, "\n")+"\n")
	r := b.orgo(t, "telemetry", "send", path)
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "accepted   2500")

	write(t, dir, "samples", "["+strings.Join(append(good[:1:1], sampleLines("unknown", 2)...), ",")+"]")
	r = b.orgo(t, "telemetry", "send", path, "-o", "json")
	require.Equal(t, 1, r.code)
	var result client.TelemetryResult
	require.NoError(t, json.Unmarshal([]byte(r.out), &result))
	require.Equal(t, 1, result.Duplicate)
	require.Equal(t, map[string]int{"RELEASE_UNKNOWN": 2}, result.Codes)
	require.Equal(t, 1, result.Refusals[0].Index)
	require.Contains(t, r.err, `"reason_code": "RELEASE_UNKNOWN"`)
	r = b.orgo(t, "telemetry", "send", path)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.out, "sample 2: RELEASE_UNKNOWN")
}

func TestTelemetryFilesThatAreNone(t *testing.T) {
	t.Parallel()
	b := setupTelemetry(t)
	dir := t.TempDir()
	line := sampleLines("r", 1)[0]
	for text, want := range map[string]int{
		"": 2, "  \n": 2, "[]": 2, "{": 1, "[" + line: 1, "[" + line + ",": 1, "[" + line + "] 1": 1, line + "\n" + line[:20]: 1,
	} {
		write(t, dir, "samples", text)
		r := b.orgo(t, "telemetry", "send", filepath.Join(dir, "samples"))
		require.Equal(t, want, r.code, "%q: %s", text, r.err)
	}
	require.Equal(t, 1, b.orgo(t, "telemetry", "send", filepath.Join(dir, "none")).code)
	require.Equal(t, 2, b.orgo(t, "telemetry", "send").code)
}
