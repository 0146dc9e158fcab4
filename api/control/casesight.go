package control

import (
	"context"
	"fmt"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// Everything that people read of Cases, and all that they do to them, begins here: what
// somebody does not see is not there for them.

// Case returns a Case that the caller sees.
func (c Cases) Case(ctx context.Context, by api.Identity, caseID string) (cases.Case, error) {
	found, err := c.CaseStore.Case(ctx, by.Organization, caseID)
	return seen(by, found, "case "+caseID, err)
}

// CaseOfTask returns the Case of a Task, if the caller sees it.
func (c Cases) CaseOfTask(ctx context.Context, by api.Identity, taskID string) (cases.Case, error) {
	found, err := c.CaseStore.CaseOfTask(ctx, by.Organization, taskID)
	return seen(by, found, "the case of task "+taskID, err)
}

// seen answers for a Case that the caller does not see as the store does for none.
func seen(by api.Identity, found cases.Case, what string, err error) (cases.Case, error) {
	if err == nil && !by.Sees(found) {
		return cases.Case{}, fmt.Errorf("%s: %w", what, store.ErrNotFound)
	}
	return found, err
}

// Cases returns those of a page that the caller sees.
func (c Cases) Cases(ctx context.Context, by api.Identity, query store.CaseQuery) ([]cases.Case, string, error) {
	page, next, err := c.CaseStore.Cases(ctx, by.Organization, query)
	var found []cases.Case
	for _, each := range page {
		if by.Sees(each) {
			found = append(found, each)
		}
	}
	return found, next, err
}

// Tasks returns those of a page of whose Cases the caller sees.
func (c Cases) Tasks(ctx context.Context, by api.Identity, query store.TaskQuery) ([]store.ListedTask, string, error) {
	page, next, err := c.CaseStore.Tasks(ctx, by.Organization, query)
	sees := map[string]bool{}
	var found []store.ListedTask
	for _, each := range page {
		if _, looked := sees[each.CaseID]; !looked {
			of, err := c.CaseStore.Case(ctx, by.Organization, each.CaseID)
			if err != nil {
				return nil, "", err
			}
			sees[each.CaseID] = by.Sees(of)
		}
		if sees[each.CaseID] {
			found = append(found, each)
		}
	}
	return found, next, err
}
