package cli

import (
	"bytes"
	"fmt"
	"io"
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

// screen draws frames on a terminal, each over the one before.
type screen struct {
	out   io.Writer
	color bool
	drawn int // lines of the last frame
}

func (a *app) screen() screen { return screen{out: a.streams.Out, color: a.streams.Color} }

func (s *screen) paintText(text, color string) string {
	if !s.color || color == "" {
		return text
	}
	return color + text + colorDefault
}

// paint replaces the last frame by lines, in one write so that nothing flickers.
func (s *screen) paint(lines []string) error {
	var frame bytes.Buffer
	frame.WriteString(wrapOff)
	if s.drawn > 0 {
		fmt.Fprintf(&frame, cursorUp, s.drawn)
	}
	frame.WriteString("\r" + clearToEnd)
	for _, line := range lines {
		frame.WriteString(line + "\n")
	}
	frame.WriteString(wrapOn)
	s.drawn = len(lines)
	_, err := s.out.Write(frame.Bytes())
	return err
}
