package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records/release"
)

// releasePrinter appends a line for everything that comes to hold of a release, as a
// log wants it, and at the end the whole.
type releasePrinter struct {
	out  io.Writer
	last []string
}

func (p *releasePrinter) tick(time.Time) error { return nil }

func (p *releasePrinter) show(r release.Record, _ time.Time) error {
	lines := releaseLines(r)
	for _, line := range lines {
		if !slices.Contains(p.last, line) {
			fmt.Fprintln(p.out, stamp(r.UpdatedAt), line)
		}
	}
	p.last = lines
	if !client.ReleaseSettled(r) {
		return nil
	}
	fmt.Fprintln(p.out)
	return printRelease(p.out, r)
}

// releaseLines say everything that holds of a release now, each on a line.
func releaseLines(r release.Record) []string {
	lines := []string{fmt.Sprintf("release %s of %s on %s", r.ReleaseID, r.Request.Version, r.Request.Channel), phaseText(r)}
	for _, stage := range stagesOf(r) {
		if stage.ActiveAt != nil {
			lines = append(lines, fmt.Sprintf("stage %s: watched since %s, %s", stage.Name, timeText(*stage.ActiveAt), orNot(strings.Join(stage.Cohorts, ", "))))
		}
		if stage.Verdict != "" {
			lines = append(lines, strings.TrimRight(fmt.Sprintf("stage %s: verdict %s %s", stage.Name, stage.Verdict, joinCodes(stage.Codes)), " "))
		}
	}
	lines = append(lines, spineLines(r)...)
	for _, standing := range standingLines(r) {
		lines = append(lines, standing.of+" "+standing.text)
	}
	return append(lines, nextSteps(r)...)
}

// nextSteps say which command goes on, where a person has to.
func nextSteps(r release.Record) []string {
	var lines []string
	if r.Phase == string(rollout.PhaseAwaitingApproval) {
		lines = append(lines, "  to approve: orgo release approve "+r.ReleaseID)
	}
	if r.Phase == string(rollout.PhaseObserving) && r.Stage < len(r.Stages) && r.Stages[r.Stage].Manual && r.Stages[r.Stage].Promoted == "" {
		lines = append(lines, "  to promote: orgo release promote "+r.ReleaseID)
	}
	if len(r.Holds) > 0 {
		lines = append(lines, "  to resume: orgo release resume "+r.ReleaseID+" --reason REASON")
	}
	return append(lines, glassSteps(r)...)
}
