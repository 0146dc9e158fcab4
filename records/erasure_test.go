package records_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	stderr := "document " + ref("Ada").Digest.String()
	for name, test := range map[string]struct {
		entryType string
		body      any
		fields    []string
	}{
		"a request": {records.TypeBuildRequested, records.BuildRequested{
			IdempotencyKey: "k", Request: ref("Ada"), Trigger: records.Trigger{Type: records.TriggerManual, Actor: "Ada", Reason: "Ada"},
		}, []string{stderr, "body.trigger.actor", "body.trigger.reason"}},
		"an output": {records.TypeStageFinished, records.StageFinished{Key: "k", Notes: "Ada", Attachments: []records.Artifact{
			{Name: "provenance", Ref: ref("kept")}, {Name: records.AttachmentStderr, Ref: ref("Ada")},
		}}, []string{stderr, "body.notes"}},
		"an output with stderr alone": {records.TypeStageFinished, records.StageFinished{Key: "k", Attachments: []records.Artifact{
			{Name: records.AttachmentStderr, Ref: ref("Ada")},
		}}, []string{stderr}},
		"an output that says nothing": {records.TypeStageFinished, records.StageFinished{Key: "k"}, nil},
		"a conflict":                  {records.TypeStageConflict, records.StageFinished{Key: "k", Notes: "Ada"}, []string{"body.notes"}},
		"a failure": {records.TypeStageFailed, records.StageFailed{
			Message: "Ada", Details: json.RawMessage(`{"stderr_tail":"Ada"}`), Attempt: 1,
		}, []string{"body.message", "body.details"}},
		"an override": {records.TypeGateOverridden, json.RawMessage(
			`{"actor":"Ada","gate":"provenance","inputs":{"requester":"Ada"},"override":{"actor":"Ada","case_id":"c","reason":"Ada"}}`,
		), []string{"body.actor", "body.override.actor", "body.override.reason", "body.inputs"}},
		"a record with an override": {records.TypeRecordWritten, records.BuildRecord{Decisions: []json.RawMessage{
			json.RawMessage(`{"actor":"orgo","inputs":{"kept":1}}`), json.RawMessage(`{"actor":"Ada","override":{"actor":"Ada","reason":"Ada"}}`),
		}}, []string{"body.decisions[1].actor", "body.decisions[1].override.actor", "body.decisions[1].override.reason"}},
		"a record": {records.TypeRecordWritten, records.BuildRecord{
			Trigger: records.Trigger{Actor: "Ada"},
			Stages:  []records.StageRecord{{Message: "Ada", Notes: "Ada", Attempts: []records.AttemptRecord{{Message: "Ada"}, {}}}, {}},
			Actions: []records.ActionRecord{{Actor: "Ada", Reason: "Ada"}},
		}, []string{"body.trigger.actor", "body.actions[0].actor", "body.actions[0].reason",
			"body.stages[0].message", "body.stages[0].notes", "body.stages[0].attempts[0].message"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entry, err := records.NewEntry(records.Entry{
				Type: test.entryType, Actor: records.SystemActor, Subject: records.Subject{Kind: records.SubjectBuild, ID: "b"},
			}, "d", test.body)
			require.NoError(t, err)
			redacted, fields, err := records.Redact(entry)
			require.NoError(t, err)
			require.ElementsMatch(t, test.fields, fields)
			require.NotContains(t, string(redacted.Body), "Ada")
			require.Equal(t, records.SystemActor, redacted.Actor)

			erasure := records.Erasure{EntryID: entry.ID, Type: entry.Type, Body: redacted.Digest, Fields: fields}
			require.NoError(t, erasure.Left(redacted))
			if len(fields) == 0 {
				return
			}
			redacted.Actor = "Eve"
			require.ErrorContains(t, erasure.Left(redacted), "says something again")
			redacted.Actor = records.SystemActor
			erasure.Fields = fields[1:]
			require.ErrorContains(t, erasure.Left(redacted), "recorded erasure is of")
		})
	}
}
