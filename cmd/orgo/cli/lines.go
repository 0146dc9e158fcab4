package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/initkoa/orgo/records"
)

// linePrinter appends a line for each change of a step, as a log wants it, and at
// the end the whole spine.
type linePrinter struct {
	out  io.Writer
	last records.BuildView
}

func (p *linePrinter) tick(time.Time) error { return nil }

func (p *linePrinter) show(view records.BuildView, now time.Time) error {
	if p.last.BuildID == "" {
		fmt.Fprintf(p.out, "%s build %s\n", stamp(view.CreatedAt), view.BuildID)
	}
	for _, step := range view.Steps {
		if before := p.last.Step(step.Stage); before != nil && sameProgress(*before, step) {
			continue
		}
		if line := stepLine(step, view, now); line != "" {
			fmt.Fprintln(p.out, line)
		}
	}
	if view.State == records.BuildWaiting && p.last.State != records.BuildWaiting {
		for _, line := range waitingLines(view) {
			fmt.Fprintln(p.out, line)
		}
	}
	p.last = view
	if !view.State.Terminal() {
		return nil
	}
	fmt.Fprintln(p.out)
	return printBuild(p.out, view, now)
}

// sameProgress reports whether a step stands as it stood.
func sameProgress(a, b records.StepView) bool {
	return a.Status == b.Status && a.Generation == b.Generation && a.Attempt == b.Attempt &&
		joinCodes(a.Codes) == joinCodes(b.Codes)
}

// stepLine says how a step stands; nothing of one that has not begun.
func stepLine(step records.StepView, view records.BuildView, now time.Time) string {
	if step.Status == records.StagePending {
		return ""
	}
	at := view.UpdatedAt
	took := ""
	switch {
	case step.EndedAt != nil:
		at = *step.EndedAt
		took = "  " + durationText(step, now)
	case step.StartedAt != nil:
		at = *step.StartedAt
	}
	line := fmt.Sprintf("%s %-8s  %-7s%s", stamp(at), step.Stage, step.Status, took)
	if step.Generation > 1 {
		line += fmt.Sprintf("  generation %d", step.Generation)
	}
	if step.Attempt > 1 {
		line += fmt.Sprintf("  attempt %d", step.Attempt)
	}
	if len(step.Codes) > 0 {
		line += "  " + joinCodes(step.Codes)
	}
	return line
}

func stamp(at time.Time) string { return at.UTC().Format("15:04:05Z") }
