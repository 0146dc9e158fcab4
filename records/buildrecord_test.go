package records_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

func (h *history) record(state records.BuildState, stage records.Stage, codes ...string) records.BuildRecord {
	record, err := records.AssembleBuildRecord(records.RecordSources{
		View: h.fold(), Entries: h.entries, Request: records.BuildRequest{Policy: ref("policy")},
		State: state, Codes: codes, Stage: stage,
		EmptySnapshot: ref("empty"), NotRunReport: ref("not run"), EndedAt: start,
	})
	require.NoError(h.t, err)
	return record
}

func TestRecordsOfEveryOutcomeFitTheContract(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		record     func(t *testing.T) records.BuildRecord
		artifacts  bool
		validation records.StageStatus
		statuses   []records.StageStatus
	}{
		"passed": {
			record:    func(t *testing.T) records.BuildRecord { return newHistory(t).whole().record(records.BuildPassed, "") },
			artifacts: true, validation: records.StagePass,
			statuses: []records.StageStatus{"PASS", "PASS", "PASS", "PASS", "PASS"},
		},
		"blocked at validate": {
			record: func(t *testing.T) records.BuildRecord {
				return newHistory(t).requested().stage(records.Ingest, 1).stage(records.Extract, 1).stage(records.Resolve, 1).
					stage(records.Validate, 1).add(records.TypeGateFailed, records.Validate, 1, []string{"VALIDATION_FAILED"}, struct{}{}).
					record(records.BuildBlocked, records.Validate, "VALIDATION_FAILED")
			},
			validation: records.StageFail, statuses: []records.StageStatus{"PASS", "PASS", "PASS", "FAIL", "SKIP"},
		},
		"failed in ingest": {
			record: func(t *testing.T) records.BuildRecord {
				return newHistory(t).requested().add(records.TypeStageFailed, records.Ingest, 1, []string{"INPUT_UNREADABLE"},
					records.StageFailed{Message: "a.csv", Attempt: 1, Final: true}).
					record(records.BuildFailed, records.Ingest, "INPUT_UNREADABLE")
			},
			validation: records.StageFail, statuses: []records.StageStatus{"ERROR", "SKIP", "SKIP", "SKIP", "SKIP"},
		},
		"stopped while a stage ran": {
			record: func(t *testing.T) records.BuildRecord {
				return newHistory(t).requested().stage(records.Ingest, 1).
					add(records.TypeStageStarted, records.Extract, 1, nil, records.StageStarted{Attempt: 1}).
					add(records.TypeOperatorAction, "", 1, nil, records.OperatorAction{Action: records.ActionStop}).
					record(records.BuildStopped, records.Extract, "STOPPED_BY_OPERATOR")
			},
			validation: records.StageFail, statuses: []records.StageStatus{"PASS", "ERROR", "SKIP", "SKIP", "SKIP"},
		},
		"blocked at compile's own gates": {
			record: func(t *testing.T) records.BuildRecord {
				return newHistory(t).whole().add(records.TypeGateFailed, records.Compile, 1, []string{"CONTRACT_VIOLATION"}, struct{}{}).
					record(records.BuildBlocked, records.Compile, "CONTRACT_VIOLATION")
			},
			validation: records.StagePass, statuses: []records.StageStatus{"PASS", "PASS", "PASS", "PASS", "FAIL"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			record := c.record(t)
			require.NoError(t, record.VerifyHash())
			require.Equal(t, c.artifacts, record.Outputs.Exchange != nil)
			require.Equal(t, c.artifacts, record.Outputs.RuntimePack != nil)
			require.Equal(t, c.validation, record.Outputs.Validation.Status)
			for i, stage := range record.Stages {
				require.Equal(t, c.statuses[i], stage.Status, stage.Stage)
			}
			interop, err := json.Marshal(records.KOA(record))
			require.NoError(t, err)
			require.NoError(t, schemas.ValidateKOABuildRecord(interop))

			record.State = "OTHER"
			require.Error(t, record.VerifyHash(), "a changed record is seen")
		})
	}
}
