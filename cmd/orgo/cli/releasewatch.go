package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records/release"
)

func (a *app) releaseWatch() *cobra.Command {
	return &cobra.Command{
		Use:   "watch ID",
		Short: "Follow a release until it has closed well or ended otherwise",
		Long: `Follow a release until it has closed well or ended otherwise: drawn live on a
terminal, as lines elsewhere, and with -o json as one JSON document on a line for each
change. The exit code is 0 only if it ends in CLOSED_GOOD.`,
		Example: "  orgo release watch ID",
		Args:    oneRelease(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			to := a.releaseProgress()
			if a.structured() {
				to = documentPrinter[release.Record]{a}
			}
			record, err := followRelease(cmd.Context(), c, args[0], to)
			if err != nil {
				return err
			}
			return a.concludeRelease(cmd.Context(), c, record)
		},
	}
}

func followRelease(ctx context.Context, c *client.Client, id string, to display[release.Record]) (release.Record, error) {
	return follow(ctx, func(ctx context.Context) iter.Seq2[release.Record, error] { return c.WatchRelease(ctx, id) }, to)
}

// releaseProgress is progress, of releases.
func (a *app) releaseProgress() display[release.Record] {
	switch {
	case a.structured():
		return silent[release.Record]{}
	case a.streams.Live:
		return &releasePainter{screen: a.screen()}
	default:
		return &releasePrinter{out: a.streams.Out}
	}
}

// concludeRelease returns nil for a release that closed well. For any other it prints
// every unmet condition and returns the outcome.
func (a *app) concludeRelease(ctx context.Context, c *client.Client, r release.Record) error {
	if r.Phase == string(rollout.PhaseClosedGood) {
		return nil
	}
	why, err := c.ReleaseWhy(ctx, r.ReleaseID)
	if err != nil {
		return err
	}
	if !a.structured() {
		fmt.Fprintln(a.streams.Out)
		if err := printReleaseWhy(a.streams.Out, why); err != nil {
			return err
		}
	}
	detail := fmt.Sprintf("release %s ended %s: %s", r.ReleaseID, r.Phase, joinCodes(blocking(r)))
	return &outcomeError{unmetProblem("the release did not close well", detail, why.Unmet)}
}

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
	return lines
}

// releasePainter draws a release on a terminal, over what it drew before.
type releasePainter struct {
	screen
	record release.Record
}

func (p *releasePainter) show(r release.Record, now time.Time) error {
	p.record = r
	if !client.ReleaseSettled(r) {
		return p.paint(p.frame(now))
	}
	var end bytes.Buffer
	if err := printRelease(&end, r); err != nil {
		return err
	}
	return p.paint(p.colored(textLines(&end)))
}

func (p *releasePainter) tick(now time.Time) error {
	if p.record.ReleaseID == "" || client.ReleaseSettled(p.record) {
		return nil
	}
	return p.paint(p.frame(now))
}

func (p *releasePainter) frame(now time.Time) []string {
	r := p.record
	lines := []string{fmt.Sprintf("release %s of %s on %s", r.ReleaseID, r.Request.Version, r.Request.Channel), phaseText(r)}
	var stages bytes.Buffer
	// A buffer takes everything, so columns cannot fail.
	_ = columns(&stages, stageRows(r))
	lines = append(lines, p.colored(textLines(&stages))...)
	for _, standing := range standingLines(r) {
		lines = append(lines, p.paintText(standing.of+" "+standing.text, colorYellow))
	}
	if r.Waits != nil && r.Waits.Until != nil && now.Before(*r.Waits.Until) {
		lines = append(lines, p.paintText(r.Waits.Until.Sub(now).Round(time.Second).String()+" left", colorFaint))
	}
	return append(lines, nextSteps(r)...)
}

// colored colors the lines of stages by their state.
func (p *releasePainter) colored(lines []string) []string {
	for i, stage := range stagesOf(p.record) {
		state := stageState(p.record, i)
		for n, line := range lines {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == stage.Name && fields[1] == state {
				lines[n] = p.paintText(line, stageColor(state))
			}
		}
	}
	return lines
}

func stageColor(state string) string {
	switch phase := rollout.Phase(state); {
	case state == stagePassed:
		return colorGreen
	case state == "-":
		return colorFaint
	case phase == rollout.PhaseRollingBack, rollout.Release{Phase: phase}.Ended():
		return colorRed
	default:
		return colorCyan
	}
}

func textLines(text *bytes.Buffer) []string {
	return strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
}
