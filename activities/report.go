package activities

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// validationReport is what the validation gate must know of a report. The schema
// of the pinned contract set says what else is valid.
type validationReport struct {
	Status string `json:"validation_status"`
	Issues []struct {
		Severity string `json:"severity"`
		Code     string `json:"code"`
	} `json:"issues"`
	Stats *struct {
		Errors   int64 `json:"error_count"`
		Warnings int64 `json:"warning_count"`
		Infos    int64 `json:"info_count"`
	} `json:"stats"`
	Extensions struct {
		Counts    map[string]int64 `json:"counts_by_code"`
		Validated struct {
			Resolved records.Digest `json:"resolved"`
			Snapshot records.Digest `json:"snapshot"`
		} `json:"validated"`
	} `json:"extensions"`
}

// reportLimit bounds the size of a validation report, in bytes.
const reportLimit = 64 << 20

// readReport reads a validation report as evidence. A report that cannot be
// read as one is evidence of that.
func (a *Activities) readReport(ctx context.Context, ref records.Ref) (*gates.ReportEvidence, error) {
	evidence := &gates.ReportEvidence{Report: ref, Severities: map[string]int64{}, Codes: map[string]int64{}}
	data, err := a.artifacts.ReadAll(ctx, ref, reportLimit)
	var failure *runner.Failure
	if errors.As(err, &failure) {
		evidence.Malformed = failure.Text()
		return evidence, nil
	}
	if err != nil {
		return nil, err
	}
	var report validationReport
	if err := json.Unmarshal(data, &report); err != nil {
		evidence.Malformed = err.Error()
		return evidence, nil
	}
	evidence.Status = gates.ReportStatus(report.Status)
	evidence.Resolved, evidence.Snapshot = report.Extensions.Validated.Resolved, report.Extensions.Validated.Snapshot
	for _, issue := range report.Issues {
		evidence.Severities[issue.Severity]++
		evidence.Codes[issue.Code]++
	}
	// A report may list fewer issues than it counts; what counts more, counts.
	for code, count := range report.Extensions.Counts {
		evidence.Codes[code] = max(evidence.Codes[code], count)
	}
	if report.Stats != nil {
		stated := map[string]int64{"ERROR": report.Stats.Errors, "WARNING": report.Stats.Warnings, "INFO": report.Stats.Infos}
		for severity, count := range stated {
			if count > evidence.Severities[severity] {
				evidence.Severities[severity] = count
			}
		}
	}
	evidence.BySeverity, evidence.ByCode = total(evidence.Severities), total(evidence.Codes)
	return evidence, nil
}

// total returns how many were counted, in all.
func total(counts map[string]int64) int64 {
	sum := int64(0)
	for _, count := range counts {
		sum += count
	}
	return sum
}
