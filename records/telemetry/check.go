package telemetry

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/initkoa/orgo/records"
)

// Bounds of what a sample holds.
const (
	maxName    = 200
	maxSignals = 64
	maxPacks   = 256
)

// kindRule says what a kind of sample must hold.
type kindRule struct {
	pointer string
	has     func(Sample) bool
	check   func(*checker, Sample)
}

var kindRules = map[Kind]kindRule{
	KindNodeState:    {"/node_state", func(s Sample) bool { return s.NodeState != nil }, (*checker).nodeState},
	KindActivation:   outcomeRule,
	KindVerification: outcomeRule,
	KindExecution:    outcomeRule,
	KindHealth: {"/health", func(s Sample) bool { return s.Health != nil },
		func(c *checker, s Sample) { c.health("/health", *s.Health) }},
}

var outcomeRule = kindRule{"/outcome", func(s Sample) bool { return s.Outcome != nil },
	func(c *checker, s Sample) { c.outcome("/outcome", *s.Outcome) }}

// checker gathers what is wrong.
type checker struct{ problems []Problem }

func (c *checker) must(holds bool, pointer, message string) {
	if !holds {
		c.problems = append(c.problems, Problem{Pointer: pointer, Message: message})
	}
}

func check(s Sample) []Problem {
	c := &checker{}
	c.must(s.SampleID == "" || plain(s.SampleID), "/sample_id", notPlain)
	// One could otherwise be made to stand for another sample.
	c.must(!strings.HasPrefix(s.SampleID, records.SHA256+":"), "/sample_id", "must not begin with sha256:, as the ids of samples without one do")
	c.must(s.OrganizationID == "" || plain(s.OrganizationID), "/organization_id", notPlain)
	c.name("/release_id", s.ReleaseID)
	c.name("/cohort", s.Cohort)
	c.name("/node_id", s.NodeID)
	c.time("/at", s.At)
	rule, known := kindRules[s.Kind]
	if !known {
		c.must(false, "/kind", fmt.Sprintf("is %q; there are node_state, activation, verification, execution, health", s.Kind))
		return c.problems
	}
	for _, other := range []kindRule{kindRules[KindNodeState], outcomeRule, kindRules[KindHealth]} {
		c.must(other.pointer == rule.pointer || !other.has(s), other.pointer, fmt.Sprintf("must not be there in a sample of kind %s", s.Kind))
	}
	if !rule.has(s) {
		c.must(false, rule.pointer, fmt.Sprintf("must be there in a sample of kind %s", s.Kind))
		return c.problems
	}
	rule.check(c, s)
	return c.problems
}

const notPlain = "must be 1 to 200 printable ASCII characters without spaces"

func plain(text string) bool {
	return text != "" && len(text) <= maxName && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (c *checker) name(pointer, text string) { c.must(plain(text), pointer, notPlain) }

// time admits the times that RFC 3339 can write and no zero time.
func (c *checker) time(pointer string, t time.Time) {
	c.must(!t.IsZero() && t.Year() >= 2000 && t.Year() <= 9999, pointer, "must be a time, RFC 3339, since the year 2000")
}

func oneOf[T ~string](c *checker, pointer string, value T, admitted ...T) {
	c.must(slices.Contains(admitted, value), pointer, fmt.Sprintf("is %q; there are %v", value, admitted))
}

func (c *checker) reason(pointer, code string) { c.must(code == "" || plain(code), pointer, notPlain) }

func (c *checker) outcome(at string, o Outcome) {
	oneOf(c, at+"/status", o.Status, Succeeded, Failed)
	c.reason(at+"/reason_code", o.ReasonCode)
	c.must(o.DurationMS == nil || *o.DurationMS >= 0 && *o.DurationMS <= MaxValue, at+"/duration_ms", "must be 0 to 2^40 milliseconds")
}

func (c *checker) health(at string, h Health) {
	oneOf(c, at+"/status", h.Status, Healthy, Degraded, Unhealthy, Unknown)
	if len(h.Signals) > maxSignals {
		c.must(false, at+"/signals", fmt.Sprintf("has %d signals; %d are admitted", len(h.Signals), maxSignals))
		return
	}
	seen := map[string]bool{}
	for i, signal := range h.Signals {
		pointer := fmt.Sprintf("%s/signals/%d", at, i)
		c.name(pointer+"/name", signal.Name)
		c.must(!seen[signal.Name], pointer+"/name", "is there twice")
		c.must(signal.Unit == "" || plain(signal.Unit), pointer+"/unit", notPlain)
		seen[signal.Name] = true
	}
}

func (c *checker) nodeState(s Sample) {
	const at = "/node_state"
	n := s.NodeState
	c.must(uuid(n.StateID), at+"/state_id", "must be a UUID")
	c.must(n.InstanceID == s.NodeID, at+"/instance_id", "must be the sample's node_id")
	c.name(at+"/environment", n.Environment)
	c.must(n.CreatedAt.Equal(s.At), at+"/created_at", "must be the sample's time, at")
	c.name(at+"/active/channel", n.Active.Channel)
	c.name(at+"/active/pack_id", n.Active.PackID)
	c.time(at+"/active/activated_at", n.Active.ActivatedAt)
	c.must(n.Active.ExchangeRef == nil || n.Active.ExchangeRef.Valid(), at+"/active/exchange_ref", notDigest)
	c.installed(at+"/installed", n.Installed)
	c.must(n.Pins.PinnedPackID == "" || plain(n.Pins.PinnedPackID), at+"/pins/pinned_pack_id", notPlain)
	c.must(n.Pins.RevokedPackIDs != nil && len(n.Pins.RevokedPackIDs) <= maxPacks, at+"/pins/revoked_pack_ids", "must be a list of at most 256")
	if n.LastAttempt != nil {
		c.attempt(at+"/last_attempt", *n.LastAttempt)
	}
	c.health(at+"/health", n.Health)
}

const notDigest = `must be {"alg": "sha256", "value": 64 lower-case hex digits}`

func (c *checker) installed(at string, packs []Pack) {
	c.must(packs != nil && len(packs) <= maxPacks, at, "must be a list of at most 256")
	for i, pack := range packs[:min(len(packs), maxPacks)] {
		pointer := fmt.Sprintf("%s/%d", at, i)
		c.name(pointer+"/pack_id", pack.PackID)
		c.time(pointer+"/installed_at", pack.InstalledAt)
		c.must(pack.ManifestRef.Valid(), pointer+"/manifest_ref", notDigest)
		oneOf(c, pointer+"/status", pack.Status, "AVAILABLE", "VERIFYING", "VERIFIED", "FAILED", "REVOKED")
	}
}

func (c *checker) attempt(at string, a Attempt) {
	oneOf(c, at+"/type", a.Type, "VERIFY", "ACTIVATE", "ROLLBACK")
	oneOf(c, at+"/status", a.Status, Succeeded, Failed)
	c.must(a.TargetPackID == "" || plain(a.TargetPackID), at+"/target_pack_id", notPlain)
	c.reason(at+"/reason_code", a.ReasonCode)
	c.time(at+"/started_at", a.StartedAt)
	c.must(a.FinishedAt == nil || !a.FinishedAt.Before(a.StartedAt), at+"/finished_at", "must not be before started_at")
}

// uuid reports whether text is a UUID in its usual form (RFC 9562, section 4).
func uuid(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i, r := range text {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if r != '-' {
				return false
			}
		case !strings.ContainsRune("0123456789abcdefABCDEF", r):
			return false
		}
	}
	return true
}
