package workflows_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/workflows"
)

const caseID = "22222222-2222-4222-8222-222222222222"

// overridable is a policy that refuses where the inputs come from, and lets that
// be overridden.
func overridable() map[string]any {
	document := policy()
	rules := []any{
		map[string]any{"rule_id": "source", "type": "provenance", "config": map[string]any{"allowed_sources": []any{"file:///elsewhere/"}}},
		map[string]any{"rule_id": "override", "type": "override", "config": map[string]any{"gates": []any{"provenance"}, "max_duration": "4h", "separate": true}},
	}
	first := document["policies"].([]any)[0].(map[string]any)
	first["rules"] = append(first["rules"].([]any), rules...)
	return document
}

// updated is how an update of a running build ended.
type updated struct {
	t        *testing.T
	accepted *workflows.Accepted
	err      error
}

func (u *updated) Accept()          {}
func (u *updated) Reject(err error) { u.err = err }
func (u *updated) Complete(result any, err error) {
	u.err = err
	if accepted, is := result.(workflows.Accepted); is && err == nil {
		u.accepted = &accepted
	}
}

func (u *updated) refusedWith(code gates.Code) {
	u.t.Helper()
	var refused *temporal.ApplicationError
	require.ErrorAs(u.t, u.err, &refused)
	require.Equal(u.t, string(code), refused.Type())
}

func (b *bench) override(after time.Duration, change func(*workflows.OverrideRequest)) *updated {
	u := &updated{t: b.t}
	b.env.RegisterDelayedCallback(func() {
		request := workflows.OverrideRequest{
			Actor: "bob", Reason: "the source moved", Gate: gates.GateProvenance, CaseID: caseID, ExpiresAt: b.env.Now().Add(time.Hour),
		}
		change(&request)
		b.env.UpdateWorkflow(workflows.UpdateOverride, time.Now().String(), u, request)
	}, after)
	return u
}

func decisionsOf(t *testing.T, entries []records.Entry, entryType string) []gates.Decision {
	t.Helper()
	var decisions []gates.Decision
	for _, entry := range entries {
		if entry.Type == entryType {
			var d gates.Decision
			require.NoError(t, json.Unmarshal(entry.Body, &d))
			decisions = append(decisions, d)
		}
	}
	return decisions
}

// An override is a second decision beside the refusal: the build goes on, and its
// record shows both.
func TestARefusalIsOverridden(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.request(waiting(pipeline(), "1h"), overridable())
	allowed := b.override(time.Minute, func(*workflows.OverrideRequest) {})
	outcome, view, entries := b.run(in)
	require.NoError(t, allowed.err)
	require.Equal(t, records.BuildRunning, allowed.accepted.State)
	require.Equal(t, records.BuildPassed, outcome.State, "%+v", view)
	require.Equal(t, 1, b.faults.calls[records.Ingest], "nothing is done again")

	refusals := decisionsOf(t, entries, records.TypeGateFailed)
	require.Len(t, refusals, 1)
	require.Equal(t, []gates.Code{gates.SourceNotAllowed}, refusals[0].Codes)
	overrides := decisionsOf(t, entries, records.TypeGateOverridden)
	require.Len(t, overrides, 1)
	require.Equal(t, gates.GateProvenance, overrides[0].Gate)
	require.Equal(t, refusals[0].InputsDigest, overrides[0].Override.Of)
	require.Equal(t, "bob", overrides[0].Override.Actor)
	require.Equal(t, caseID, overrides[0].Override.CaseID)

	record := b.recordOf(entries)
	require.Len(t, record.Decisions, 5+2*5+1+1+1, "the refusal and the override, too")
	require.Len(t, record.Actions, 1)
	require.Equal(t, records.ActionOverride, record.Actions[0].Action)
	require.Equal(t, "provenance", record.Actions[0].Gate)
}

// What may not be overridden is not, whoever asks: the attempt is recorded, and
// the build ends as it would have.
func TestOverridesAreRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		policy   map[string]any
		change   func(*workflows.OverrideRequest)
		code     gates.Code
		recorded bool // as a decision
	}{
		"by who asked for the build":    {overridable(), func(r *workflows.OverrideRequest) { r.Actor = "ann" }, gates.OverrideForbidden, true},
		"for longer than admitted":      {overridable(), func(r *workflows.OverrideRequest) { r.ExpiresAt = r.ExpiresAt.Add(4 * time.Hour) }, gates.OverrideIncomplete, true},
		"that has expired":              {overridable(), func(r *workflows.OverrideRequest) { r.ExpiresAt = r.ExpiresAt.Add(-2 * time.Hour) }, gates.OverrideIncomplete, true},
		"without a case":                {overridable(), func(r *workflows.OverrideRequest) { r.CaseID = "" }, gates.OverrideIncomplete, true},
		"of a gate that did not refuse": {overridable(), func(r *workflows.OverrideRequest) { r.Gate = gates.GateIntegrity }, gates.InvalidTransition, false},
		"without a reason":              {overridable(), func(r *workflows.OverrideRequest) { r.Reason = "" }, gates.RequestInvalid, false},
		"without an actor":              {overridable(), func(r *workflows.OverrideRequest) { r.Actor = "" }, gates.RequestInvalid, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			in := b.request(waiting(pipeline(), "1h"), c.policy)
			u := b.override(time.Minute, c.change)
			outcome, _, entries := b.run(in)
			u.refusedWith(c.code)
			require.Equal(t, records.BuildBlocked, outcome.State)
			require.Zero(t, b.faults.calls[records.Extract])
			require.Empty(t, decisionsOf(t, entries, records.TypeGateOverridden))
			require.Equal(t, c.recorded, len(decisionsOf(t, entries, records.TypeOverrideRefused)) == 1)
		})
	}
}

// No policy lets validation be overridden: the build waits, and an override of it
// is refused, also by a raw update.
func TestValidationIsNeverOverridden(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults.run[records.Validate] = b.rewrite(func([]byte) []byte { return []byte("{}") })
	in := b.request(waiting(pipeline(), "1h"), policy())
	u := b.override(time.Minute, func(r *workflows.OverrideRequest) { r.Gate = gates.GateValidation })
	outcome, _, entries := b.run(in)
	u.refusedWith(gates.OverrideForbidden)
	require.Equal(t, records.BuildBlocked, outcome.State)
	require.Zero(t, b.faults.calls[records.Compile])
	require.Len(t, decisionsOf(t, entries, records.TypeOverrideRefused), 1)
}
