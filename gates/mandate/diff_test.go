package mandate_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates/mandate"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	read := func(t *testing.T, text string) mandate.Bundle {
		t.Helper()
		bundle, err := mandate.Read([]byte(text), mandate.Trust{})
		require.NoError(t, err)
		return bundle
	}
	second := "  - {policy_id: q, version: 1.0.0, name: Q, enforcement: %s, rules: [{rule_id: r, type: %s}]}\n"
	with := func(enforcement, rule string) string {
		return good + strings.NewReplacer("%s, rules", enforcement+", rules", "type: %s", "type: "+rule).Replace(second)
	}
	for name, c := range map[string]struct {
		from, to string
		want     []string // policy, rule, field, change, direction
	}{
		"nothing":              {good, "# the same\n" + good, nil},
		"the bundle itself":    {good, strings.Replace(good, "name: n}", "name: m}", 1), []string{"||/mandate/name|changed|"}},
		"a version":            {good, strings.Replace(good, "    version: 1.0.0", "    version: 1.0.1", 1), []string{"p||/version|changed|"}},
		"a limit":              {good, strings.Replace(good, "max_bytes: 100", "max_bytes: 50", 1), []string{"p|size|/config/max_bytes|changed|"}},
		"a rule more":          {good, good + "      - {rule_id: more, type: contract}\n", []string{"p|more||added|stricter"}},
		"a rule less":          {good + "      - {rule_id: more, type: contract}\n", good, []string{"p|more||removed|looser"}},
		"an override more":     {good, good + "      - {rule_id: o, type: override, config: {gates: [freeze], max_duration: 4h}}\n", []string{"p|o||added|looser"}},
		"a policy more":        {good, with("MUST", "contract"), []string{"q|||added|stricter"}},
		"a policy less":        {with("MUST", "contract"), good, []string{"q|||removed|looser"}},
		"an advice more":       {good, with("MAY", "contract"), []string{"q|||added|"}},
		"more binding":         {with("MAY", "contract"), with("MUST", "contract"), []string{"q||/enforcement|changed|stricter"}},
		"less binding":         {with("MUST", "contract"), with("SHOULD", "contract"), []string{"q||/enforcement|changed|looser"}},
		"from later":           {good, strings.Replace(good, "    enforcement", "    effective_from: 2026-03-01T00:00:00Z\n    enforcement", 1), []string{"p||/effective_from|added|looser"}},
		"to the end of time":   {strings.Replace(good, "    enforcement", "    effective_to: 2026-03-01T00:00:00Z\n    enforcement", 1), good, []string{"p||/effective_to|removed|stricter"}},
		"another type of rule": {with("MUST", "contract"), with("MUST", "integrity"), []string{"q|r|/type|changed|"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var have []string
			for _, d := range mandate.Diff(read(t, c.from), read(t, c.to)) {
				have = append(have, strings.Join([]string{d.Policy, d.Rule, d.Field, string(d.Change), string(d.Direction)}, "|"))
				require.Equal(t, d.Change != mandate.Added, d.Old != nil)
				require.Equal(t, d.Change != mandate.Removed, d.New != nil)
			}
			require.Equal(t, c.want, have)
		})
	}
}
