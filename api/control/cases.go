package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/person"
	"github.com/initkoa/orgo/records/store"
)

// CaseStore is what control over Cases needs of the record store, which refuses what
// is not legal with a *cases.Refusal.
type CaseStore interface {
	Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error)
	Entry(ctx context.Context, organization, entryID string) (store.Stored, error)
	Build(ctx context.Context, organization, buildID string) (records.BuildView, error)
	Case(ctx context.Context, organization, caseID string) (cases.Case, error)
	CaseOfTask(ctx context.Context, organization, taskID string) (cases.Case, error)
	Cases(ctx context.Context, organization string, q store.CaseQuery) ([]cases.Case, string, error)
	Tasks(ctx context.Context, organization string, q store.TaskQuery) ([]store.ListedTask, string, error)
}

// Cases is the control over Cases and Tasks. Unlike builds and releases they need no
// workflow: what is legal is decided where it is appended, also with Temporal away.
type Cases struct {
	CaseStore
	// Policies has what routes the Cases that people open.
	Policies Policies
	Clock    Clock
}

var _ api.Cases = Cases{}

// Act does something to a Case. An act is done once, whatever version its writer had
// seen when they repeated it.
func (c Cases) Act(ctx context.Context, caseID string, act api.CaseAct, by api.Identity) (cases.Case, error) {
	now, err := c.Case(ctx, by, caseID)
	if err != nil {
		return now, err
	}
	entry, err := c.entry(by.Organization, caseID, act, by)
	if err != nil {
		return now, err
	}
	if done, err := c.done(ctx, entry); done || err != nil {
		return now, err
	}
	if _, err := c.would(ctx, now, &entry, act.Force); err != nil {
		return now, err
	}
	if _, err := c.Append(ctx, entry); err != nil {
		return now, keyReused(err, act.Key)
	}
	// Whoever hands a private Case to others sees what they did, once.
	return c.CaseStore.Case(ctx, by.Organization, caseID)
}

// entry makes the entry of an act. Only people act here: what Orgo does by itself is
// recorded by what does it.
func (c Cases) entry(organization, caseID string, act api.CaseAct, by api.Identity) (records.Entry, error) {
	if person.Alike(by.Actor, records.SystemActor) {
		return records.Entry{}, refuse(gates.RequestInvalid, nil, "%s is what Orgo calls itself: somebody else acts on a case", by.Actor)
	}
	return cases.Entry(organization, caseID, act.Type, cases.Act{
		Actor: by.Actor, Reason: act.Reason, At: c.Clock.Now(), Key: by.Actor + "/" + act.Key,
	}, act.Body)
}

// would folds an act into a Case as it is now and returns what it would be, or refuses
// it. An entry that completes a Case although a build runs that it is about gets the
// code that says so.
func (c Cases) would(ctx context.Context, now cases.Case, entry *records.Entry, force bool) (cases.Case, error) {
	after, err := cases.Reduce(now, *entry, now.Version+1)
	if err != nil || entry.Type != cases.TypeMoved || after.Status != cases.Completed {
		return after, err
	}
	running, err := c.running(ctx, now)
	switch {
	case err != nil || running == nil:
		return after, err
	case !force:
		return now, refuse(gates.CaseCauseActive, nil, "case %s is about build %s, which is %s: wait until it has ended, or close the case nevertheless with force",
			now.CaseID, running.BuildID, running.State)
	}
	entry.Codes = []string{string(gates.CaseCauseActive)}
	return after, nil
}

// running returns a build that a Case is about and that runs now, or nil.
func (c Cases) running(ctx context.Context, of cases.Case) (*records.BuildView, error) {
	for _, id := range buildsOf(of) {
		view, err := c.Build(ctx, of.Organization, id)
		if errors.Is(err, store.ErrNotFound) {
			continue // somebody has linked what is not there
		}
		if err != nil {
			return nil, err
		}
		if view.State == records.BuildPending || view.State == records.BuildRunning {
			return &view, nil
		}
	}
	return nil, nil
}

// refBuild is the type of a reference to a build.
const refBuild = "build"

// buildsOf returns the builds that a Case is about: its cause, and what it refers to.
func buildsOf(of cases.Case) []string {
	var ids []string
	if of.Cause.Kind == cases.CauseBuild {
		ids = append(ids, of.Cause.ID)
	}
	for _, ref := range of.Refs {
		if ref.Type == refBuild && !slices.Contains(ids, ref.Ref) {
			ids = append(ids, ref.Ref)
		}
	}
	return ids
}

// done reports whether the act of an entry was done before.
func (c Cases) done(ctx context.Context, entry records.Entry) (bool, error) {
	kept, err := c.Entry(ctx, entry.Organization, entry.ID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	was, err := unversioned(kept.Body)
	if err != nil {
		return false, fmt.Errorf("entry %s: %w", entry.ID, err)
	}
	is, err := unversioned(entry.Body)
	if err != nil {
		return false, fmt.Errorf("entry %s: %w", entry.ID, err)
	}
	if was != is {
		return false, refuse(gates.IdempotencyKeyReused, nil, "the idempotency key was used for another act on case %s", entry.Subject.ID)
	}
	return true, nil
}

// unversioned returns the digest of a body without the version that its writer had seen.
func unversioned(body json.RawMessage) (records.Digest, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return records.Digest{}, err
	}
	delete(members, "expects")
	return records.CanonicalDigest(members)
}

// keyReused tells of an act that came under a key at the same moment as another.
func keyReused(err error, key string) error {
	if errors.As(err, new(*store.EntryConflict)) {
		return refuse(gates.IdempotencyKeyReused, err, "idempotency key %q was used for another act", key)
	}
	return err
}
