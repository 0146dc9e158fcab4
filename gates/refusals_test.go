package gates_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Every family refuses what it does not know, what has another type, and what
// could never refuse, and says where.
func TestFamiliesRefuse(t *testing.T) {
	t.Parallel()
	revoked := digest("x").String()
	cel := func(config string) string { return `cel {"gate":"provenance","message":"m",` + config + `}` }
	const witness = `"refuses":{"files":9}`
	const handled = `{"label":"1000.1.1.Ops","owners":[{"kind":"team","id":"ops"}],"priority":"HIGH","visibility":"INTERNAL"}`
	routed := func(rules string) string { return `case_routing {"rules":[` + rules + `],"default":` + handled + `}` }
	cases := []struct{ rule, pointer string }{
		{`stage_dependency {"off":true}`, "/off"},
		{`stage_dependency []`, ""},
		{`integrity {"of":1}`, "/of"},
		{`integrity {"max_bytes":"1"}`, "/max_bytes"},
		{`integrity {"max_bytes":-1}`, "/max_bytes"},
		{`integrity {"max_bytes":1.5}`, "/max_bytes"},
		{`integrity {"revoked":["sha256:00"]}`, "/revoked/0"},
		{`integrity {"revoked":["` + revoked + `","latest"]}`, "/revoked/1"},
		{`integrity {"signed":["claims"]}`, "/signers"},
		{`integrity {"signers":["key"]}`, "/signed"},
		{`integrity {"signed":["cliams"],"signers":["key"]}`, "/signed/0"},
		{`contract {"set":[]}`, "/set"},
		{`contract {"sets":["latest"]}`, "/sets/0"},
		{`contract {"sets":"` + revoked + `"}`, "/sets"},
		{`provenance {"allowed":["a"]}`, "/allowed"},
		{`provenance {"allowed_sources":[""]}`, "/allowed_sources/0"},
		{`provenance {"allowed_sources":[1]}`, "/allowed_sources/0"},
		{`provenance {}`, ""},
		{`validation {"admit":["passed"],"max":1}`, "/max"},
		{`validation {"admit":"passed"}`, "/admit"},
		{`validation {"admit":["failed"]}`, "/admit/0"},
		{`validation {"admit":["passed"],"max_by_severity":{"ERROR":-1}}`, "/max_by_severity/ERROR"},
		{`determinism {"reproduced":1,"or":2}`, "/or"},
		{`determinism {"reproduced":[1]}`, "/reproduced"},
		{`determinism {"reproduced":0}`, "/reproduced"},
		{`compatibility {"downgrade":"maybe"}`, "/downgrade"},
		{`compatibility {"format":""}`, "/format"},
		{`compatibility {"min_version":"1"}`, "/min_version"},
		{`compatibility {"min_version":"1.0.0-rc1"}`, "/min_version"},
		{`compatibility {"downgrade":"admit","format":"any"}`, ""},
		{`compatibility {"upgrade":"admit"}`, "/upgrade"},
		{`approvals {"quorum":1,"max_age":"1h","role":{}}`, "/role"},
		{`approvals {"solo":true,"quorum":1}`, "/solo"},
		{`approvals {"solo":true,"max_age":"1h"}`, "/solo"},
		{`approvals {"solo":true,"roles":{}}`, "/solo"},
		{`approvals {"solo":true,"until":"noon"}`, "/until"},
		{`approvals {"quorum":-1,"max_age":"1h"}`, "/quorum"},
		{`approvals {"quorum":1,"max_age":"0s"}`, "/max_age"},
		{`approvals {"quorum":1,"max_age":"soon"}`, "/max_age"},
		{`approvals {"quorum":1,"max_age":"1h","roles":{"legal":0}}`, "/roles/legal"},
		{`rollout_health {"metrics":[{"name":"e","max":1,"min_samples":1}],"min_reporting_percent":0,"max_age":"1h"}`, "/min_reporting_percent"},
		{`rollout_health {"metrics":[{"name":"e","max":1,"min_samples":1}],"min_reporting_percent":101,"max_age":"1h"}`, "/min_reporting_percent"},
		{`rollout_health {"metrics":[{"name":"e","max":1,"min_samples":0}],"min_reporting_percent":1,"max_age":"1h"}`, "/metrics/0/min_samples"},
		{`rollout_health {"metrics":[{"name":"","max":1,"min_samples":1}],"min_reporting_percent":1,"max_age":"1h"}`, "/metrics/0/name"},
		{`rollout_health {"metrics":[{"name":"e","most":1,"min_samples":1}],"min_reporting_percent":1,"max_age":"1h"}`, "/metrics/0/most"},
		{`rollout_health {"metrics":[{"name":"e","max":1,"min_samples":1}],"min_reporting_percent":1,"max_age":"-1h"}`, "/max_age"},
		{`rollout_health {"metrics":[{"name":"e","max":1,"min_samples":1,"max_consecutive_failures":-1}],"min_reporting_percent":1,"max_age":"1h"}`, "/metrics/0/max_consecutive_failures"},
		{`rollout_health {"metrics":[{"name":"e","min_samples":1}],"min_reporting_percent":1,"max_age":"1h"}`, "/metrics/0"},
		{`rollout_health {"metrics":[{"name":"e","min_samples":1,"compare":null}],"min_reporting_percent":1,"max_age":"1h"}`, "/metrics/0"},
		{`rollout_health {"metrics":[{"name":"e","min_samples":1,"max_consecutive_failures":2,"compare":{"alpha":"0.01","min_samples":1}}],"min_reporting_percent":1,"max_age":"1h"}`, "/metrics/0/max_consecutive_failures"},
		{`rollout_health {"metrics":[{"name":"e","min_samples":1,"compare":{"min_samples":1}}],"min_reporting_percent":1,"max_age":"1h"}`, "/metrics/0/compare/alpha"},
		{`rollout_health {"metrics":[{"name":"e","min_samples":1,"compare":{"alpha":0.01,"min_samples":1}}],"min_reporting_percent":1,"max_age":"1h"}`, "/metrics/0/compare/alpha"},
		{`rollout_health {"metrics":[{"name":"e","min_samples":1,"compare":{"alpha":"0","min_samples":1}}],"min_reporting_percent":1,"max_age":"1h"}`, "/metrics/0/compare/alpha"},
		{`rollout_health {"metrics":[{"name":"e","min_samples":1,"compare":{"alpha":"0.01"}}],"min_reporting_percent":1,"max_age":"1h"}`, "/metrics/0/compare/min_samples"},
		{`rollout_health {"metrics":[{"name":"e","min_samples":1,"compare":{"alpha":"0.01","min_samples":1,"min_effect":"1%"}}],"min_reporting_percent":1,"max_age":"1h"}`, "/metrics/0/compare/min_effect"},
		{`rollout_health {"metrics":[{"name":"e","max":1,"min_samples":1}],"min_reporting_percent":1,"max_age":"1h","silence_budget":"0s"}`, "/silence_budget"},
		{`rollout_health {"metrics":[{"name":"e","max":1,"min_samples":1}],"min_reporting_percent":1,"max_age":"1h","window":"-5m"}`, "/window"},
		{`rollout_health {"metrics":[{"name":"e","max":1,"min_samples":1}],"min_reporting_percent":1,"max_age":"1h","on_deadline":"wait"}`, "/on_deadline"},
		{`freeze_window {"windows":[]}`, "/windows"},
		{`freeze_window {"windows":[{"from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z","reason":"r"}]}`, "/windows/0"},
		{`freeze_window {"windows":[{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"}]}`, "/windows/0/reason"},
		{`freeze_window {"windows":[{"from":"today","to":"2026-01-02T00:00:00Z","reason":"r"}]}`, "/windows/0/from"},
		{`freeze_window {"windows":[{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z","rrule":"FREQ=DAILY","reason":"r"}]}`, "/windows/0"},
		{`freeze_window {"windows":[{"rrule": "FREQ=SECONDLY", "start": "2026-03-06T16:00:00", "duration": "64h", "time_zone": "Europe/Berlin", "reason": "r"}]}`, "/windows/0/rrule"},
		{`freeze_window {"windows":[{"rrule": "FREQ=DAILY;COUNT=100000", "start": "2026-03-06T16:00:00", "duration": "64h", "time_zone": "Europe/Berlin", "reason": "r"}]}`, "/windows/0/rrule"},
		{`freeze_window {"windows":[{"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "start": "2026-03-06T16:00:00", "duration": "64h", "time_zone": "Europe/Berlin", "reason": "r"}]}`, "/windows/0/rrule"},
		{`freeze_window {"windows":[{"start": "2026-03-06T16:00:00", "duration": "64h", "time_zone": "Europe/Berlin", "reason": "r"}]}`, "/windows/0/rrule"},
		{`freeze_window {"windows":[{"rrule": "FREQ=WEEKLY;BYDAY=FR", "start": "2026-03-05T16:00:00", "duration": "64h", "time_zone": "Europe/Berlin", "reason": "r"}]}`, "/windows/0/start"},
		{`freeze_window {"windows":[{"rrule": "FREQ=WEEKLY;BYDAY=FR", "duration": "64h", "time_zone": "Europe/Berlin", "reason": "r"}]}`, "/windows/0/start"},
		{`freeze_window {"windows":[{"rrule": "FREQ=WEEKLY;BYDAY=FR", "start": "2026-03-06T16:00:00", "time_zone": "Europe/Berlin", "reason": "r"}]}`, "/windows/0/duration"},
		{`freeze_window {"windows":[{"rrule": "FREQ=WEEKLY;BYDAY=FR", "start": "2026-03-06T16:00:00", "duration": "745h", "time_zone": "Europe/Berlin", "reason": "r"}]}`, "/windows/0/duration"},
		{`freeze_window {"windows":[{"rrule": "FREQ=WEEKLY;BYDAY=FR", "start": "2026-03-06T16:00:00", "duration": "-1h", "time_zone": "Europe/Berlin", "reason": "r"}]}`, "/windows/0/duration"},
		{`freeze_window {"windows":[{"rrule": "FREQ=WEEKLY;BYDAY=FR", "start": "2026-03-06T16:00:00", "duration": "P2D", "time_zone": "Europe/Berlin", "reason": "r"}]}`, "/windows/0/duration"},
		{`freeze_window {"windows":[{"rrule": "FREQ=WEEKLY;BYDAY=FR", "start": "2026-03-06T16:00:00", "duration": "64h", "time_zone": "Local", "reason": "r"}]}`, "/windows/0/time_zone"},
		{`freeze_window {"windows":[{"rrule": "FREQ=WEEKLY;BYDAY=FR", "start": "2026-03-06T16:00:00", "duration": "64h", "reason": "r"}]}`, "/windows/0/time_zone"},
		{`freeze_window {"windows":[{"rrule": "FREQ=WEEKLY;BYDAY=FR", "start": "2026-03-06T16:00:00", "duration": "64h", "time_zone": "Europe/Berlin"}]}`, "/windows/0/reason"},
		{`freeze_window {"windows":[{"rrule": "FREQ=WEEKLY;BYDAY=FR", "start": "2026-03-06T16:00:00", "duration": "64h", "time_zone": "Europe/Berlin", "reason": "r", "until": "x"}]}`, "/windows/0/until"},
		{`warnings {"gate":"taste","max":0}`, "/gate"},
		{`warnings {"gate":"freeze","max":-1}`, "/max"},
		{`warnings {"gate":"freeze"}`, "/max"},
		{`override {"gates":[],"max_duration":"1h"}`, "/gates"},
		{`override {"gates":["freeze"]}`, "/max_duration"},
		{`override {"gates":["freeze"],"max_duration":"1h","for":"all"}`, "/for"},
		{`case_routing {}`, "/default"},
		{routed(`{"id":"a","when":{"codes":["NO_SUCH_CODE"]},"then":` + handled + `}`), "/rules/0/when/codes/0"},
		{routed(`{"id":"a","when":{},"then":` + handled + `}`), "/rules/0/when"},
		{routed(`{"id":"a","when":{"stages":[]},"then":` + handled + `}`), "/rules/0/when/stages"},
		{routed(`{"id":"a","when":{"colour":["red"]},"then":` + handled + `}`), "/rules/0/when/colour"},
		{routed(`{"id":"a","when":{"stages":["ingest"]},"then":{"rule":"mine"}}`), "/rules/0/then/rule"},
		{routed(`{"id":"a","when":{"stages":["ingest"]},"then":{}}`), "/rules/0/then"},
		{routed(`{"id":"default","when":{"stages":["ingest"]},"then":` + handled + `}`), "/rules/0/id"},
		{routed(`{"id":"a","when":{"classes":["F3"]},"then":` + handled + `},{"id":"b","when":{"codes":["ARTIFACT_MISSING"]},"then":` + handled + `}`), "/rules/1/when"},
		{cel(`"expression":"files <","refuses":{"files":9}`), "/expression"},
		{cel(`"expression":"files","refuses":{"files":9}`), "/expression"},
		{cel(`"expression":"files < \"5\"","refuses":{"files":9}`), "/expression"},
		{cel(`"expression":"size < 5","refuses":{}`), "/expression"},
		{cel(`"expression":"true","refuses":{}`), "/expression"},
		{cel(`"expression":"generation < 5","refuses":{"generation":9}`), "/expression"},
		{cel(`"expression":"has(files)",` + witness), "/expression"},
		{cel(`"expression":"origins[0] == \"a\"","refuses":{"origins":["b"]}`), "/expression"},
		{cel(`"expression":"10 / files < 5",` + witness), "/expression"},
		{cel(`"expression":"files % 2 == 0",` + witness), "/expression"},
		{cel(`"expression":"origins.map(o, size(o)).exists(n, n > 3)","refuses":{"origins":[]}`), "/expression"},
		{cel(`"expression":"collector.matches(\"(\")","refuses":{"collector":"x"}`), "/expression"},
		{cel(`"expression":"` + strings.Repeat(" ", 5000) + `files < 5",` + witness), "/expression"},
		{cel(`"expression":"files < 5"`), "/refuses"},
		{cel(`"expression":"files < 5","refuses":{"files":1}`), "/refuses"},
		{cel(`"expression":"files < 5 || files >= 5",` + witness), "/refuses"},
		{cel(`"expression":"files < 5","refuses":{"files":"9"}`), "/refuses"},
		{cel(`"expression":"files < 5","refuses":{"files":9,"collector":"git"}`), "/refuses"},
		{`cel {"gate":"provenance","expression":"files < 5","refuses":{"files":9}}`, "/message"},
		{`cel {"gate":"determinism","expression":"files < 5","message":"m","refuses":{"files":9}}`, "/gate"},
		{`cel {"gate":"stage-dependency","expression":"generation < 5","message":"m","refuses":{"generation":9}}`, "/gate"},
		{`cel {"gate":"validation","expression":"codes.exists(c, c == \"X\")","message":"m","refuses":{"codes":{}}}`, "/expression"},
		{`cel {"gate":"validation","expression":"codes[\"X\"] < 1","message":"m","refuses":{"codes":{"X":1}}}`, "/expression"},
	}
	for _, gate := range []gates.Gate{gates.GateDependency, gates.GateIntegrity, gates.GateContract, gates.GateValidation, "taste", ""} {
		cases = append(cases, struct{ rule, pointer string }{fmt.Sprintf(`override {"gates":["freeze",%q],"max_duration":"1h"}`, gate), "/gates/1"})
	}
	families := map[string]bool{}
	for _, c := range cases {
		kind, _, _ := strings.Cut(c.rule, " ")
		families[kind] = true
		refused(t, configAt+c.pointer, bundleOf(c.rule))
	}
	for _, family := range gates.RuleTypes() {
		require.True(t, families[family], "a case of %s", family)
	}
	t.Logf("%d configs refused", len(cases))
}

// A bundle that could never refuse, or is not what it says, is refused as a whole.
func TestBundlesRefuse(t *testing.T) {
	t.Parallel()
	policy := func(more string) string {
		return `{"policy_id":"p","version":"1.0.0","enforcement":"MUST",` + more + `"rules":[]}`
	}
	bundle := func(policies, more string) []byte {
		return []byte(`{"bundle_id":"b",` + more + `"policies":[` + policies + `]}`)
	}
	other := strings.TrimSuffix(string(marshalled(digest("other"))), "\n")
	for name, c := range map[string]struct {
		bundle  []byte
		pointer string
	}{
		"no policy":               {bundle("", ""), "/policies"},
		"none binding":            {bundle(`{"policy_id":"p","version":"1.0.0","enforcement":"SHOULD","rules":[]}`, ""), "/policies"},
		"an empty time":           {bundle(policy(`"effective_from":"2026-01-01T00:00:00Z","effective_to":"2026-01-01T00:00:00Z",`), ""), "/policies/0/effective_to"},
		"a time that ends before": {bundle(policy(`"effective_from":"2026-01-02T00:00:00Z","effective_to":"2026-01-01T00:00:00Z",`), ""), "/policies/0/effective_to"},
		"no stage":                {bundle(policy(`"applies_to":{"stages":["paint"]},`), ""), "/policies/0/applies_to/stages/0"},
		"another content_hash":    {bundle(policy(""), `"content_hash":`+other+`,`), "/content_hash"},
		"no digest":               {bundle(policy(""), `"content_hash":"",`), "/content_hash"},
		"another policy_hash":     {bundle(policy(`"policy_hash":`+other+`,`), ""), "/policies/0/policy_hash"},
		"null for a policy_hash":  {bundle(policy(`"policy_hash":null,`), ""), "/policies/0/policy_hash"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, c.pointer, c.bundle)
		})
	}
	sound := map[string]any{"bundle_id": "b", "policies": []any{map[string]any{"policy_id": "p", "enforcement": "MUST", "rules": []any{}}}}
	hash, err := records.CanonicalDigest(sound)
	require.NoError(t, err)
	sound["content_hash"] = hash
	_, err = gates.ParsePolicy(hash, marshalled(sound))
	require.NoError(t, err, "the right hash is taken")
}
