package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// controlled is what the cohorts of a stage were compared with at a window.
type controlled struct {
	window records.Digest
	counts map[string]gates.Counts
}

// beginControl finds what a stage that is about to be entered is compared with, if the
// policy compares. What came before is not counted.
func (r *releaseRun) beginControl(ctx workflow.Context, stage int) error {
	r.record.Stages[stage].Control = nil
	if err := r.ready(ctx); err != nil || !r.rules.Compares() {
		return err
	}
	return workflow.ExecuteActivity(checkOptions(ctx, "find what the stage is compared with"), ActivityControl, releases.ControlInput{
		Organization: r.organization, ReleaseID: r.in.ReleaseID, Channel: r.record.Request.Channel, Entered: r.entered(stage),
	}).Get(ctx, &r.record.Stages[stage].Control)
}

// entered are the cohorts of the stages up to one.
func (r *releaseRun) entered(stage int) []string {
	var cohorts []string
	for _, s := range r.record.Stages[:stage+1] {
		cohorts = append(cohorts, s.Cohorts...)
	}
	return cohorts
}

// countControl counts what the control of the stage that is watched reported, before a
// new window of one of its cohorts is looked at. The same window is compared with the
// same counts, however often it is looked at.
func (r *releaseRun) countControl(ctx workflow.Context) error {
	stage := &r.record.Stages[r.record.Stage]
	if r.record.Soak != nil || len(stage.Control) == 0 || stage.ActivatedAt == nil {
		return nil
	}
	var fresh []string
	for _, cohort := range stage.Cohorts {
		if r.controls[cohort].window != r.windows[cohort].Digest {
			fresh = append(fresh, cohort)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	var sides []release.ControlSide
	if err := workflow.ExecuteActivity(checkOptions(ctx, "count what the control reported"), ActivityControl, releases.ControlInput{
		Organization: r.organization, ReleaseID: r.in.ReleaseID, Channel: r.record.Request.Channel, Sides: stage.Control, Since: *stage.ActivatedAt,
	}).Get(ctx, &sides); err != nil {
		return err
	}
	stage.Control = sides
	for _, cohort := range fresh {
		r.controls[cohort] = controlled{r.windows[cohort].Digest, countsOf(sides)}
	}
	return nil
}

// countsOf adds up what was counted of all sides.
func countsOf(sides []release.ControlSide) map[string]gates.Counts {
	counts := map[string]gates.Counts{}
	for _, side := range sides {
		for _, c := range side.Counts {
			failures := c.Failures
			if before, there := counts[c.Metric]; there {
				failures += *before.Failures
			}
			counts[c.Metric] = gates.Counts{Samples: counts[c.Metric].Samples + c.Samples, Failures: &failures}
		}
	}
	return counts
}

// against returns the evidence of a cohort with its comparison, if the policy compares.
// A cohort is compared while its own stage is watched: later on, what it was compared
// with runs the release, too.
func (r *releaseRun) against(cohort string, evidence gates.Window) gates.Window {
	if !r.rules.Compares() {
		return evidence
	}
	stage := r.record.Stages[r.record.Stage]
	if r.record.Soak != nil || !slices.Contains(stage.Cohorts, cohort) || len(stage.Control) == 0 {
		return evidence.Against(r.windows[cohort], nil)
	}
	counts := r.controls[cohort].counts
	if counts == nil {
		counts = map[string]gates.Counts{} // there is a control, of which nothing was counted
	}
	return evidence.Against(r.windows[cohort], counts)
}
