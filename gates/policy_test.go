package gates_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
)

func TestParsePolicy(t *testing.T) {
	t.Parallel()
	bundle := func(policy string) []byte {
		return []byte(`{"bundle_id":"b","policies":[` + policy + `]}`)
	}
	rules := func(rules string) []byte {
		return bundle(`{"policy_id":"p","version":"1.0.0","enforcement":"MUST","rules":[` + rules + `]}`)
	}
	policy, err := gates.ParsePolicy(digest("b"), rules(`{"rule_id":"r","type":"validation","config":{"admit":["passed","partial"]}}`))
	require.NoError(t, err)
	require.Equal(t, digest("b"), policy.Digest)
	require.Len(t, policy.Rules, 1)
	require.Equal(t, "p/r", policy.Rules[0].ID)

	cases := map[string]struct {
		bundle  []byte
		pointer string
	}{
		"not json":            {[]byte("{"), "/"},
		"unknown enforcement": {bundle(`{"policy_id":"p","enforcement":"WILL","rules":[]}`), "/policies/0/enforcement"},
		"no enforcement":      {bundle(`{"policy_id":"p","rules":[]}`), "/policies/0/enforcement"},
		"parameters":          {bundle(`{"policy_id":"p","enforcement":"MUST","parameters":{"max":3},"rules":[]}`), "/policies/0/parameters"},
		"applies_to":          {bundle(`{"policy_id":"p","enforcement":"MUST","applies_to":{},"rules":[]}`), "/policies/0/applies_to"},
		"unknown type":        {rules(`{"rule_id":"r","type":"vibes"}`), "/policies/0/rules/0/type"},
		"unknown key":         {rules(`{"rule_id":"r","type":"validation","config":{"admit":["passed"],"admitt":1}}`), "/policies/0/rules/0/config/admitt"},
		"admits failed":       {rules(`{"rule_id":"r","type":"validation","config":{"admit":["failed"]}}`), "/policies/0/rules/0/config/admit/0"},
		"admits nothing":      {rules(`{"rule_id":"r","type":"validation","config":{"admit":[]}}`), "/policies/0/rules/0/config/admit"},
		"no config":           {rules(`{"rule_id":"r","type":"validation"}`), "/policies/0/rules/0/config/admit"},
		"negative limit":      {rules(`{"rule_id":"r","type":"validation","config":{"admit":["passed"],"max_by_code":{"A":-1}}}`), "/policies/0/rules/0/config/max_by_code/A"},
		"config for nothing":  {rules(`{"rule_id":"r","type":"integrity","config":{"off":true}}`), "/policies/0/rules/0/config/off"},
		"a rule twice":        {rules(`{"rule_id":"r","type":"integrity"},{"rule_id":"r","type":"contract"}`), "/policies/0/rules/1/rule_id"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := gates.ParsePolicy(digest("b"), c.bundle)
			var refused *gates.PolicyError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.pointer, refused.Pointer)
		})
	}
}
