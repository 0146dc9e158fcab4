package gates_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/gatestest"
	"github.com/initkoa/orgo/records"
)

// ordered reports whether the order of a list is evidence itself: that of stages
// behind, and that of a stage's inputs. Another order is another claim.
func ordered(path string) bool {
	return path == "/before" || path == "/inputs" || path == "/compile_inputs"
}

// mutated returns every form of a JSON document in which one thing is gone,
// empty, null, twice or in another place. Numbers and booleans are not lowered:
// another number is another measurement. They are removed, though, and null.
func mutated(document json.RawMessage) []json.RawMessage {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var root any
	if err := decoder.Decode(&root); err != nil {
		panic(err)
	}
	var forms []json.RawMessage
	mutate(root, "", func(form any) { forms = append(forms, marshalled(form)) })
	return forms
}

// mutate yields the forms of a value, each within its surroundings.
func mutate(value any, path string, yield func(any)) {
	yield(nil)
	switch v := value.(type) {
	case map[string]any:
		yield(map[string]any{})
		for _, key := range slices.Sorted(maps.Keys(v)) {
			put := func(member any) {
				form := maps.Clone(v)
				form[key] = member
				yield(form)
			}
			less := maps.Clone(v)
			delete(less, key)
			yield(less)
			mutate(v[key], path+"/"+key, put)
		}
	case []any:
		yield([]any{})
		for i := range v {
			yield(slices.Delete(slices.Clone(v), i, i+1))
			yield(slices.Insert(slices.Clone(v), i, v[i]))
			if i > 0 && !ordered(path) {
				form := slices.Clone(v)
				form[0], form[i] = form[i], form[0]
				yield(form)
			}
			mutate(v[i], path, func(element any) {
				form := slices.Clone(v)
				form[i] = element
				yield(form)
			})
		}
	case string:
		yield("")
		if moment, err := time.Parse(time.RFC3339, v); err == nil {
			yield(moment.Add(-1000 * time.Hour).Format(time.RFC3339)) // stale
		}
	}
}

// decider is a gate, or a test double of one.
type decider func(gates.Context, json.RawMessage) (gates.Decision, error)

// failsOpen tries every mutation of evidence that was refused, and returns the
// first that is not, and how many were tried.
func failsOpen(decide decider, c gates.Context, evidence json.RawMessage) (json.RawMessage, int) {
	d, err := decide(c, evidence)
	if err != nil || d.Permits() {
		return nil, 0
	}
	tried := 0
	for _, form := range mutated(evidence) {
		tried++
		if d, err := decide(c, form); err == nil && d.Permits() {
			return form, tried
		}
	}
	return nil, tried
}

// No evidence that is gone turns a refusal into a pass.
func TestLessEvidenceNeverPasses(t *testing.T) {
	t.Parallel()
	wanted := int64(gatestest.Cases(t, 110_000))
	all := subjects()
	var tried atomic.Int64
	t.Run("gates", func(t *testing.T) {
		for _, s := range all {
			t.Run(string(s.gate), func(t *testing.T) {
				t.Parallel()
				pool := s.pool(t)
				for done := int64(0); done < wanted/int64(len(all))+1; {
					rapid.Check(t, func(t *rapid.T) {
						x, rules := s.draw(t, pool, 3, false)
						open, n := failsOpen(s.decide, x.context(rules), x.Evidence)
						done += int64(n)
						tried.Add(int64(n))
						require.Empty(t, string(open), "%s is refused, and this is not:\n%s\nunder %s", x.Evidence, open, marshalled(rules.Policy()))
					})
				}
			})
		}
	})
	require.GreaterOrEqual(t, tried.Load(), wanted)
	t.Logf("%d mutations of refused evidence", tried.Load())
}

// A metric that is no number is none, whatever else is wrong.
func TestNoNumberNeverPasses(t *testing.T) {
	t.Parallel()
	s := healthSubject()
	pool := s.erased().pool(t)
	rapid.Check(t, func(t *rapid.T) {
		x, rules := s.erased().draw(t, pool, 3, false)
		var w gates.Window
		require.NoError(t, json.Unmarshal(x.Evidence, &w))
		refused := !gates.Health(x.context(rules), w).Permits()
		for i := range w.Metrics {
			before := w.Metrics[i].Value
			for _, value := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				w.Metrics[i].Value = &value
				d := gates.Health(x.context(rules), w)
				require.False(t, d.Permits(), "the metric %s is %v", w.Metrics[i].Name, value)
				require.NotContains(t, d.Codes, gates.InternalError)
			}
			w.Metrics[i].Value = before
		}
		require.Equal(t, refused, !gates.Health(x.context(rules), w).Permits())
	})
}

// planted returns doubles of gates that fail open as others did, and what is
// refused by them as long as it is whole.
func planted() map[string]struct {
	decide   decider
	evidence any
} {
	double := func(verdict func(json.RawMessage) (bool, error)) decider {
		return func(_ gates.Context, raw json.RawMessage) (gates.Decision, error) {
			passes, err := verdict(raw)
			if passes {
				return gates.Decision{Verdict: gates.Pass}, err
			}
			return gates.Decision{Verdict: gates.Fail}, err
		}
	}
	bad := 0.9
	window := gates.Window{Digest: digest("w"), Metrics: []gates.Metric{{Name: "errors", Samples: 9, Value: &bad}}}
	recorded := 3
	votes := gates.Votes{Intent: digest("i"), Recorded: &recorded, Votes: []gates.Vote{{Actor: "a", Intent: digest("i"), Approve: true}}}
	return map[string]struct {
		decide   decider
		evidence any
	}{
		"an absent metric is 0": {double(func(raw json.RawMessage) (bool, error) {
			var w gates.Window
			err := json.Unmarshal(raw, &w)
			value := 0.0
			for _, metric := range w.Metrics {
				if metric.Value != nil {
					value = *metric.Value
				}
			}
			return value < 0.05, err
		}), window},
		"no number is not above the limit": {double(func(raw json.RawMessage) (bool, error) {
			var w gates.Window
			err := json.Unmarshal(raw, &w)
			value := math.NaN()
			for _, metric := range w.Metrics {
				if metric.Value != nil {
					value = *metric.Value
				}
			}
			return !(value > 0.05), err //nolint:staticcheck // the planted fault
		}), window},
		"no count of failures is none": {double(func(raw json.RawMessage) (bool, error) {
			var w gates.Window
			err := json.Unmarshal(raw, &w)
			failures := int64(0)
			for _, metric := range w.Metrics {
				if metric.Comparison != nil && metric.Comparison.Canary.Failures != nil {
					failures += *metric.Comparison.Canary.Failures
				}
			}
			return failures == 0, err
		}), gates.Window{Metrics: []gates.Metric{{Name: "errors", Comparison: &gates.Comparison{Canary: gates.Counts{Samples: 9, Failures: counted(3)}}}}}},
		"votes are counted, not voters": {double(func(raw json.RawMessage) (bool, error) {
			var v gates.Votes
			err := json.Unmarshal(raw, &v)
			return len(v.Votes) >= 2, err
		}), votes},
		"a lost rejection is none": {double(func(raw json.RawMessage) (bool, error) {
			var v gates.Votes
			err := json.Unmarshal(raw, &v)
			return !slices.ContainsFunc(v.Votes, func(vote gates.Vote) bool { return !vote.Approve }), err
		}), gates.Votes{Votes: []gates.Vote{{Actor: "a"}}}},
		"an absent report has no errors": {double(func(raw json.RawMessage) (bool, error) {
			var in gates.ValidationInputs
			err := json.Unmarshal(raw, &in)
			return in.Report == nil || in.Report.Severities["ERROR"] == 0, err
		}), gates.ValidationInputs{Report: &gates.ReportEvidence{Severities: map[string]int64{"ERROR": 2}}}},
	}
}

// The property sees gates that fail open.
func TestPlantedFailOpenIsSeen(t *testing.T) {
	t.Parallel()
	for name, plant := range planted() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open, _ := failsOpen(plant.decide, context(records.Compile), marshalled(plant.evidence))
			require.NotNil(t, open)
		})
	}
}

// The mutations do what they say: remove, empty, null, double, move, age.
func TestMutations(t *testing.T) {
	t.Parallel()
	forms := make([]string, 0)
	for _, form := range mutated(json.RawMessage(`{"a":[1,"x"],"t":"2026-03-01T12:00:00Z"}`)) {
		forms = append(forms, string(form))
	}
	text := strings.Join(forms, "\n")
	for _, want := range []string{`null`, `{}`, `{"t":"2026-03-01T12:00:00Z"}`, `{"a":[],"t":"2026-03-01T12:00:00Z"}`, `"a":[1]`, `"a":[1,1,"x"]`, `"a":["x",1]`,
		`"a":[null,"x"]`, `"a":[1,""]`, `"t":""`, fmt.Sprintf(`"t":%q`, at.Add(-1000*time.Hour).Format(time.RFC3339))} {
		require.Contains(t, text, want)
	}
}
