package validate

import (
	"bytes"
	"context"

	"github.com/initkoa/orgo/activities/reference/stream"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

// The statuses of a report.
const (
	Passed  = "passed"
	Partial = "partial"
	Failed  = "failed"
)

// Report is a Validation Report, as far as the reference stages write and read
// it.
type Report struct {
	SchemaVersion string     `json:"schema_version"`
	ReportID      string     `json:"report_id"`
	CreatedAt     string     `json:"created_at"`
	BuildID       string     `json:"build_id"`
	Status        string     `json:"validation_status"`
	Tooling       tooling    `json:"tooling"`
	Inputs        inputs     `json:"inputs"`
	Stats         stats      `json:"stats"`
	Issues        []issue    `json:"issues"`
	Extensions    Extensions `json:"extensions"`
}

type tooling struct {
	Name                    string `json:"validator_name"`
	Version                 string `json:"validator_version"`
	CanonicalizationProfile string `json:"canonicalization_profile"`
	CanonicalizationVersion string `json:"canonicalization_version"`
}

type inputs struct {
	SnapshotID string `json:"source_snapshot_id"`
	RecipeID   string `json:"recipe_id"`
}

// stats counts all issues, listed or not.
type stats struct {
	Errors   int64 `json:"error_count"`
	Warnings int64 `json:"warning_count"`
	Infos    int64 `json:"info_count"`
}

// Extensions is what a report says beyond its schema.
type Extensions struct {
	// Validated is exactly what the report is about.
	Validated     Validated      `json:"validated"`
	CountsByCode  map[Code]int64 `json:"counts_by_code"`
	Documents     int64          `json:"documents"`
	Claims        int64          `json:"claims"`
	IssuesOmitted int64          `json:"issues_omitted"` // counted but not listed
}

// Validated names the inputs of a report by digest.
type Validated struct {
	Resolved records.Digest `json:"resolved"`
	Snapshot records.Digest `json:"snapshot"`
}

const (
	validatorName           = "orgo-validate"
	reportVersion           = "3.0"
	canonicalizationProfile = "kristal.v3:jcs-rfc8785"
	canonicalizationVersion = "1"
)

// report writes the report about what check has seen.
func (s *Stage) report(ctx context.Context, req runner.Request, config Config, check *checker) (runner.Result, error) {
	snapshot, err := stream.Input(req, records.OutSnapshot)
	if err != nil {
		return runner.Result{}, err
	}
	resolved, err := stream.Input(req, records.OutResolved)
	if err != nil {
		return runner.Result{}, err
	}
	about := Validated{Resolved: resolved.Digest, Snapshot: snapshot.Digest}
	report, err := newReport(req, config, check, about)
	if err != nil {
		return runner.Result{}, err
	}
	canonical, err := records.Canonical(report)
	if err != nil {
		return runner.Result{}, err
	}
	ref, err := s.store.Put(ctx, records.MediaJSON, bytes.NewReader(canonical))
	if err != nil {
		return runner.Result{}, err
	}
	return runner.Result{
		Outputs: []records.Artifact{{Name: records.OutReport, Ref: ref}},
		Metrics: map[string]int64{
			"documents": check.count.documents, "claims": check.count.claims,
			"errors": report.Stats.Errors, "warnings": report.Stats.Warnings, "infos": report.Stats.Infos,
		},
		Notes: "validation " + report.Status,
	}, nil
}

func newReport(req runner.Request, config Config, check *checker, about Validated) (Report, error) {
	id, err := records.CanonicalDigest(struct {
		Recipe    records.Digest `json:"recipe"`
		Validated Validated      `json:"validated"`
	}{req.Recipe, about})
	if err != nil {
		return Report{}, err
	}
	counts := check.issues.severities()
	issues := check.issues.list()
	recipe := "recipe:" + req.Recipe.Value
	return Report{
		SchemaVersion: reportVersion,
		ReportID:      "report:" + id.Value,
		CreatedAt:     req.SourceDate.UTC().Format(records.DateFormat),
		BuildID:       recipe,
		Status:        status(counts, config),
		Tooling:       tooling{validatorName, Version, canonicalizationProfile, canonicalizationVersion},
		Inputs:        inputs{SnapshotID: about.Snapshot.String(), RecipeID: recipe},
		Stats:         stats{Errors: counts[Error], Warnings: counts[Warning], Infos: counts[Info]},
		Issues:        issues,
		Extensions: Extensions{
			Validated: about, CountsByCode: check.issues.counts,
			Documents: check.count.documents, Claims: check.count.claims,
			IssuesOmitted: counts[Error] + counts[Warning] + counts[Info] - int64(len(issues)),
		},
	}, nil
}

// status is what the counts come to: an error fails, whatever else there is.
func status(counts map[Severity]int64, config Config) string {
	switch {
	case counts[Error] > 0:
		return Failed
	case config.PartialOnWarning && counts[Warning] > 0:
		return Partial
	default:
		return Passed
	}
}
