package cli

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/initkoa/orgo/records"
)

var statusColors = map[records.StageStatus]string{
	records.StagePass:    colorGreen,
	records.StageFail:    colorRed,
	records.StageError:   colorRed,
	records.StageRunning: colorCyan,
	records.StageGating:  colorCyan,
	records.StagePending: colorFaint,
	records.StageSkip:    colorFaint,
}

// livePainter draws a build on a terminal, over what it drew before.
type livePainter struct {
	screen
	view records.BuildView
}

func (p *livePainter) show(view records.BuildView, now time.Time) error {
	p.view = view
	if !view.State.Terminal() {
		return p.paint(p.frame(now))
	}
	var end bytes.Buffer
	if err := printBuild(&end, view, now); err != nil {
		return err
	}
	return p.paint(p.colored(strings.Split(strings.TrimSuffix(end.String(), "\n"), "\n")))
}

func (p *livePainter) tick(now time.Time) error {
	if p.view.BuildID == "" || p.view.State.Terminal() {
		return nil
	}
	return p.paint(p.frame(now))
}

func (p *livePainter) frame(now time.Time) []string {
	var steps bytes.Buffer
	// A buffer takes everything, so columns cannot fail.
	_ = columns(&steps, append([][]string{stepHeader()}, stepRows(p.view, now)...))
	lines := []string{fmt.Sprintf("build %s  %s", p.view.BuildID, stateText(p.view))}
	lines = append(lines, p.colored(strings.Split(strings.TrimSuffix(steps.String(), "\n"), "\n"))...)
	for _, line := range waitingLines(p.view) {
		lines = append(lines, p.paintText(line, colorYellow))
	}
	return lines
}

// colored colors the lines of steps by their status.
func (p *livePainter) colored(lines []string) []string {
	for i, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 2 || p.view.Step(records.Stage(fields[0])) == nil {
			continue
		}
		lines[i] = p.paintText(line, statusColors[records.StageStatus(fields[1])])
	}
	return lines
}
