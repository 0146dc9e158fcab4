package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// changesTold is how many changes a stale writer is told.
const changesTold = 100

// caseError makes a problem of why something did not happen to a Case, and logs it. A
// stale writer is told what happened since.
func (s *server) caseError(ctx context.Context, caller Identity, err error) error {
	p := known(err)
	if p == nil || p.Status >= http.StatusInternalServerError {
		return err
	}
	if s.refusals != nil {
		s.refusals.CaseRefused(p.ReasonCode)
	}
	var refusal *cases.Refusal
	if !errors.As(err, &refusal) {
		refusal = &cases.Refusal{Code: cases.Code(p.ReasonCode)}
	}
	s.log.InfoContext(ctx, "a case was not changed", "request_id", infoOf(ctx).id, "organization", caller.Organization, "actor", caller.Actor,
		"case_id", refusal.CaseID, "task_id", refusal.TaskID, "reason_code", refusal.Code, "detail", p.Detail)
	if refusal.Code != cases.CodeStale {
		return p
	}
	stored, err := s.reader.Entries(ctx, caller.Organization, cases.Subject(refusal.CaseID), store.EntryQuery{After: refusal.Expected, Limit: changesTold})
	if err != nil {
		return err
	}
	p.Conflict = &client.Conflict{Seen: refusal.Expected, Current: refusal.Current, Changes: make([]client.Change, len(stored))}
	for i, entry := range stored {
		p.Conflict.Changes[i] = changeOf(entry)
	}
	return p
}

// refusedByCase is the problem of a refusal.
func refusedByCase(refusal *cases.Refusal) *problem {
	subject := "case " + refusal.CaseID
	if refusal.TaskID != "" {
		subject = "task " + refusal.TaskID
	}
	return newProblem(gates.Code(refusal.Code), subject+": "+refusal.Message)
}

// changeOf sums an entry up.
func changeOf(entry store.Stored) client.Change {
	var body struct {
		To       string         `json:"to"`
		TaskID   string         `json:"task_id"`
		Deadline cases.Deadline `json:"deadline"`
	}
	change := client.Change{Version: entry.Sequence, Type: entry.Type, Actor: entry.Actor, At: entry.At, Reason: entry.Reason}
	if err := json.Unmarshal(entry.Body, &body); err == nil { // an erased body has none of it
		change.To, change.TaskID = body.To, body.TaskID
		if change.TaskID == "" {
			change.TaskID = body.Deadline.TaskID
		}
	}
	switch entry.Type {
	case cases.TypeReopened:
		change.To = string(cases.Open)
	case cases.TypeTaskLate:
		change.To = string(cases.TaskEscalated)
	}
	return change
}
