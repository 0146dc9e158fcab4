package client

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/initkoa/orgo/records"
)

// PolicyText returns the text of a mandate bundle, in YAML or JSON, as requests have
// it. What is wrong with it the server then tells by line and column of this text.
func PolicyText(text []byte) json.RawMessage {
	encoded, _ := json.Marshal(string(text)) // a string can always be encoded
	return encoded
}

// PolicyDigest returns the digest of a registered bundle as requests have it.
func PolicyDigest(digest records.Digest) json.RawMessage { return PolicyText([]byte(digest.String())) }

// TextPlace is where in a text something is wrong.
type TextPlace struct {
	Pointer string `json:"pointer" doc:"JSON Pointer (RFC 6901)"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
}

// PlaceOf returns where in the text that was sent an error of a problem is, if the
// server said so.
func PlaceOf(e ProblemError) (TextPlace, bool) {
	encoded, err := json.Marshal(e.Value)
	if err != nil {
		return TextPlace{}, false
	}
	var place TextPlace
	err = json.Unmarshal(encoded, &place)
	return place, err == nil && place.Line > 0
}

// RegisterPolicy asks that a bundle is known by its digest.
type RegisterPolicy struct {
	Policy json.RawMessage `json:"policy" doc:"A mandate bundle, as an object or as text in YAML"`
	Reason string          `json:"reason,omitempty" maxLength:"2000"`
}

// RegisteredPolicy is a registered bundle.
type RegisteredPolicy struct {
	BundleID     string                  `json:"bundle_id"`
	Digest       string                  `json:"digest" doc:"Of its canonical form, sha256:…: builds name it by this"`
	Policies     []records.PolicyVersion `json:"policies"`
	Signers      []string                `json:"signers,omitempty" doc:"The keys that signed it"`
	RegisteredAt time.Time               `json:"registered_at"`
	RegisteredBy string                  `json:"registered_by"`
	Reason       string                  `json:"reason,omitempty"`
	// New says, in the answer to a registration, that it was not registered before.
	New bool `json:"new,omitempty"`
}

// PolicyList is a page of registered bundles, newest first.
type PolicyList struct {
	Policies []RegisteredPolicy `json:"policies"`
	Next     string             `json:"next,omitempty"` // cursor of the next page; empty on the last
}

// BacktestPolicy asks what a bundle would have decided on what was decided.
type BacktestPolicy struct {
	Policy json.RawMessage `json:"policy" doc:"A mandate bundle, as an object or as text in YAML, or the digest of a registered one"`
	Since  *time.Time      `json:"since,omitempty" required:"false" doc:"Only decisions at or after it"`
	Limit  int             `json:"limit,omitempty" required:"false" minimum:"0" maximum:"100000" doc:"At most so many, the newest; 10000 without it"`
	Gate   string          `json:"gate,omitempty" required:"false" doc:"Only of this gate"`
}

// Backtest is what a bundle would have decided.
type Backtest struct {
	BundleID  string         `json:"bundle_id"`
	Digest    string         `json:"digest"`
	Decisions int            `json:"decisions" doc:"Stored ones that were made again"`
	Identical int            `json:"identical" doc:"Of them, those that come out byte for byte the same, the policy's digest apart"`
	Blocked   map[string]int `json:"newly_blocked" doc:"Would be refused, by reason code"`
	Admitted  map[string]int `json:"newly_admitted" doc:"Would pass, by the reason code that would be gone"`
	// Tested says, by gate, how many decisions the bundle's rules were tried on. Builds
	// whose policy asked nothing of a gate may have none there.
	Tested map[string]int `json:"tested" doc:"Decisions that were made again, by gate that the bundle has rules for"`
	// Changes are those decisions, the newest first, as far as there is room.
	Changes []BacktestChange `json:"changes"`
	Skipped map[string]int   `json:"skipped,omitempty" doc:"Could not be made again, by reason"`
}

// BacktestChange is one decision that would be another.
type BacktestChange struct {
	BuildID    string        `json:"build_id"`
	Stage      records.Stage `json:"stage,omitempty"`
	Generation int           `json:"generation,omitempty"`
	ReleaseID  string        `json:"release_id,omitempty"`
	Gate       string        `json:"gate"`
	Before     string        `json:"before"`
	After      string        `json:"after"`
	Codes      []string      `json:"reason_codes"`
}

// RegisterPolicy makes a bundle known by its digest. To register it again changes
// nothing.
func (c *Client) RegisterPolicy(ctx context.Context, request RegisterPolicy) (RegisteredPolicy, error) {
	var registered RegisteredPolicy
	call, err := post(request, "", "v1", "policies")
	if err != nil {
		return registered, err
	}
	call.repeatable = true
	return registered, c.json(ctx, call, &registered)
}

// Policies returns a page of registered bundles; limit 0 is the server's.
func (c *Client) Policies(ctx context.Context, limit int, cursor string) (PolicyList, error) {
	var list PolicyList
	call := get("v1", "policies")
	call.query = url.Values{}
	if limit > 0 {
		call.query.Set("limit", strconv.Itoa(limit))
	}
	if cursor != "" {
		call.query.Set("cursor", cursor)
	}
	return list, c.json(ctx, call, &list)
}

// Backtest says what a bundle would have decided on what was decided.
func (c *Client) Backtest(ctx context.Context, request BacktestPolicy) (Backtest, error) {
	var result Backtest
	call, err := post(request, "", "v1", "policies", "backtest")
	if err != nil {
		return result, err
	}
	call.repeatable = true
	return result, c.json(ctx, call, &result)
}
