package casehistory

import (
	"fmt"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// clock is a deadline: when it began, its span, and how long it stood still.
type clock struct {
	began  time.Time
	span   time.Duration // 0: there is none
	still  time.Duration
	met    bool
	metAt  time.Time
	level  int
	absent bool
}

func started(at time.Time, span records.Duration) clock {
	return clock{began: at, span: span.Std(), absent: span == 0}
}

func (k *clock) runs() bool     { return !k.absent && !k.met }
func (k *clock) due() time.Time { return k.began.Add(k.span + k.still) }

// stop notes that the deadline was met. What stood still until then is put off.
func (k *clock) stop(at time.Time, stillSince *time.Time) {
	if !k.runs() {
		return
	}
	k.wait(at, stillSince)
	k.met, k.metAt = true, at
}

// wait puts a deadline off by how long it stood still. Acts need not come in the order
// of their times: no span is negative.
func (k *clock) wait(at time.Time, since *time.Time) {
	if k.runs() && since != nil {
		k.still += max(0, at.Sub(*since))
	}
}

func (k *clock) String() string {
	if k.absent {
		return "none"
	}
	return fmt.Sprintf("due %s met %s level %d", k.due().UTC().Format(time.RFC3339), instant(k.met, k.metAt), k.level)
}

func instant(is bool, at time.Time) string {
	if !is {
		return "-"
	}
	return at.UTC().Format(time.RFC3339)
}

func shown(c cases.Clock) string {
	if c.Due == nil {
		return "none"
	}
	return fmt.Sprintf("due %s met %s level %d", c.Due.UTC().Format(time.RFC3339), instantOf(c.Met), c.Level)
}

func instantOf(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return instant(true, *at)
}
