//go:build linux

package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// members says which members a JSON object of the contract has: all that are named,
// those with a question mark perhaps, and no other. A value says what the member
// is: nil for anything, members for an object, list for an array of objects.
type (
	members map[string]any
	list    members
)

// koaBuildRecord is the Build Record as CONTRACTS §1 has it, written down again
// here: the schema that the product validates with is not its own witness.
func koaBuildRecord() members {
	digest := members{"alg": nil, "value": nil}
	ref := members{"alg": nil, "value": nil, "uri?": nil}
	return members{
		"build_id": nil, "record_version": nil, "created_at": nil,
		"mandate_bundle_ref": ref,
		"trigger?":           members{"type": nil, "actor": nil, "reason": nil, "source_ref": nil},
		"inputs":             members{"snapshots": list(ref), "snapshot_manifest_ref?": ref, "notes?": nil},
		"pipeline": members{
			"pipeline_id": nil,
			"toolchain": members{
				"orgo_version": nil, "compiler_version": nil, "validator_version": nil,
				"resolver_version": nil, "render_version": nil,
			},
			"source?":      members{"repo": nil, "commit": nil, "branch": nil, "build_system": nil},
			"environment?": members{"env": nil, "region": nil, "runner_id": nil},
		},
		"stages": list{
			"name": nil, "status": nil, "started_at?": nil, "ended_at?": nil,
			"inputs?": list(ref), "outputs?": list(ref), "metrics?": nil, "notes?": nil,
		},
		"outputs": members{
			"validation":      members{"report_ref": ref, "status": nil},
			"kristal":         members{"exchange_ref?": ref, "runtime_pack_ref?": ref},
			"render_bundles?": list(ref),
		},
		"checksums?": members{"build_record_hash?": digest},
	}
}

// deviations lists where a JSON value has a member that the contract does not know,
// or lacks one that it must have.
func deviations(place string, value any, want any) []string {
	switch want := want.(type) {
	case nil:
		return nil
	case list:
		elements, isArray := value.([]any)
		if !isArray || len(elements) == 0 {
			return []string{place + " is no array of at least one"}
		}
		var found []string
		for i, element := range elements {
			found = append(found, deviations(fmt.Sprintf("%s[%d]", place, i), element, members(want))...)
		}
		return found
	case members:
		object, isObject := value.(map[string]any)
		if !isObject {
			return []string{place + " is no object"}
		}
		var found []string
		for name, inner := range want {
			bare, optional := strings.CutSuffix(name, "?")
			member, present := object[bare]
			if present {
				found = append(found, deviations(place+"/"+bare, member, inner)...)
			} else if !optional {
				found = append(found, place+"/"+bare+" is absent")
			}
		}
		for name := range object {
			_, required := want[name]
			if _, optional := want[name+"?"]; !required && !optional {
				found = append(found, place+"/"+name+" is not in the contract")
			}
		}
		slices.Sort(found)
		return found
	default:
		return []string{fmt.Sprintf("%s: the contract is written wrongly: %T", place, want)}
	}
}

// requireKOA requires that a document is a Build Record of exactly the contract's
// shape.
func requireKOA(t *testing.T, document []byte) {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal(document, &value))
	require.Empty(t, deviations("", value, koaBuildRecord()), "%s", document)
}

func TestDeviationsFromTheContractAreFound(t *testing.T) {
	t.Parallel()
	const digest = `{"alg":"sha256","value":"00"}`
	const sound = `{
		"build_id":"b","record_version":"1.0.0","created_at":"2024-01-01T00:00:00Z","mandate_bundle_ref":` + digest + `,
		"inputs":{"snapshots":[` + digest + `]},
		"pipeline":{"pipeline_id":"p","toolchain":{"orgo_version":"1","compiler_version":"1","validator_version":"1","resolver_version":"1","render_version":"1"}},
		"stages":[{"name":"ingest","status":"PASS"}],
		"outputs":{"validation":{"report_ref":` + digest + `,"status":"FAIL"},"kristal":{}}}`
	requireKOA(t, []byte(sound))
	for planted, test := range map[string]struct{ old, new, found string }{
		"a member more":         {`"kristal":{}`, `"kristal":{"size":1}`, "/outputs/kristal/size is not in the contract"},
		"a member more, deeper": {`[` + digest, `[{"alg":"sha256","value":"00","size":1}`, "/inputs/snapshots[0]/size is not in the contract"},
		"a member less":         {`"status":"PASS"`, `"notes":""`, "/stages[0]/status is absent"},
		"an empty list":         {`[` + digest + `]`, `[]`, "/inputs/snapshots is no array of at least one"},
		"another type":          {`"kristal":{}`, `"kristal":null`, "/outputs/kristal is no object"},
	} {
		require.Contains(t, sound, test.old, planted)
		var value any
		require.NoError(t, json.Unmarshal([]byte(strings.Replace(sound, test.old, test.new, 1)), &value))
		require.Equal(t, []string{test.found}, deviations("", value, koaBuildRecord()), planted)
	}
}
