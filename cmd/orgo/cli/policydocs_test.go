package cli_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/schemas"
)

// policyDocs is what operators read.
func policyDocs(t *testing.T) string {
	t.Helper()
	return string(must(os.ReadFile("../../../docs/policy.md"))(t))
}

func TestTheTableOfFactsIsNotStale(t *testing.T) {
	t.Parallel()
	_, rest, found := strings.Cut(policyDocs(t), "a test fails when this is stale. -->\n")
	require.True(t, found)
	have, _, found := strings.Cut(rest, "<!-- End of what is generated. -->")
	require.True(t, found)
	r := run(t.Context(), "policy", "facts")
	require.Zero(t, r.code)
	require.Equal(t, r.out, have, `docs/policy.md is stale: put the output of "orgo policy facts" there`)
}

// Every type of rule is documented, with an example that is a rule of that type.
func TestTheExamplesOfTheDocumentationAreRules(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)\n### `([a-z_]+)`\n(.*?)```yaml\n(.*?)```").FindAllStringSubmatch(policyDocs(t), -1) {
		document, err := schemas.DecodeYAML([]byte(block[3]))
		require.NoError(t, err, block[1])
		var rule struct {
			Type   string                     `json:"type"`
			Config map[string]json.RawMessage `json:"config"`
		}
		require.NoError(t, json.Unmarshal(document, &rule))
		require.Equal(t, block[1], rule.Type)
		for key := range rule.Config {
			require.Contains(t, block[2], "`"+key+"`", "the text says what each key means")
		}
		bundle := bundleText[:strings.Index(bundleText, "      - {rule_id")] + "      - " + string(document) + "\n"
		_, err = mandate.Read([]byte(bundle), mandate.Trust{})
		require.NoError(t, err, block[1])
		documented[block[1]] = true
	}
	_, cases, found := strings.Cut(policyDocs(t), "\n## Cases\n")
	require.True(t, found)
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(cases)
	_, err := mandate.ReadCase([]byte(block[1]))
	require.NoError(t, err)
	for _, name := range gates.RuleTypes() {
		require.True(t, documented[name], "docs/policy.md says nothing about rules of type %s", name)
	}
}
