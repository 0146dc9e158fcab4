package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records"
)

func (s *server) registerPolicies(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "register-policy", Method: http.MethodPost, Path: "/v1/policies", Tags: []string{"policies"},
		Summary:      "Register a policy bundle, so that builds can name it by its digest",
		Description:  "The same bundle is registered once; another content under the same bundle_id is another version.",
		MaxBodyBytes: s.limits.RequestBytes,
	}, s.registerPolicy)
	guarded(s, api, huma.Operation{
		OperationID: "list-policies", Method: http.MethodGet, Path: "/v1/policies", Tags: []string{"policies"},
		Summary: "List the registered policy bundles, newest first",
	}, s.listPolicies)
	guarded(s, api, huma.Operation{
		OperationID: "backtest-policy", Method: http.MethodPost, Path: "/v1/policies/backtest", Tags: []string{"policies"},
		Summary:      "Decide anew what was decided, under another policy bundle",
		Description:  "Nothing is recorded. Under the bundle that decisions were made under, each is identical.",
		MaxBodyBytes: s.limits.RequestBytes,
	}, s.backtestPolicy)
}

type registerPolicyInput struct{ Body client.RegisterPolicy }

func (s *server) registerPolicy(ctx context.Context, caller Identity, in *registerPolicyInput) (*struct{ Body client.RegisteredPolicy }, error) {
	named, err := policyName(in.Body.Policy)
	if err != nil {
		return nil, err
	}
	if named.Digest.Valid() {
		return nil, invalid("body.policy", "is a digest; send the bundle itself")
	}
	registered, err := s.policies.Register(ctx, caller.Organization, named.Sent, caller, in.Body.Reason)
	return &struct{ Body client.RegisteredPolicy }{registeredPolicy(registered)}, err
}

type listPoliciesInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"500" doc:"next of the page before"`
}

func (s *server) listPolicies(ctx context.Context, caller Identity, in *listPoliciesInput) (*struct{ Body client.PolicyList }, error) {
	registered, next, err := s.policies.List(ctx, caller.Organization, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	list := client.PolicyList{Policies: make([]client.RegisteredPolicy, len(registered)), Next: next}
	for i, r := range registered {
		list.Policies[i] = registeredPolicy(r)
	}
	return &struct{ Body client.PolicyList }{list}, nil
}

func registeredPolicy(r PolicyRegistration) client.RegisteredPolicy {
	return client.RegisteredPolicy{
		BundleID: r.BundleID, Digest: r.Bundle.Digest.String(), Policies: r.Policies, Signers: r.Signers,
		RegisteredAt: r.At, RegisteredBy: r.Actor, Reason: r.Reason, New: r.New,
	}
}

// defaultBacktest is how many decisions a backtest makes again that names no limit.
const defaultBacktest = 10_000

type backtestInput struct{ Body client.BacktestPolicy }

func (s *server) backtestPolicy(ctx context.Context, caller Identity, in *backtestInput) (*struct{ Body client.Backtest }, error) {
	named, err := policyName(in.Body.Policy)
	if err != nil {
		return nil, err
	}
	query := BacktestQuery{Limit: in.Body.Limit, Gate: gates.Gate(in.Body.Gate)}
	if query.Limit == 0 {
		query.Limit = defaultBacktest
	}
	if in.Body.Since != nil {
		query.Since = *in.Body.Since
	}
	if query.Gate != "" && !isGate(query.Gate) {
		return nil, invalid("body.gate", "%q is no gate; there are %v", query.Gate, gates.Gates())
	}
	bundle, _, err := s.policies.Read(ctx, caller.Organization, named)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	result, err := s.policies.Backtest(ctx, caller.Organization, bundle.Rules, query)
	if err != nil {
		return nil, err
	}
	s.log.InfoContext(ctx, "a policy was tested on past decisions", "request_id", infoOf(ctx).id, "organization", caller.Organization,
		"actor", caller.Actor, "policy", bundle.Digest.String(), "decisions", result.Decisions, "changes", len(result.Changes), "took", time.Since(began).String())
	return &struct{ Body client.Backtest }{backtestOf(bundle, result)}, nil
}

func isGate(name gates.Gate) bool {
	for _, gate := range gates.Gates() {
		if gate == name {
			return true
		}
	}
	return false
}

func backtestOf(bundle mandate.Bundle, result *gates.Backtest) client.Backtest {
	answer := client.Backtest{
		BundleID: bundle.Policy.BundleID, Digest: bundle.Digest.String(), Decisions: result.Decisions, Identical: result.Identical,
		Blocked: counted(result.Blocked), Admitted: counted(result.Admitted), Tested: counted(result.Tested), Skipped: result.Skipped, Changes: []client.BacktestChange{},
	}
	for _, change := range result.Changes {
		answer.Changes = append(answer.Changes, client.BacktestChange{
			BuildID: change.Subject.BuildID, Stage: change.Subject.Stage, Generation: change.Subject.Generation, ReleaseID: change.Subject.ReleaseID,
			Gate: string(change.Gate), Before: string(change.Before), After: string(change.After), Codes: texts(change.Codes),
		})
	}
	return answer
}

func counted[K ~string](counts map[K]int) map[string]int {
	texts := make(map[string]int, len(counts))
	for code, n := range counts {
		texts[string(code)] = n
	}
	return texts
}

func texts(codes []gates.Code) []string {
	list := make([]string, len(codes))
	for i, code := range codes {
		list[i] = string(code)
	}
	return list
}

// policyName reads how a request names a bundle: an object, the text of one, or the
// digest of one that is registered.
func policyName(sent json.RawMessage) (PolicyName, error) {
	if isObject(sent) {
		return PolicyName{Sent: sent}, nil
	}
	var text string
	if absent(sent) || json.Unmarshal(sent, &text) != nil {
		return PolicyName{}, invalid("body.policy", "is not a mandate bundle, the text of one, or the digest of one that is registered")
	}
	if !strings.HasPrefix(text, records.SHA256+":") {
		return PolicyName{Sent: []byte(text)}, nil
	}
	digest, err := records.ParseDigest(text)
	if err != nil {
		return PolicyName{}, invalid("body.policy", "%v", err)
	}
	return PolicyName{Digest: digest}, nil
}

// policyProblem says what is wrong with a bundle, and where in what was sent.
func policyProblem(refused *mandate.Error) *problem {
	p := newProblem(refused.Code, fmt.Sprintf("the policy bundle is refused for %d reasons", len(refused.Problems)+refused.More))
	if len(refused.Problems) == 1 {
		p.Detail = "the policy bundle is refused"
	}
	for _, each := range refused.Problems {
		p.Errors = append(p.Errors, client.ProblemError{
			Location: "body.policy" + each.Pointer, Code: string(each.Code),
			Message: fmt.Sprintf("line %d, column %d: %s", each.Line, each.Column, each.Message),
			Value:   client.TextPlace{Pointer: each.Pointer, Line: each.Line, Column: each.Column},
		})
	}
	return p
}
