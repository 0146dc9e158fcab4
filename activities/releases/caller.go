package releases

import (
	"context"
	"encoding/json"

	"go.temporal.io/sdk/activity"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// Caller is the workflow that calls an activity.
type Caller struct {
	Organization string
	Subject      records.Subject // what it carries on: a release or a channel
	Containment  string          // of a rollback, which carries on nothing
}

// Callers knows Orgo's own workflows by their type and id. Another is no caller: an
// activity that writes does so for whoever may start it, and those are more than
// Orgo.
type Callers interface {
	Caller(workflowType, workflowID string) (Caller, bool)
}

func (a *Activities) caller(ctx context.Context, organization string) (Caller, error) {
	info := activity.GetInfo(ctx)
	id, kind := info.WorkflowExecution.ID, ""
	if info.WorkflowType != nil {
		kind = info.WorkflowType.Name
	}
	by, known := a.callers.Caller(kind, id)
	if !known || by.Organization != organization {
		return by, runner.Fail(gates.Unauthorized, nil, "workflow %q of type %q writes nothing of organization %s", id, kind, organization)
	}
	return by, nil
}

// mayCommit refuses entries that are not about what the caller carries on. Others it
// may tell something.
func (by Caller) mayCommit(entries []records.Entry) error {
	for _, entry := range entries {
		told := entry.Type == release.TypeTold && entry.Subject.Kind == records.SubjectRelease
		switch {
		case entry.Organization != by.Organization:
			return foreign(entry, by.Organization)
		case by.Containment != "" || entry.Subject != by.Subject && !told:
			return runner.Fail(gates.Unauthorized, nil, "entry %s is about %s %s, which the caller does not carry on", entry.ID, entry.Subject.Kind, entry.Subject.ID)
		}
	}
	return nil
}

// mayAsk refuses what a release asks for another, or a rollback for another
// containment.
func (by Caller) mayAsk(entry records.Entry) error {
	var command records.Command
	var about struct {
		ReleaseID string `json:"release_id"`
		Warrant   struct {
			ReleaseID string `json:"release_id"`
		} `json:"warrant"`
		ID string `json:"id"`
	}
	if json.Unmarshal(entry.Body, &command) != nil || json.Unmarshal(command.Arguments, &about) != nil {
		return runner.Fail(gates.RequestInvalid, nil, "entry %s does not decode", entry.ID)
	}
	var allowed bool
	if by.Containment != "" {
		allowed = command.Action == rollout.AskRestore && about.ID == by.Containment && entry.Subject == by.Subject
	} else {
		own := func(id string) bool { return records.ReleaseSubject(id) == by.Subject }
		allowed = command.Action != rollout.AskRestore && (own(about.ReleaseID) && about.Warrant.ReleaseID == "" || about.ReleaseID == "" && own(about.Warrant.ReleaseID))
	}
	if !allowed {
		return runner.Fail(gates.Unauthorized, nil, "the caller may not ask for %s in entry %s", command.Action, entry.ID)
	}
	return nil
}
