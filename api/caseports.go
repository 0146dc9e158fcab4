package api

import (
	"context"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// Cases is the choke point for everything that somebody does to a Case or a Task. What
// the Case does not admit is a *cases.Refusal, what else is not allowed a *Refusal;
// what is not there is store.ErrNotFound.
type Cases interface {
	// Open opens a Case of a person's own. The same key with the same request is the same
	// Case; with another request it is refused with IDEMPOTENCY_KEY_REUSED.
	Open(ctx context.Context, organization string, request CaseRequest, key string, by Identity) (cases.Case, error)
	// Act does something to a Case, and returns it as it is then. The same key is the same
	// act.
	Act(ctx context.Context, caseID string, act CaseAct, by Identity) (cases.Case, error)
	// Move takes many Cases to another state, each for itself, or says what would happen.
	Move(ctx context.Context, request client.MoveCases, key string, by Identity) (client.MovedCases, error)
	// Import opens a Case for each line that there is none for. All says that a line that
	// is refused keeps all others back.
	Import(ctx context.Context, organization string, lines []client.CaseLine, all bool, by Identity) ([]CaseImported, error)
	// Route returns the route that a Case with such facts takes, by the given policy, or
	// by the one that routes the Cases that people open.
	Route(ctx context.Context, organization string, facts routing.Facts, rules *gates.Ruleset) (cases.Route, routing.Explanation, error)

	// What the caller does not see (Identity.Sees) is not there. A page has fewer than
	// were asked for if it would have had such.
	Case(ctx context.Context, by Identity, caseID string) (cases.Case, error)
	CaseOfTask(ctx context.Context, by Identity, taskID string) (cases.Case, error)
	Cases(ctx context.Context, by Identity, query store.CaseQuery) (found []cases.Case, next string, err error)
	Tasks(ctx context.Context, by Identity, query store.TaskQuery) (found []store.ListedTask, next string, err error)
}

// CaseRequest asks for a Case. Rules are those of the policy that it names, if it does.
type CaseRequest struct {
	client.CreateCase
	Rules *gates.Ruleset
}

// CaseAct is what somebody does to a Case: an entry of package cases.
type CaseAct struct {
	Type   string
	Body   any
	Reason string
	Key    string
	// Force completes a Case also while a build runs that it is about.
	Force bool
}

// CaseImported is what became of a line. Refused says why it was refused.
type CaseImported struct {
	CaseID  string
	Outcome string // client.ImportCreated, …
	Refused error
}

// CaseObserver hears of what did not happen to Cases, by the reason code. It must be
// quick.
type CaseObserver interface{ CaseRefused(code string) }
