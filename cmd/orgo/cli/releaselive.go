package cli

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records/release"
)

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
	lines = append(lines, spineLines(r)...)
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
