package target_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/telemetry"
)

func TestNodeStateHasTheShapeOfTheContract(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.open(t, target.Unwatched{})
	publish(t, dir, b.index(t, 1, 1))
	node, err := target.NodeStateOf(observe(t, dir), "canary", target.Stamp{
		StateID: "00000000-0000-4000-8000-000000000002", Observed: start.Add(time.Hour), Started: start,
	})
	require.NoError(t, err)
	require.Equal(t, telemetry.Succeeded, node.LastAttempt.Status)
	require.Equal(t, telemetry.Healthy, node.Health.Status)

	data, err := json.Marshal(node)
	require.NoError(t, err)
	var whole map[string]any
	require.NoError(t, json.Unmarshal(data, &whole))
	keys := func(v any) []string { return slices.Sorted(maps.Keys(v.(map[string]any))) }
	first := func(v any) any { return v.([]any)[0] }
	require.Equal(t, []string{"active", "created_at", "environment", "health", "installed", "instance_id", "last_attempt", "pins", "state_id", "telemetry_refs"}, keys(whole))
	require.Equal(t, []string{"activated_at", "channel", "exchange_ref", "pack_id"}, keys(whole["active"]))
	require.Equal(t, []string{"installed_at", "manifest_ref", "pack_id", "status"}, keys(first(whole["installed"])))
	require.Equal(t, []string{"alg", "value"}, keys(first(whole["installed"]).(map[string]any)["manifest_ref"]))
	require.Equal(t, []string{"revoked_pack_ids"}, keys(whole["pins"]))
	require.Equal(t, []string{"finished_at", "started_at", "status", "target_pack_id", "type"}, keys(whole["last_attempt"]))
	require.Equal(t, []string{"signals", "status"}, keys(whole["health"]))
	require.Equal(t, []string{"name", "value"}, keys(first(whole["health"].(map[string]any)["signals"])))
	require.Empty(t, whole["telemetry_refs"])
}

func TestWhatWasNotObservedHasNoNodeState(t *testing.T) {
	t.Parallel()
	_, err := target.NodeStateOf(target.State{}, "canary", target.Stamp{})
	requireCode(t, gates.EvidenceMissing, err)
}
