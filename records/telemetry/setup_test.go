package telemetry_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/records/telemetry"
)

const (
	acme   = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
	pack   = "pack-2"
	canary = "canary"
)

var activated = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// release has a cohort of three nodes.
func release() telemetry.Release {
	return telemetry.Release{
		ID: "rel-1", PackID: pack, Signals: []string{"latency"},
		Cohorts: map[string]telemetry.Cohort{
			canary: {Members: map[string]struct{}{"n0": {}, "n1": {}, "n2": {}}, ActivatedAt: activated},
			"wide": {Members: map[string]struct{}{"n3": {}}},
		},
	}
}

// sampleJSON is a valid sample of a kind, as it is sent.
func sampleJSON(kind telemetry.Kind) map[string]any {
	sample := map[string]any{"release_id": "rel-1", "cohort": canary, "node_id": "n1", "kind": kind, "at": "2026-03-01T12:00:10Z"}
	switch kind {
	case telemetry.KindNodeState:
		sample["node_state"] = map[string]any{
			"state_id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "instance_id": "n1", "environment": "production", "created_at": "2026-03-01T12:00:10Z",
			"active":    map[string]any{"channel": "stable", "pack_id": pack, "activated_at": "2026-03-01T12:00:05Z"},
			"installed": []any{map[string]any{"pack_id": pack, "installed_at": "2026-03-01T12:00:01Z", "status": "VERIFIED", "manifest_ref": digestJSON()}},
			"pins":      map[string]any{"revoked_pack_ids": []any{}},
			"last_attempt": map[string]any{"type": "ACTIVATE", "target_pack_id": pack, "status": "SUCCEEDED",
				"started_at": "2026-03-01T12:00:04Z", "finished_at": "2026-03-01T12:00:05Z"},
			"health": map[string]any{"status": "HEALTHY", "signals": []any{map[string]any{"name": "latency", "value": 1.5, "unit": "ms"}}},
		}
	case telemetry.KindHealth:
		sample["health"] = map[string]any{"status": "DEGRADED", "signals": []any{}}
	default:
		sample["outcome"] = map[string]any{"status": "SUCCEEDED", "duration_ms": 120}
	}
	return sample
}

func digestJSON() map[string]any {
	return map[string]any{"alg": "sha256", "value": fmt.Sprintf("%064d", 7)}
}

var kinds = []telemetry.Kind{
	telemetry.KindNodeState, telemetry.KindActivation, telemetry.KindVerification, telemetry.KindExecution, telemetry.KindHealth,
}

func read(t require.TestingT, sample any) telemetry.Item {
	encoded, err := json.Marshal(sample)
	require.NoError(t, err)
	item, err := telemetry.Read(encoded)
	require.NoError(t, err)
	return item
}

// samples draws stored samples of the canary, some of which do not count.
func samples(t *rapid.T) []telemetry.Stored {
	var drawn []telemetry.Stored
	for i := range rapid.IntRange(1, 30).Draw(t, "samples") {
		sent := sampleJSON(rapid.SampledFrom(kinds).Draw(t, "kind"))
		node := fmt.Sprintf("n%d", rapid.IntRange(0, 3).Draw(t, "node"))
		at := activated.Add(time.Duration(rapid.IntRange(-2, 20).Draw(t, "second")) * time.Second).Format(time.RFC3339)
		sent["node_id"], sent["at"] = node, at
		if state, is := sent["node_state"].(map[string]any); is {
			state["instance_id"], state["created_at"] = node, at
			state["state_id"] = fmt.Sprintf("6ba7b810-9dad-11d1-80b4-%012d", i)
			state["active"].(map[string]any)["pack_id"] = rapid.SampledFrom([]string{pack, "pack-1"}).Draw(t, "pack")
			state["health"].(map[string]any)["status"] = rapid.SampledFrom([]telemetry.Phase{
				telemetry.Healthy, telemetry.Degraded, telemetry.Unknown, telemetry.Unhealthy}).Draw(t, "health")
		}
		if outcome, is := sent["outcome"].(map[string]any); is {
			outcome["duration_ms"] = rapid.Int64Range(0, telemetry.MaxValue).Draw(t, "duration")
			outcome["status"] = rapid.SampledFrom([]telemetry.Status{telemetry.Succeeded, telemetry.Failed}).Draw(t, "status")
		}
		code := rapid.SampledFrom([]telemetry.Code{telemetry.Counts, telemetry.Counts, telemetry.Counts, telemetry.SampleStale}).Draw(t, "code")
		drawn = append(drawn, telemetry.Stored{Position: int64(i + 1), Code: code, Sample: read(t, sent).Sample})
	}
	return drawn
}

// reduce returns the window after each sample.
func reduce(t require.TestingT, stored []telemetry.Stored) []telemetry.Window {
	r := telemetry.NewReducer(acme, release(), canary)
	var windows []telemetry.Window
	for _, s := range stored {
		r.Add(s)
		w, err := r.Window()
		require.NoError(t, err)
		windows = append(windows, w)
	}
	return windows
}

func last(windows []telemetry.Window) telemetry.Window { return windows[len(windows)-1] }

// node is a sample of another node.
func node(s telemetry.Stored, id string) telemetry.Stored {
	s.NodeID = id
	return s
}

func stored(t testing.TB, position int64, sent map[string]any) telemetry.Stored {
	return telemetry.Stored{Position: position, Sample: read(t, sent).Sample}
}
