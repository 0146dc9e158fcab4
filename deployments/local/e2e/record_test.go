//go:build linux

package e2e_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

// statuses are those of the five stages, in order.
type statuses []records.StageStatus

func TestTheRecordOfEveryOutcomeFitsTheContract(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	passed := s.end(t, s.begin(t, demoRequest(t, s, demoCorpus), "passed"), records.BuildPassed)
	const pass, fail, failed, skip = records.StagePass, records.StageFail, records.StageError, records.StageSkip

	for name, outcome := range map[string]struct {
		end        func(t *testing.T) string // ends a build so, and returns its id
		state      records.BuildState
		code       gates.Code
		stages     statuses
		validation records.StageStatus
	}{
		"passed": {
			end:   func(*testing.T) string { return passed.BuildID },
			state: records.BuildPassed, stages: statuses{pass, pass, pass, pass, pass}, validation: pass,
		},
		"blocked": {
			end: func(t *testing.T) string {
				r := s.cli(t, startDemo(demoCorpus, demoBlocked, "--idempotency-key", t.Name(), "--wait")...)
				require.Equal(t, 1, r.code, r.err)
				return records.BuildID(records.DefaultOrganization, t.Name())
			},
			state: records.BuildBlocked, code: gates.ValidationFailed,
			stages: statuses{pass, pass, pass, fail, skip}, validation: fail,
		},
		"failed in ingest": {
			end: func(t *testing.T) string {
				return s.begin(t, demoRequest(t, s, filepath.Join(t.TempDir(), "absent")), t.Name())
			},
			state: records.BuildFailed, code: gates.InputNotFound,
			stages: statuses{failed, skip, skip, skip, skip}, validation: fail,
		},
		"stopped": {
			end: func(t *testing.T) string {
				extractor := newPlayer(t, s, passed, records.Extract)
				id := s.begin(t, demoRequest(t, s, demoCorpus, doneBy(records.Extract, extractor.runner())), t.Name())
				extractor.awaitStart(t, 1)
				r := s.cli(t, "build", "stop", id, "--reason", "enough")
				require.Equal(t, 0, r.code, r.err)
				extractor.set(t, "go")
				return id
			},
			state: records.BuildStopped, code: gates.StoppedByOperator,
			stages: statuses{pass, pass, skip, skip, skip}, validation: fail,
		},
	} {
		t.Run(name, func(t *testing.T) {
			view := s.end(t, outcome.end(t), outcome.state)
			require.Equal(t, outcome.code == "", len(view.Codes) == 0)
			if outcome.code != "" {
				require.Equal(t, []string{string(outcome.code)}, view.Codes)
			}

			r := s.cli(t, "build", "record", view.BuildID, "--format", "koa")
			require.Equal(t, 0, r.code, r.err)
			requireKOA(t, []byte(r.out))
			require.NoError(t, schemas.ValidateKOABuildRecord([]byte(r.out)))

			var record records.KOABuildRecord
			require.NoError(t, json.Unmarshal([]byte(r.out), &record))
			require.Equal(t, view.BuildID, record.BuildID)
			var found statuses
			for _, stage := range record.Stages {
				found = append(found, stage.Status)
			}
			require.Equal(t, outcome.stages, found)
			require.Equal(t, outcome.validation, record.Outputs.Validation.Status)
			if outcome.state == records.BuildPassed {
				require.NotNil(t, record.Outputs.Kristal.ExchangeRef)
				require.NotNil(t, record.Outputs.Kristal.RuntimePackRef)
			} else {
				require.Zero(t, record.Outputs.Kristal)
			}
			requireReport(t, s, record)
		})
	}
}

// requireReport requires that the report which a record refers to is there, fits
// its schema, and says what the record says.
func requireReport(t *testing.T, s *stack, record records.KOABuildRecord) {
	t.Helper()
	ref := record.Outputs.Validation.ReportRef
	document := s.content(t, records.Digest{Alg: ref.Alg, Value: ref.Value})
	var report struct {
		Status string `json:"validation_status"`
		Issues []struct {
			Code string `json:"code"`
		} `json:"issues"`
	}
	require.NoError(t, json.Unmarshal(document, &report))
	require.Equal(t, record.Outputs.Validation.Status == records.StagePass, report.Status == string(gates.ReportPassed))
	if record.Stages[records.BuildIndex(records.Validate)].Status == records.StageSkip {
		require.Equal(t, string(gates.ReportFailed), report.Status)
		require.Equal(t, string(gates.ValidationNotRun), report.Issues[0].Code)
	}
	reftest.SchemaOf(t, records.RoleValidationReport).Require(t, document)
}

func TestEveryOutputFitsTheExternalContracts(t *testing.T) {
	s := newStack(t)
	view := s.end(t, s.begin(t, demoRequest(t, s, demoCorpus), "passed"), records.BuildPassed)
	checked := 0
	for _, spec := range records.BuildSpine() {
		for _, declared := range spec.Outputs {
			// The snapshot is Orgo's own; raw pack data has no schema.
			if declared.Role == "" || declared.Role == records.RoleSnapshot {
				continue
			}
			schema := reftest.SchemaOf(t, declared.Role)
			documents := [][]byte{s.content(t, output(t, view, spec.Stage, declared.Name).Digest)}
			if declared.Lines {
				documents = bytes.Split(bytes.TrimSuffix(documents[0], []byte("\n")), []byte("\n"))
			}
			for _, document := range documents {
				schema.Require(t, document)
				checked++
			}
		}
	}
	t.Logf("%d documents", checked)
	require.Greater(t, checked, 60)
}
