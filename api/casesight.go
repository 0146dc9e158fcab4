package api

import (
	"context"
	"errors"
	"slices"

	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// RoleAdmin is the role of those who see and do everything in their organization.
const RoleAdmin = "admin"

// Owners returns what the caller owns things as: themselves, and the teams that are named
// like their roles.
func (i Identity) Owners() []cases.Owner {
	owners := []cases.Owner{{Kind: cases.User, ID: i.Actor}, {Kind: cases.Service, ID: i.Actor}}
	for _, role := range i.Roles {
		owners = append(owners, cases.Owner{Kind: cases.Team, ID: role})
	}
	return owners
}

// Sees reports whether a Case is there for the caller: a PRIVATE one is for its owners,
// for those of its Tasks, and for admins of its organization alone. Names count as they
// are written: one that only reads like an owner's is another's.
func (i Identity) Sees(c cases.Case) bool {
	if c.Organization != i.Organization {
		return false
	}
	if c.Route.Visibility != cases.Private || slices.Contains(i.Roles, RoleAdmin) {
		return true
	}
	as := i.Owners()
	mine := func(o cases.Owner) bool {
		return slices.ContainsFunc(as, func(own cases.Owner) bool { return own.Kind == o.Kind && own.ID == o.ID })
	}
	return slices.ContainsFunc(c.Owners, mine) || slices.ContainsFunc(c.Tasks, func(t cases.Task) bool { return mine(t.Owner) })
}

// seenEvents returns the event streams without what happens to Cases that the caller does
// not see.
func (s *server) seenEvents(by Identity) *eventStreams {
	seen := *s.events
	seen.log = seenLog{Events: s.events.log, cases: s.cases, by: by}
	return &seen
}

// seenLog is the log as a caller sees it.
type seenLog struct {
	Events
	cases Cases
	by    Identity
}

// Leaves leaves out those of Cases that the caller does not see.
func (l seenLog) Leaves(ctx context.Context, organization string, from int64, limit int) ([]store.Leaf, int64, error) {
	leaves, next, err := l.Events.Leaves(ctx, organization, from, limit)
	if err != nil {
		return nil, from, err
	}
	hidden := map[string]bool{}
	var seen []store.Leaf
	for _, leaf := range leaves {
		if leaf.Subject.Kind == cases.SubjectCase {
			id := leaf.Subject.ID
			if _, looked := hidden[id]; !looked {
				_, err := l.cases.Case(ctx, l.by, id)
				if hidden[id] = errors.Is(err, store.ErrNotFound); err != nil && !hidden[id] {
					return nil, from, err
				}
			}
			if hidden[id] {
				continue
			}
		}
		seen = append(seen, leaf)
	}
	return seen, next, nil
}
