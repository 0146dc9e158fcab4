package mandate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/initkoa/orgo/gates"
)

// Change says what became of a part of a bundle.
type Change string

// The changes.
const (
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed"
)

// Direction says what a difference does to what is admitted; empty if that cannot be
// told from the text.
type Direction string

// The directions.
const (
	Stricter Direction = "stricter"
	Looser   Direction = "looser"
)

func (d Direction) reversed() Direction {
	switch d {
	case Stricter:
		return Looser
	case Looser:
		return Stricter
	default:
		return ""
	}
}

// Difference is one part in which two bundles differ. Without a policy it is about
// the bundle itself, without a rule about the policy.
type Difference struct {
	Policy    string          `json:"policy,omitempty"`
	Rule      string          `json:"rule,omitempty"`
	Field     string          `json:"field,omitempty"` // JSON Pointer below bundle, policy or rule; empty: all of it
	Change    Change          `json:"change"`
	Old       json.RawMessage `json:"old,omitempty"`
	New       json.RawMessage `json:"new,omitempty"`
	Direction Direction       `json:"direction,omitempty"`
}

type members = map[string]json.RawMessage

// Diff returns how a bundle differs from an earlier one, sorted by policy, rule and
// field. Policies and rules are matched by their ids; their order says nothing.
func Diff(before, after Bundle) []Difference {
	old, now := object(before.Canonical), object(after.Canonical)
	differences := fields(Difference{}, old, now, "policies")
	policies := [2]members{byID(old["policies"], "policy_id"), byID(now["policies"], "policy_id")}
	for _, id := range ids(policies) {
		at := Difference{Policy: id}
		from, to := policies[0][id], policies[1][id]
		if whole, is := wholly(at, from, to); is {
			whole.Direction = ofPolicy(from, to)
			differences = append(differences, whole)
			continue
		}
		was, is := object(from), object(to)
		differences = append(differences, fields(at, was, is, "rules")...)
		rules := [2]members{byID(was["rules"], "rule_id"), byID(is["rules"], "rule_id")}
		for _, rule := range ids(rules) {
			at := Difference{Policy: id, Rule: rule}
			from, to := rules[0][rule], rules[1][rule]
			if whole, all := wholly(at, from, to); all {
				whole.Direction = ofRule(from, to, is["enforcement"])
				differences = append(differences, whole)
				continue
			}
			differences = append(differences, fields(at, object(from), object(to), "")...)
		}
	}
	slices.SortStableFunc(differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Field, b.Field))
	})
	return differences
}

// wholly returns the difference of what only one of two has.
func wholly(at Difference, from, to json.RawMessage) (Difference, bool) {
	at.Old, at.New = from, to
	switch {
	case from == nil:
		at.Change = Added
	case to == nil:
		at.Change = Removed
	}
	return at, at.Change != ""
}

// fields returns the members in which two objects differ, down to the first that is
// no object. One may be left out.
func fields(at Difference, from, to members, except string) []Difference {
	var differences []Difference
	for _, name := range ids([2]members{from, to}) {
		here := at
		here.Field += "/" + name
		was, is := from[name], to[name]
		switch whole, all := wholly(here, was, is); {
		case name == except && at.Field == "", bytes.Equal(was, is):
		case all:
			whole.Direction = ofField(name, at, was, is)
			differences = append(differences, whole)
		case isObject(was) && isObject(is):
			differences = append(differences, fields(here, object(was), object(is), "")...)
		default:
			whole.Change, whole.Direction = Changed, ofField(name, at, was, is)
			differences = append(differences, whole)
		}
	}
	return differences
}

var bindingness = map[gates.Enforcement]int{gates.May: 0, gates.Should: 1, gates.Must: 2}

// ofField tells the direction of a policy's own members: how binding it is, and
// when it holds.
func ofField(name string, at Difference, was, is json.RawMessage) Direction {
	if at.Rule != "" || at.Field != "" || at.Policy == "" {
		return ""
	}
	switch name {
	case "enforcement":
		return direction(cmp.Compare(bindingness[gates.Enforcement(text(is))], bindingness[gates.Enforcement(text(was))]))
	case "effective_from":
		return direction(instant(was).Compare(instant(is)))
	case "effective_to":
		switch {
		case is == nil:
			return Stricter
		case was == nil:
			return Looser
		default:
			return direction(instant(is).Compare(instant(was)))
		}
	default:
		return ""
	}
}

// ofPolicy tells the direction of a policy that only one bundle has, from its rules.
func ofPolicy(from, to json.RawMessage) Direction {
	policy := object(cmp.Or(string(from), string(to)))
	found := map[Direction]bool{}
	for _, rule := range byID(policy["rules"], "rule_id") {
		found[ofRule(nil, rule, policy["enforcement"])] = true
	}
	if len(found) != 1 {
		return ""
	}
	for d := range found {
		if to == nil {
			return d.reversed()
		}
		return d
	}
	return ""
}

// ofRule tells the direction of a rule that only one bundle has. A binding rule can
// only refuse more, but for one that lets gates be overridden, one on validation, which
// may admit what nothing else does, and one that routes Cases, which admits nothing.
func ofRule(from, to, enforcement json.RawMessage) Direction {
	if gates.Enforcement(text(enforcement)) != gates.Must {
		return ""
	}
	rule := object(cmp.Or(string(from), string(to)))
	var d Direction
	switch text(rule["type"]) {
	case "override":
		d = Looser
	case "validation", "case_routing":
	default:
		d = Stricter
	}
	if to == nil {
		return d.reversed()
	}
	return d
}

func direction(sign int) Direction {
	switch sign {
	case 1:
		return Stricter
	case -1:
		return Looser
	default:
		return ""
	}
}

// The documents here were read before: what does not decode is not there.

func object[T string | []byte | json.RawMessage](raw T) members {
	var m members
	_ = json.Unmarshal([]byte(raw), &m)
	return m
}

func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

func text(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}

// instant returns a time; one that is not there is before all.
func instant(raw json.RawMessage) time.Time {
	var t time.Time
	_ = json.Unmarshal(raw, &t)
	return t
}

func byID(raw json.RawMessage, id string) members {
	var list []json.RawMessage
	_ = json.Unmarshal(raw, &list)
	found := members{}
	for _, item := range list {
		found[text(object(item)[id])] = item
	}
	return found
}

// ids returns the names that either of two has, sorted.
func ids(of [2]members) []string {
	all := slices.Concat(slices.Collect(maps.Keys(of[0])), slices.Collect(maps.Keys(of[1])))
	slices.Sort(all)
	return slices.Compact(all)
}
