package gates_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// glassRules lets two gates be overridden.
const glassRules = `override {"gates":["rollout-health","freeze"],"max_duration":"24h"}`

// glass returns a break-glass that is in order, for a refusal of the health gate, and
// the context in which it is.
func glass(t *testing.T, rules ...string) (gates.Context, gates.GlassInputs) {
	t.Helper()
	c := context(records.Activate)
	c.Subject = gates.Subject{ReleaseID: "rel_1", Channel: "production/stable", Generation: 1, Cohort: "canary", Pack: digest("pack").String()}
	if len(rules) == 0 {
		rules = []string{glassRules}
	}
	c.Rules = parsed(t, append(rules, healthRule)...)
	early := soundWindow()
	early.Ended = false
	refused := gates.Health(c, early)
	require.False(t, refused.Permits())
	return c, gates.GlassInputs{
		Glass: release.BreakGlass{
			CaseID: "6ba7b810-9dad-11d1-80b4-00c04fd430c8", Reason: "outage", Gates: []string{"rollout-health"}, Intent: digest("intent"), Stage: 1,
			By: []string{"ann", "bob"}, OpenedAt: at.Add(-time.Hour), ExpiresAt: at.Add(3 * time.Hour), ReviewBy: at.Add(72 * time.Hour),
		},
		ReleaseID: "rel_1", Requester: "ann", Intent: digest("intent"), Stage: 1, Refused: refused,
	}
}

// Two persons let one release past one refusal, which stays, and it is said who.
func TestBreakGlassIsADecisionBesideTheRefusal(t *testing.T) {
	t.Parallel()
	c, in := glass(t)
	require.Empty(t, gates.GlassFaults(c, in))
	d := gates.BreakGlass(c, in)
	require.Equal(t, gates.Pass, d.Verdict, "%v", d.Findings)
	require.Equal(t, gates.GateHealth, d.Gate)
	require.Equal(t, c.Subject, d.Subject)
	require.Equal(t, &gates.Override{Actor: "ann", ConfirmedBy: "bob", Reason: "outage", CaseID: in.Glass.CaseID, ExpiresAt: in.Glass.ExpiresAt,
		Of: in.Refused.InputsDigest, BreakGlass: true}, d.Override)
	require.False(t, in.Refused.Permits(), "the refusal stays")

	again, err := gates.Replay(stored(t, d), c.Rules)
	require.NoError(t, err)
	require.Equal(t, canonical(t, d), canonical(t, again))
	tampered := stored(t, d)
	tampered.Override.BreakGlass = false
	_, err = gates.Replay(tampered, c.Rules)
	require.ErrorIs(t, err, gates.ErrNotReplayable, "it is no override of one person")
}

// Each fault alone refuses, with its code. admitted says of which faults nothing is
// known before it is used.
func TestBreakGlassRefuses(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		plant    func(*gates.Context, *gates.GlassInputs)
		code     gates.Code
		admitted bool
	}{
		"one person":              {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.By = in.Glass.By[:1] }, gates.GlassUnconfirmed, true},
		"one person, twice":       {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.By = []string{"ann", "ann"} }, gates.GlassUnconfirmed, false},
		"nobody":                  {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.By = nil }, gates.OverrideIncomplete, false},
		"a crowd":                 {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.By = []string{"ann", "bob", "cem"} }, gates.OverrideIncomplete, false},
		"opened by the system":    {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.By = []string{"orgo", "bob"} }, gates.OverrideForbidden, false},
		"confirmed by the system": {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.By = []string{"ann", "orgo"} }, gates.OverrideForbidden, false},
		"confirmed by nobody":     {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.By = []string{"ann", ""} }, gates.OverrideForbidden, false},
		"integrity":               {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.Gates = []string{"integrity"} }, gates.OverrideForbidden, false},
		"contract, with another":  {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.Gates = []string{"rollout-health", "contract"} }, gates.OverrideForbidden, false},
		"validation": {func(_ *gates.Context, in *gates.GlassInputs) {
			in.Glass.Gates = []string{"rollout-health", "validation"}
		}, gates.OverrideForbidden, false},
		"stage order": {func(_ *gates.Context, in *gates.GlassInputs) {
			in.Glass.Gates = []string{"rollout-health", "stage-dependency"}
		}, gates.OverrideForbidden, false},
		"all of them": {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.Gates = []string{"rollout-health", "*"} }, gates.OverrideForbidden, false},
		"one the policy keeps": {func(_ *gates.Context, in *gates.GlassInputs) {
			in.Glass.Gates = []string{"rollout-health", "approvals"}
		}, gates.OverrideForbidden, false},
		"none":                   {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.Gates = nil }, gates.OverrideIncomplete, false},
		"another one":            {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.Gates = []string{"freeze"} }, gates.GlassOutOfScope, true},
		"no policy":              {func(c *gates.Context, _ *gates.GlassInputs) { c.Rules = gates.Ruleset{} }, gates.OverrideForbidden, false},
		"no case":                {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.CaseID = "" }, gates.OverrideIncomplete, false},
		"a case by another name": {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.CaseID = "INC-1" }, gates.OverrideIncomplete, false},
		"no reason":              {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.Reason = "" }, gates.OverrideIncomplete, false},
		"no intent": {func(_ *gates.Context, in *gates.GlassInputs) {
			in.Glass.Intent, in.Intent = records.Digest{}, records.Digest{}
		}, gates.OverrideIncomplete, false},
		"another intent":      {func(_ *gates.Context, in *gates.GlassInputs) { in.Intent = digest("changed") }, gates.GlassOutOfScope, true},
		"another release":     {func(_ *gates.Context, in *gates.GlassInputs) { in.ReleaseID = "rel_2" }, gates.GlassOutOfScope, true},
		"no release":          {func(_ *gates.Context, in *gates.GlassInputs) { in.ReleaseID = "" }, gates.OverrideIncomplete, false},
		"a requester unknown": {func(_ *gates.Context, in *gates.GlassInputs) { in.Requester = "" }, gates.OverrideIncomplete, false},
		"the next stage":      {func(_ *gates.Context, in *gates.GlassInputs) { in.Stage = 2 }, gates.GlassOutOfScope, true},
		"no stage":            {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.Stage, in.Stage = -1, -1 }, gates.OverrideIncomplete, false},
		"never opened":        {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.OpenedAt = time.Time{} }, gates.OverrideIncomplete, false},
		"to be opened":        {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.OpenedAt = at.Add(1) }, gates.OverrideIncomplete, false},
		"for longer": {func(_ *gates.Context, in *gates.GlassInputs) {
			in.Glass.ExpiresAt = in.Glass.OpenedAt.Add(gates.MaxGlass + 1)
		}, gates.OverrideIncomplete, false},
		"for ever":             {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.ExpiresAt = time.Time{} }, gates.GlassExpired, false},
		"expired":              {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.ExpiresAt = at }, gates.GlassExpired, false},
		"never reviewed":       {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.ReviewBy = time.Time{} }, gates.OverrideIncomplete, false},
		"reviewed some day":    {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.ReviewBy = at.Add(8760 * time.Hour) }, gates.OverrideIncomplete, false},
		"used":                 {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.Used = true }, gates.GlassUsed, true},
		"over":                 {func(_ *gates.Context, in *gates.GlassInputs) { in.Glass.Reviewed = json.RawMessage(`{}`) }, gates.GlassUsed, true},
		"one before is open":   {func(_ *gates.Context, in *gates.GlassInputs) { in.OverdueReview = "rel_0" }, gates.GlassReviewOverdue, false},
		"what was no refusal":  {func(_ *gates.Context, in *gates.GlassInputs) { in.Refused.Verdict = gates.Pass }, gates.GlassOutOfScope, true},
		"of another cohort":    {func(_ *gates.Context, in *gates.GlassInputs) { in.Refused.Subject.Cohort = "rest" }, gates.GlassOutOfScope, true},
		"of another pack":      {func(_ *gates.Context, in *gates.GlassInputs) { in.Refused.Subject.Pack = "" }, gates.GlassOutOfScope, true},
		"under another policy": {func(_ *gates.Context, in *gates.GlassInputs) { in.Refused.PolicyDigest = digest("another") }, gates.GlassOutOfScope, true},
		"of what nobody knows": {func(_ *gates.Context, in *gates.GlassInputs) { in.Refused.InputsDigest = records.Digest{} }, gates.GlassOutOfScope, true},
		"of a break-glass": {func(c *gates.Context, in *gates.GlassInputs) {
			before := *in
			before.Glass.By = []string{"ann"}
			in.Refused = gates.BreakGlass(*c, before)
		}, gates.GlassOutOfScope, true},
		"of integrity": {func(_ *gates.Context, in *gates.GlassInputs) { in.Refused.Gate = gates.GateIntegrity }, gates.GlassOutOfScope, true},
		"nothing":      {func(_ *gates.Context, in *gates.GlassInputs) { *in = gates.GlassInputs{} }, gates.OverrideIncomplete, false},
	} {
		c, in := glass(t)
		x.plant(&c, &in)
		d := gates.BreakGlass(c, in)
		require.False(t, d.Permits(), name)
		require.Contains(t, d.Codes, x.code, name)
		require.Equal(t, x.admitted, len(gates.GlassFaults(c, in)) == 0, name)
		require.NotNil(t, d.Override, name)
	}
}

// The policy may ask for less time, and for others than the requester.
func TestBreakGlassKeepsToThePolicy(t *testing.T) {
	t.Parallel()
	c, in := glass(t, `override {"gates":["rollout-health"],"max_duration":"2h","separate":true}`)
	require.Equal(t, []gates.Code{gates.OverrideForbidden, gates.OverrideIncomplete}, gates.BreakGlass(c, in).Codes)
	in.Glass.ExpiresAt, in.Requester = at.Add(time.Hour), "rita"
	require.True(t, gates.BreakGlass(c, in).Permits())
	in.Requester = "bob"
	require.Equal(t, []gates.Code{gates.OverrideForbidden}, gates.BreakGlass(c, in).Codes)
}

// Nobody passes an override of one person off as a break-glass.
func TestAnOverrideIsNoBreakGlass(t *testing.T) {
	t.Parallel()
	c, in := glass(t)
	o := gates.Override{Actor: "olga", Reason: "outage", CaseID: "c", ExpiresAt: at.Add(time.Hour), Of: in.Refused.InputsDigest}
	require.True(t, gates.Overrule(c, in.Refused, "rita", o).Permits())
	o.ConfirmedBy = "bob"
	require.False(t, gates.Overrule(c, in.Refused, "rita", o).Permits())
	o.ConfirmedBy, o.BreakGlass = "", true
	require.False(t, gates.Overrule(c, in.Refused, "rita", o).Permits())
}
