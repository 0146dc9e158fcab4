package gates

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/person"
)

// Vote is what one person said of an intent.
type Vote struct {
	Actor     string         `json:"actor"`
	Roles     []string       `json:"roles,omitempty"`
	Intent    records.Digest `json:"intent"` // the digest of what was voted on
	Approve   bool           `json:"approve"`
	At        time.Time      `json:"at"`
	ExpiresAt time.Time      `json:"expires_at"` // from then on it counts nothing, whatever the policy's max_age
}

// Votes is what the approvals gate looks at. Recorded is how many votes were
// cast: each must be listed, once, and no vote is not the same as none recorded.
// PolicyChanged says that there is a policy author, who has no say.
type Votes struct {
	Intent       records.Digest `json:"intent"`
	Requester    string         `json:"requester"`
	Initiator    string         `json:"initiator"`               // of the build
	PolicyAuthor string         `json:"policy_author,omitempty"` // of a policy that changed with it
	Recorded     *int           `json:"recorded"`
	Votes        []Vote         `json:"votes"`

	PolicyChanged bool `json:"policy_changed,omitempty"`
}

const ruleVotes = "orgo/votes"

// Approvals decides whether those who must have agreed. One rejection ends it.
// A vote on anything but exactly this intent is none, and neither is one of its
// requester, the build's initiator or the author of a changed policy.
func Approvals(c Context, v Votes) Decision { return evaluate(GateApprovals, c, v) }

func approvalsFindings(_ Context, v Votes) []Finding {
	var findings []Finding
	if !v.complete() {
		findings = append(findings, refuse(ruleVotes, NoData, EvidenceMissing,
			"the intent, its requester, the build's initiator, the author of a changed policy, or a vote is not known").about("votes"))
	}
	for _, vote := range v.Votes {
		if vote.Actor != "" && !vote.Approve && vote.Intent.Valid() && vote.Intent == v.Intent {
			findings = append(findings, refuse(ruleVotes, Fail, ApprovalRejected, fmt.Sprintf("%s rejected it", vote.Actor)).about(vote.Actor))
		}
	}
	if len(findings) == 0 {
		findings = append(findings, pass(ruleVotes, &v.Intent))
	}
	return findings
}

// complete reports whether it is known who votes on what, and each vote is
// listed, once: a vote that lost its intent might have been a rejection, and a
// twin must not stand for one that is not there.
func (v Votes) complete() bool {
	for i, vote := range v.Votes {
		if vote.Actor == "" || !vote.Intent.Valid() || slices.ContainsFunc(v.Votes[:i], vote.same) {
			return false
		}
	}
	return v.Intent.Valid() && v.Requester != "" && v.Initiator != "" && v.PolicyChanged == (v.PolicyAuthor != "") &&
		v.Recorded != nil && *v.Recorded == len(v.Votes)
}

// same reports whether two votes are one: nobody casts two at an instant.
func (vote Vote) same(other Vote) bool {
	return person.Alike(vote.Actor, other.Actor) && vote.At.Equal(other.At)
}

// approvalsConfig is the config of a rule of type "approvals".
type approvalsConfig struct {
	// Solo says that nobody besides the requester has to agree. It stands alone: a rule
	// cannot both ask for agreement and not.
	Solo   bool           `json:"solo,omitempty"`
	Quorum int            `json:"quorum"`          // how many persons
	Roles  map[string]int `json:"roles,omitempty"` // how many of them with a role
	MaxAge duration       `json:"max_age"`         // how long an approval counts
}

func readApprovals(raw json.RawMessage) (ruleMade, error) {
	var config approvalsConfig
	if err := strict(raw, &config); err != nil {
		return ruleMade{}, err
	}
	if err := config.check(); err != nil {
		return ruleMade{}, err
	}
	find := config.findings()
	if config.Solo {
		find = soloFindings
	}
	made, err := forGate(GateApprovals, func(json.RawMessage) (func(Context, Votes) []Finding, error) { return find, nil })(raw)
	made.solo = config.Solo
	return made, err
}

// check returns what is wrong with a config, or nil.
func (config approvalsConfig) check() error {
	switch {
	case config.Solo && (config.Quorum != 0 || config.Roles != nil || config.MaxAge != 0):
		return wrong("/solo", "must stand alone: with it nobody has to agree, and the other keys would say who")
	case config.Solo:
		return nil
	case config.Quorum < 1:
		return wrong("/quorum", "must be at least 1: otherwise the rule could never refuse")
	case config.MaxAge <= 0:
		return wrong("/max_age", "must be a duration above zero, such as 24h")
	}
	for _, role := range slices.Sorted(maps.Keys(config.Roles)) {
		if config.Roles[role] < 1 {
			return wrong("/roles/"+role, "must be at least 1")
		}
	}
	return nil
}

// soloFindings says for the record that nobody had to agree. A rejection still ends
// it: that is the gate's own rule.
func soloFindings(Context, Votes) []Finding {
	return []Finding{{Verdict: Pass, Message: "solo: by this rule nobody besides the requester has to agree"}}
}

func (config approvalsConfig) findings() func(Context, Votes) []Finding {
	roles := slices.Sorted(maps.Keys(config.Roles))
	return func(c Context, v Votes) []Finding {
		approvers := config.approvers(c, v)
		var findings []Finding
		// Whoever fills a role counts: a quorum that the roles bring is no condition
		// of its own.
		brought := 0
		for _, role := range roles {
			if withRole(approvers, role) < config.Roles[role] {
				brought = max(brought, config.Roles[role])
			}
		}
		if len(approvers) < config.Quorum && brought < config.Quorum {
			findings = append(findings, Finding{Verdict: Pending, Code: ApprovalsMissing,
				Message: fmt.Sprintf("%d of %d approvals", len(approvers), config.Quorum)}.about("quorum"))
		}
		for _, role := range roles {
			if n := withRole(approvers, role); n < config.Roles[role] {
				findings = append(findings, Finding{Verdict: Pending, Code: ApprovalsMissing,
					Message: fmt.Sprintf("%d of %d approvals of role %s", n, config.Roles[role], role)}.about("role "+role))
			}
		}
		return findings
	}
}

// approvers returns everyone whose approval counts now, with the roles in which
// they gave it.
func (config approvalsConfig) approvers(c Context, v Votes) map[string]map[string]bool {
	approvers := map[string]map[string]bool{}
	for _, vote := range v.Votes {
		separate := person.Somebody(vote.Actor) && !person.AnyAlike(vote.Actor, v.Requester, v.Initiator, v.PolicyAuthor)
		current := !vote.At.After(c.At) && c.At.Before(vote.At.Add(time.Duration(config.MaxAge))) &&
			c.At.Before(vote.ExpiresAt)
		if !vote.Approve || !vote.Intent.Valid() || vote.Intent != v.Intent || !separate || !current {
			continue
		}
		who := person.Reading(vote.Actor)
		if approvers[who] == nil {
			approvers[who] = map[string]bool{}
		}
		for _, role := range vote.Roles {
			approvers[who][role] = true
		}
	}
	return approvers
}

func withRole(approvers map[string]map[string]bool, role string) int {
	n := 0
	for _, roles := range approvers {
		if roles[role] {
			n++
		}
	}
	return n
}

var approvalsFacts = []factOf[Votes]{
	{"requester", stringFact, "who asked for it", func(_ Context, v Votes) any { return v.Requester }},
	{"initiator", stringFact, "who started the build", func(_ Context, v Votes) any { return v.Initiator }},
}
