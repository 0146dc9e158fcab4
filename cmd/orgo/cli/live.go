package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/initkoa/orgo/records"
)

// Control sequences of terminals (ECMA-48).
const (
	cursorUp     = "\x1b[%dA"
	clearToEnd   = "\x1b[J"
	wrapOff      = "\x1b[?7l" // a long line is cut: lines drawn are lines counted
	wrapOn       = "\x1b[?7h"
	colorRed     = "\x1b[31m"
	colorGreen   = "\x1b[32m"
	colorYellow  = "\x1b[33m"
	colorCyan    = "\x1b[36m"
	colorFaint   = "\x1b[2m"
	colorDefault = "\x1b[0m"
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
	out   io.Writer
	color bool
	view  records.BuildView
	drawn int // lines of the last frame
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

func (p *livePainter) paintText(text, color string) string {
	if !p.color || color == "" {
		return text
	}
	return color + text + colorDefault
}

// paint replaces the last frame by lines, in one write so that nothing flickers.
func (p *livePainter) paint(lines []string) error {
	var frame bytes.Buffer
	frame.WriteString(wrapOff)
	if p.drawn > 0 {
		fmt.Fprintf(&frame, cursorUp, p.drawn)
	}
	frame.WriteString("\r" + clearToEnd)
	for _, line := range lines {
		frame.WriteString(line + "\n")
	}
	frame.WriteString(wrapOn)
	p.drawn = len(lines)
	_, err := p.out.Write(frame.Bytes())
	return err
}
