package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

func (s *server) registerRecords(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "get-build-record", Method: http.MethodGet, Path: "/v1/builds/{id}/record", Tags: []string{"records"},
		Summary:     "Get the Build Record of an ended build",
		Description: "orgo is everything that Orgo knows; koa is the interop form.",
	}, s.getRecord)
	guarded(s, api, huma.Operation{
		OperationID: "list-build-entries", Method: http.MethodGet, Path: "/v1/builds/{id}/entries", Tags: []string{"records"},
		Summary: "List what happened to a build, in order",
	}, s.listEntries)
	guarded(s, api, huma.Operation{
		OperationID: "why-build", Method: http.MethodGet, Path: "/v1/builds/{id}/why", Tags: []string{"records"},
		Summary: "List every condition that keeps a build from passing, with what would help",
	}, s.whyBuild)
}

// RecordForm says in which form a record is wanted. It is exported because huma looks
// into no other embedded struct.
type RecordForm struct {
	Format string `query:"format" enum:"orgo,koa" default:"orgo"`
}

// recordInput asks for a record in one of its forms.
type recordInput struct {
	BuildPath
	RecordForm
}

// rawAnswer is a JSON document, sent as it is.
type rawAnswer struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (s *server) getRecord(ctx context.Context, caller Identity, in *recordInput) (*rawAnswer, error) {
	view, err := s.reader.Build(ctx, caller.Organization, in.ID)
	if err != nil {
		return nil, err
	}
	written, err := s.entriesOf(ctx, caller.Organization, in.ID, records.TypeRecordWritten)
	if err != nil {
		return nil, err
	}
	if len(written) == 0 || view.Record == nil {
		return nil, refusef(gates.RecordUnavailable, "build %s is %s and has no record yet", in.ID, view.State)
	}
	body := written[len(written)-1].Body
	if found := records.DigestOf(body); found != *view.Record {
		return nil, refusef(gates.DigestMismatch, "the record of build %s has digest %s and should have %s", in.ID, found, view.Record)
	}
	if in.Format == client.FormatKOA {
		if body, err = interopForm(body); err != nil {
			return nil, fmt.Errorf("record of build %s: %w", in.ID, err)
		}
	}
	return &rawAnswer{ContentType: records.MediaJSON, Body: body}, nil
}

func interopForm(body []byte) ([]byte, error) {
	var record records.BuildRecord
	if err := json.Unmarshal(body, &record); err != nil {
		return nil, err
	}
	return records.Canonical(records.KOA(record))
}

// EntryPage says which entries are wanted, and is exported as RecordForm is.
type EntryPage struct {
	After int64 `query:"after" minimum:"0" doc:"The sequence number to read on after"`
	Limit int   `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}

// entriesInput asks for a page of entries.
type entriesInput struct {
	BuildPath
	EntryPage
}

func (s *server) listEntries(ctx context.Context, caller Identity, in *entriesInput) (*struct{ Body client.EntryList }, error) {
	// Entries of an unknown build are an empty list; the caller should know that
	// the build is not there.
	if _, err := s.reader.Build(ctx, caller.Organization, in.ID); err != nil {
		return nil, err
	}
	return s.entries(ctx, caller, buildSubject(in.ID), in.EntryPage)
}

func (s *server) entries(ctx context.Context, caller Identity, subject records.Subject, page EntryPage) (*struct{ Body client.EntryList }, error) {
	stored, err := s.reader.Entries(ctx, caller.Organization, subject, store.EntryQuery{After: page.After, Limit: page.Limit})
	if err != nil {
		return nil, err
	}
	list := client.EntryList{Entries: make([]client.StoredEntry, 0, len(stored)), Next: page.After}
	for _, entry := range stored {
		list.Entries = append(list.Entries, client.StoredEntry{Entry: entry.Entry, Sequence: entry.Sequence})
		list.Next = entry.Sequence
	}
	return &struct{ Body client.EntryList }{list}, nil
}

// entriesOf returns every entry of a build that has one of the given types, in
// order.
func (s *server) entriesOf(ctx context.Context, organization, buildID string, types ...string) ([]store.Stored, error) {
	return s.reader.Entries(ctx, organization, buildSubject(buildID), store.EntryQuery{Types: types})
}

func buildSubject(id string) records.Subject {
	return records.Subject{Kind: records.SubjectBuild, ID: id}
}

func (s *server) whyBuild(ctx context.Context, caller Identity, in *BuildPath) (*struct{ Body client.Why }, error) {
	view, err := s.reader.Build(ctx, caller.Organization, in.ID)
	if err != nil {
		return nil, err
	}
	entries, err := s.entriesOf(ctx, caller.Organization, in.ID, whyTypes()...)
	if err != nil {
		return nil, err
	}
	why, err := explain(view, entries)
	return &struct{ Body client.Why }{why}, err
}
