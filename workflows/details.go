package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/records"
)

// stepStatus is one row of what the Temporal Web UI shows of a build.
type stepStatus struct {
	Step   records.Stage       `json:"step"`
	Status records.StageStatus `json:"status"`
	Since  time.Time           `json:"since,omitzero"`
	Codes  []string            `json:"reason_codes,omitempty"`
}

func newSteps() []stepStatus {
	steps := []stepStatus{}
	for _, step := range records.BuildSteps() {
		steps = append(steps, stepStatus{Step: step, Status: records.StagePending})
	}
	return steps
}

// BuildStatus answers the build query.
type BuildStatus struct {
	BuildID    string             `json:"build_id"`
	State      records.BuildState `json:"state"`
	Generation int                `json:"generation"`
	Steps      []stepStatus       `json:"steps"`
}

func (b *build) queried() (BuildStatus, error) {
	return BuildStatus{BuildID: b.in.BuildID, State: b.state(), Generation: b.generation, Steps: b.steps}, nil
}

// show sets the status of a step, in the workflow's current details.
func (b *build) show(ctx workflow.Context, step records.Stage, status records.StageStatus, codes []string) {
	for i := range b.steps {
		if b.steps[i].Step == step {
			b.steps[i] = stepStatus{Step: step, Status: status, Since: workflow.Now(ctx), Codes: codes}
		}
	}
	workflow.SetCurrentDetails(ctx, b.markdown())
	if pinned, found := b.pinned.Pins.Stage(step); found && status == records.StageRunning {
		b.current = step
		if routeOf(pinned) != routeInline {
			b.markSoon(ctx)
		}
	}
}

// markSoon sets the search attributes a moment from now, if the build is then at
// a stage that they do not name. Builds that pass through their stages faster than
// anybody could look are spared a write to the visibility store for each.
func (b *build) markSoon(ctx workflow.Context) {
	if b.marking {
		return
	}
	b.marking = true
	workflow.Go(ctx, func(ctx workflow.Context) {
		timer := workflow.NewTimerWithOptions(ctx, markDelay, workflow.TimerOptions{Summary: "shows the stage in the search attributes"})
		err := timer.Get(ctx, nil)
		b.marking = false
		if err == nil && !b.ended && b.waiting == nil && b.marked != b.current {
			b.mark(ctx, records.BuildRunning, b.current, nil)
		}
	})
}

// resetSteps shows that everything from a stage on is still to be done.
func (b *build) resetSteps(from records.Stage) {
	for i := range b.steps {
		if records.BuildIndex(b.steps[i].Step) >= records.BuildIndex(from) {
			b.steps[i] = stepStatus{Step: b.steps[i].Step, Status: records.StagePending}
		}
	}
}

// markdown is the spine as a table.
func (b *build) markdown() string {
	var text strings.Builder
	fmt.Fprintf(&text, "Build `%s`, generation %d\n\n| step | status | since | reason codes |\n|---|---|---|---|\n", b.in.BuildID, b.generation)
	for _, step := range b.steps {
		since := ""
		if !step.Since.IsZero() {
			since = step.Since.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %s |\n", step.Step, step.Status, since, strings.Join(step.Codes, ", "))
	}
	if b.waiting != nil {
		fmt.Fprintf(&text, "\nWaits for an operator: send the update `%s` with actor, reason and stage, or `%s`.\n", UpdateRetry, UpdateStop)
	}
	return text.String()
}

// mark sets the search attributes by which an operator finds the build.
func (b *build) mark(ctx workflow.Context, state records.BuildState, stage records.Stage, codes []string) {
	b.marked = stage
	updates := []temporal.SearchAttributeUpdate{keyState.ValueSet(string(state))}
	if stage != "" {
		updates = append(updates, keyStage.ValueSet(string(stage)))
	}
	if len(codes) > 0 {
		updates = append(updates, keyReasonCode.ValueSet(codes))
	} else {
		updates = append(updates, keyReasonCode.ValueUnset())
	}
	// The only error is an empty set of updates.
	_ = workflow.UpsertTypedSearchAttributes(ctx, updates...)
	workflow.SetCurrentDetails(ctx, b.markdown())
}

// BuildSearchAttributes returns the search attributes with which a build's
// workflow starts.
func BuildSearchAttributes(organization, buildID string) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		keyOrganization.ValueSet(organization),
		keyBuildID.ValueSet(buildID),
		keyState.ValueSet(string(records.BuildRunning)),
		keyStage.ValueSet(string(records.StepPin)),
	)
}

// OrganizationSearchAttributes are those of a workflow that belongs to an
// organization and to no build.
func OrganizationSearchAttributes(organization string) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(keyOrganization.ValueSet(organization))
}
