package releases

import (
	"context"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/telemetry"
)

// AgainInput names a window of telemetry.
type AgainInput struct {
	Organization string `json:"organization"`
	ReleaseID    string `json:"release_id"`
	Cohort       string `json:"cohort"`
	Sequence     int64  `json:"sequence"`
}

// samplePage is how many samples are read at a time.
const samplePage = 2000

// Again makes a window once more from the stored samples: a window that came in a
// message counts only if this one has the same digest.
func (a *Activities) Again(ctx context.Context, in AgainInput) (telemetry.Window, error) {
	window, err := a.again(ctx, in)
	return reported(ctx, window, err)
}

func (a *Activities) again(ctx context.Context, in AgainInput) (telemetry.Window, error) {
	known, found, err := a.directory.Known(ctx, in.Organization, in.ReleaseID)
	switch {
	case err != nil:
		return telemetry.Window{}, err
	case !found:
		return telemetry.Window{}, runner.Fail(gates.ReleaseUnknown, nil, "release %s takes no telemetry", in.ReleaseID)
	case known.Cohorts[in.Cohort].ActivatedAt.IsZero():
		return telemetry.Window{}, runner.Fail(gates.CohortUnknown, nil, "cohort %s of release %s was not activated", in.Cohort, in.ReleaseID)
	}
	reducer := telemetry.NewReducer(in.Organization, known, in.Cohort)
	for position := int64(0); position < in.Sequence; {
		page, err := a.store.Telemetry(ctx, in.Organization, in.ReleaseID, position, int(min(samplePage, in.Sequence-position)))
		if err != nil {
			return telemetry.Window{}, err
		}
		if len(page) == 0 {
			break
		}
		for _, sample := range page {
			if sample.Cohort == in.Cohort && sample.Position <= in.Sequence {
				reducer.Add(sample)
			}
		}
		position = page[len(page)-1].Position
	}
	if in.Sequence < 1 || reducer.Sequence() != in.Sequence {
		return telemetry.Window{}, runner.Fail(gates.WindowInvalid, nil, "sample %d of release %s is none of cohort %s", in.Sequence, in.ReleaseID, in.Cohort)
	}
	return reducer.Window()
}
