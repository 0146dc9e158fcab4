package telemetry_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/telemetry"
)

func TestSamplesAreRead(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			item := read(t, sampleJSON(kind))
			require.Equal(t, item.Digest.String(), item.ID, "without an id, equal samples are one")
			again, err := telemetry.ReadStored(item.Body)
			require.NoError(t, err)
			require.Equal(t, item.Sample, again)

			// The zone in which a time is written does not make it another sample.
			sent := sampleJSON(kind)
			if kind != telemetry.KindNodeState {
				sent["at"] = "2026-03-01T13:00:10+01:00"
			}
			sent["sample_id"], sent["organization_id"] = "mine", acme
			named := read(t, sent)
			require.Equal(t, "mine", named.ID)
			require.Equal(t, item.Body, named.Body)
		})
	}
}

func TestBadSamplesAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for pointer, c := range map[string]struct {
		kind   telemetry.Kind
		change func(map[string]any)
	}{
		"/release_id":               {"execution", set("release_id", "")},
		"/cohort":                   {"execution", set("cohort", "a b")},
		"/node_id":                  {"execution", set("node_id", strings.Repeat("n", 201))},
		"/sample_id":                {"execution", set("sample_id", "sha256:of-another")},
		"/kind":                     {"execution", set("kind", "rumour")},
		"/at":                       {"execution", set("at", "yesterday")},
		"/fine":                     {"execution", set("fine", true)},
		"/Cohort":                   {"execution", set("Cohort", "canary")},
		"/outcome":                  {"execution", set("outcome", nil)},
		"/health":                   {"execution", set("health", map[string]any{"status": "HEALTHY", "signals": []any{}})},
		"/outcome/status":           {"execution", set("outcome", map[string]any{"status": "FINE"})},
		"/outcome/duration_ms":      {"execution", set("outcome", map[string]any{"status": "FAILED", "duration_ms": -1})},
		"/outcome/reason_code":      {"execution", set("outcome", map[string]any{"status": "FAILED", "reason_code": "a\u0000b"})},
		"/health/status":            {"health", set("health", map[string]any{"status": "FAILED", "signals": []any{}})},
		"/health/signals/0/value":   {"health", set("health", map[string]any{"status": "HEALTHY", "signals": []any{map[string]any{"name": "x", "value": "NaN"}}})},
		"/health/signals/1/name":    {"health", set("health", map[string]any{"status": "HEALTHY", "signals": []any{map[string]any{"name": "x", "value": 1}, map[string]any{"name": "x", "value": 1}}})},
		"/node_state/state_id":      {"node_state", setState("state_id", "one")},
		"/node_state/instance_id":   {"node_state", setState("instance_id", "n2")},
		"/node_state/created_at":    {"node_state", setState("created_at", "2026-03-01T12:00:11Z")},
		"/node_state/environment":   {"node_state", setState("environment", "")},
		"/node_state/health/status": {"node_state", setState("health", map[string]any{"status": "", "signals": []any{}})},
		"/node_state/installed":     {"node_state", setState("installed", nil)},
		"/node_state/active/pack_id": {"node_state", setState("active",
			map[string]any{"channel": "stable", "pack_id": "", "activated_at": "2026-03-01T12:00:05Z"})},
		"/node_state/installed/0/manifest_ref": {"node_state", setState("installed", []any{map[string]any{
			"pack_id": pack, "installed_at": "2026-03-01T12:00:01Z", "status": "VERIFIED", "manifest_ref": map[string]any{"alg": "md5", "value": "00"}}})},
	} {
		t.Run(pointer, func(t *testing.T) {
			t.Parallel()
			sample := sampleJSON(c.kind)
			c.change(sample)
			encoded, err := json.Marshal(sample)
			require.NoError(t, err)
			requireProblem(t, encoded, pointer)
		})
	}
}

func TestTextThatIsNoSampleIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `{`, `[]`, `null`, `{} {}`, `{"kind":"health","kind":"health"}`, "{\"cohort\":\"\xff\"}", `"` + strings.Repeat("x", telemetry.MaxSampleBytes) + `"`} {
		var invalid *telemetry.InvalidSample
		_, err := telemetry.Read([]byte(text))
		require.ErrorAs(t, err, &invalid, text)
		require.NotEmpty(t, invalid.Problems)
	}
}

func requireProblem(t *testing.T, sent []byte, pointer string) {
	t.Helper()
	_, err := telemetry.Read(sent)
	var invalid *telemetry.InvalidSample
	require.ErrorAs(t, err, &invalid)
	var pointers []string
	for _, problem := range invalid.Problems {
		pointers = append(pointers, problem.Pointer)
		require.NotEmpty(t, problem.Message)
	}
	require.Equal(t, []string{pointer}, pointers, err.Error())
}

func set(member string, value any) func(map[string]any) {
	return func(sample map[string]any) { sample[member] = value }
}

func setState(member string, value any) func(map[string]any) {
	return func(sample map[string]any) { set(member, value)(sample["node_state"].(map[string]any)) }
}
