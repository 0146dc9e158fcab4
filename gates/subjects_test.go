package gates_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// trial is a decision to be made, in a form that crosses processes.
type trial struct {
	Gate      gates.Gate      `json:"gate"`
	Subject   gates.Subject   `json:"subject"`
	At        time.Time       `json:"at"`
	Evaluator string          `json:"evaluator"`
	Policy    gates.Policy    `json:"policy"`
	Evidence  json.RawMessage `json:"evidence"`
}

func (x trial) context(rules gates.Ruleset) gates.Context {
	return gates.Context{Subject: x.Subject, Rules: rules, At: x.At, Actor: "orgo", Evaluator: x.Evaluator}
}

// fault is one thing that is wrong with evidence. Honest says that evidence from
// which it is removed again is honest evidence of something else: an input that
// is not there any more was never there, as far as a gate can know.
type fault[E any] struct {
	apply  func(*rapid.T, gates.Context, *E)
	honest bool
}

// subject is what tests know of a gate: how to decide, evidence that is sound
// under every policy of rules, what can be wrong with it, and for every condition
// that WhyNot may list how to satisfy exactly that.
type subject[E any] struct {
	gate   gates.Gate
	stages []records.Stage
	decide func(gates.Context, E) gates.Decision
	sound  func(*rapid.T, gates.Context) E
	faults []fault[E]
	rules  []string // configs: "type {config}"
	repair func(*gates.Context, *E, gates.Unmet) bool
}

// anySubject is a subject whose evidence is JSON.
type anySubject struct {
	gate     gates.Gate
	stages   []records.Stage
	rules    []string
	decide   func(gates.Context, json.RawMessage) (gates.Decision, error)
	evidence func(t *rapid.T, c gates.Context, faults int, honest bool) json.RawMessage
	repair   func(*gates.Context, json.RawMessage, []gates.Unmet) (json.RawMessage, error)
}

func (s subject[E]) erased() anySubject {
	return anySubject{
		gate: s.gate, stages: s.stages, rules: s.rules,
		decide: func(c gates.Context, raw json.RawMessage) (gates.Decision, error) {
			var evidence E
			if err := json.Unmarshal(raw, &evidence); err != nil {
				return gates.Decision{}, err
			}
			return s.decide(c, evidence), nil
		},
		evidence: func(t *rapid.T, c gates.Context, faults int, honest bool) json.RawMessage {
			evidence := s.sound(t, c)
			for range faults {
				f := s.faults[rapid.IntRange(0, len(s.faults)-1).Draw(t, "fault")]
				if honest || !f.honest {
					f.apply(t, c, &evidence)
				}
			}
			return marshalled(evidence)
		},
		repair: func(c *gates.Context, raw json.RawMessage, conditions []gates.Unmet) (json.RawMessage, error) {
			var evidence E
			if err := json.Unmarshal(raw, &evidence); err != nil {
				return nil, err
			}
			// What evidence is missing comes first, for other repairs build on it.
			for _, missing := range []bool{true, false} {
				for _, u := range conditions {
					if (u.Code == gates.EvidenceMissing) == missing && !s.repair(c, &evidence, u) {
						return nil, fmt.Errorf("no repair of %s %q", u.Code, u.Target)
					}
				}
			}
			return marshalled(evidence), nil
		},
	}
}

func marshalled(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// subjects has every gate of the table.
func subjects() []anySubject {
	return []anySubject{
		dependencySubject().erased(), integritySubject().erased(), contractSubject().erased(),
		provenanceSubject().erased(), validationSubject().erased(), determinismSubject().erased(),
		reproducibilitySubject().erased(), compatibilitySubject().erased(), approvalsSubject().erased(),
		healthSubject().erased(), freezeSubject().erased(),
	}
}

func TestEveryGateIsASubject(t *testing.T) {
	t.Parallel()
	var names []gates.Gate
	for _, s := range subjects() {
		names = append(names, s.gate)
	}
	require.Equal(t, gates.Gates(), names)
}

// pool returns random policies for a gate. They are compiled once, for a cel
// environment costs more than ten thousand decisions.
func (s anySubject) pool(t *testing.T) []gates.Ruleset {
	t.Helper()
	pool := make([]gates.Ruleset, 0, 20)
	for seed := range cap(pool) {
		bundle := rapid.Custom(s.bundle).Example(seed)
		policy, err := gates.ParsePolicy(records.DigestOf(bundle), bundle)
		require.NoError(t, err, "%s", bundle)
		rules, err := policy.Compile()
		require.NoError(t, err)
		pool = append(pool, rules)
	}
	return pool
}

// bundle draws a policy of some of the gate's rules, each under a random
// enforcement, some of them before or after their time.
func (s anySubject) bundle(t *rapid.T) []byte {
	type policy map[string]any
	policies := []policy{{"policy_id": "always", "version": "1.0.0", "enforcement": "MUST", "rules": []any{
		map[string]any{"rule_id": "r", "type": "stage_dependency"}}}}
	for i, text := range s.rules {
		if rapid.IntRange(0, 2).Draw(t, "left out") == 0 {
			continue
		}
		var kind string
		_, err := fmt.Sscanf(text, "%s", &kind)
		if err != nil {
			panic(err)
		}
		p := policy{"policy_id": "p" + strconv.Itoa(i), "version": "1.0.0",
			"enforcement": rapid.SampledFrom([]string{"MUST", "MUST", "MUST", "SHOULD", "MAY"}).Draw(t, "enforcement"),
			"rules":       []any{map[string]any{"rule_id": "r", "type": kind, "config": json.RawMessage(text[len(kind):])}}}
		switch rapid.IntRange(0, 7).Draw(t, "time") {
		case 0:
			p["effective_from"] = at.Add(time.Hour * 1000)
		case 1:
			p["effective_to"] = at
		case 2:
			p["effective_from"], p["effective_to"] = at.Add(-time.Hour), at.Add(time.Hour*2000)
		}
		policies = append(policies, p)
	}
	canonical, err := records.Canonical(map[string]any{"bundle_id": "b", "policies": policies})
	if err != nil {
		panic(err)
	}
	return canonical
}

// draw draws a trial: sound evidence with at most so many faults, under one of
// the policies.
func (s anySubject) draw(t *rapid.T, pool []gates.Ruleset, faults int, honest bool) (trial, gates.Ruleset) {
	rules := pool[rapid.IntRange(0, len(pool)-1).Draw(t, "policy")]
	x := trial{Gate: s.gate, At: at, Evaluator: gates.EvaluatorVersion, Policy: rules.Policy(), Subject: gates.Subject{
		BuildID: buildID, Generation: rapid.IntRange(1, 3).Draw(t, "generation"), Stage: rapid.SampledFrom(s.stages).Draw(t, "stage")}}
	x.Evidence = s.evidence(t, x.context(rules), rapid.IntRange(0, faults).Draw(t, "faults"), honest)
	return x, rules
}

// The evidence that tests call sound passes under every policy of the pool, so
// that what refuses is the fault.
func TestSoundEvidencePasses(t *testing.T) {
	t.Parallel()
	for _, s := range subjects() {
		t.Run(string(s.gate), func(t *testing.T) {
			t.Parallel()
			pool := s.pool(t)
			rapid.Check(t, func(t *rapid.T) {
				x, rules := s.draw(t, pool, 0, false)
				d, err := s.decide(x.context(rules), x.Evidence)
				require.NoError(t, err)
				require.True(t, d.Permits(), "%s\n%+v", x.Evidence, gates.WhyNot(d))
			})
		})
	}
}
