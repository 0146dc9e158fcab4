package compile

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// report is what compile needs to know of a Validation Report. Pointers tell
// what is absent from what is empty.
type report struct {
	SchemaVersion string             `json:"schema_version"`
	Status        gates.ReportStatus `json:"validation_status"`
	Stats         *struct {
		Errors int64 `json:"error_count"`
	} `json:"stats"`
	Issues *[]struct {
		Severity string `json:"severity"`
	} `json:"issues"`
	Extensions struct {
		Validated struct {
			Resolved records.Digest `json:"resolved"`
			Snapshot records.Digest `json:"snapshot"`
		} `json:"validated"`
	} `json:"extensions"`
}

// maxReportBytes is the largest report that is read.
const maxReportBytes = 64 << 20

// sources are the inputs of the stage.
type sources struct{ snapshot, resolved, report records.Ref }

// admit refuses, unless the report is one, is about exactly the inputs that
// would be compiled, and passed. The workflow's gate decides the same; this
// holds where somebody runs the stage without it.
func (s *Stage) admit(ctx context.Context, in sources, config Config) error {
	read, err := s.readReport(ctx, in.report)
	if err != nil {
		return err
	}
	if err := read.malformed(); err != nil {
		return runner.Fail(gates.ValidationMalformed, err, "validation report %s", in.report.Digest)
	}
	about := read.Extensions.Validated
	if about.Resolved != in.resolved.Digest || about.Snapshot != in.snapshot.Digest {
		return runner.Fail(gates.ValidationOtherInputs, nil, "validation report %s is about resolved %s of snapshot %s, not about %s of %s",
			in.report.Digest, about.Resolved, about.Snapshot, in.resolved.Digest, in.snapshot.Digest)
	}
	switch {
	case read.Status == gates.ReportPassed:
		return nil
	case read.Status == gates.ReportPartial && config.AdmitPartial:
		return nil
	case read.Status == gates.ReportPartial:
		return runner.Fail(gates.ValidationPartial, nil, "validation report %s says partial, which admit_partial does not admit", in.report.Digest)
	default:
		return runner.Fail(gates.ValidationFailed, nil, "validation report %s says %s", in.report.Digest, read.Status)
	}
}

func (s *Stage) readReport(ctx context.Context, ref records.Ref) (report, error) {
	reader, err := s.store.Open(ctx, ref)
	if err != nil {
		return report{}, err
	}
	defer reader.Close() //nolint:errcheck // reading only
	text, err := io.ReadAll(io.LimitReader(reader, maxReportBytes+1))
	if err != nil {
		return report{}, err
	}
	if len(text) > maxReportBytes {
		return report{}, runner.Fail(gates.ValidationMalformed, nil, "validation report %s has more than %d bytes", ref.Digest, maxReportBytes)
	}
	var read report
	if err := json.Unmarshal(text, &read); err != nil {
		return report{}, runner.Fail(gates.ValidationMalformed, err, "validation report %s", ref.Digest)
	}
	return read, nil
}

// reportVersion is the version of reports that compile knows.
const reportVersion = "3.0"

// malformed returns why r is no report that may be believed, or nil.
func (r report) malformed() error {
	switch {
	case r.SchemaVersion != reportVersion:
		return fmt.Errorf("schema_version is %q, not %q", r.SchemaVersion, reportVersion)
	case r.Status != gates.ReportPassed && r.Status != gates.ReportPartial && r.Status != gates.ReportFailed:
		return fmt.Errorf("validation_status is %q", r.Status)
	case r.Issues == nil:
		return errors.New("issues are missing")
	case !r.Extensions.Validated.Resolved.Valid() || !r.Extensions.Validated.Snapshot.Valid():
		return errors.New("extensions.validated does not say what was validated")
	case r.Status == gates.ReportFailed:
		return nil
	case r.Stats != nil && r.Stats.Errors != 0:
		return fmt.Errorf("validation_status is %s, and yet stats count %d errors", r.Status, r.Stats.Errors)
	}
	for i, issue := range *r.Issues {
		if issue.Severity != "WARNING" && issue.Severity != "INFO" {
			return fmt.Errorf("validation_status is %s, and yet issue %d has the severity %q", r.Status, i, issue.Severity)
		}
	}
	return nil
}
