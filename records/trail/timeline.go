package trail

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
	"github.com/initkoa/orgo/records/release"
)

// Moment is one entry: when, who, what and why.
type Moment struct {
	Sequence   int64     `json:"sequence"` // among the entries of the subject, from 1
	EntryID    string    `json:"entry_id"`
	At         time.Time `json:"at"`
	Type       string    `json:"type"`
	Actor      string    `json:"actor"`
	OnBehalfOf string    `json:"on_behalf_of,omitempty"`
	Codes      []string  `json:"reason_codes,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	// What says in words what the type leaves open; empty if that is nothing.
	What string `json:"what,omitempty"`
}

// Timeline returns the entries in their order.
func Timeline(entries []event.Entry) []Moment {
	moments := make([]Moment, 0, len(entries))
	for _, e := range entries {
		moments = append(moments, Moment{
			Sequence: e.Sequence, EntryID: e.ID, At: e.At, Type: e.Type, Actor: e.Actor, OnBehalfOf: e.OnBehalfOf,
			Codes: e.Codes, Reason: e.Reason, What: whatOf(e.Entry),
		})
	}
	return moments
}

// details say in words what the body of a type says. A body that does not decode says
// nothing here; the entry is there all the same.
var details = map[string]func(records.Entry) string{
	release.TypeReleaseMoved: saying(func(m release.Moved) string {
		return fmt.Sprintf("%s: %s → %s, stage %d", m.Event, orNone(m.Before), m.After, m.Stage+1)
	}),
	release.TypeRequested: saying(func(r release.Request) string {
		return fmt.Sprintf("version %s of build %s to %s", r.Version, r.BuildID, r.Channel)
	}),
	release.TypeTold: saying(func(told struct {
		Kind string `json:"kind"`
		ID   string `json:"id"`
	}) string {
		return strings.TrimSpace(told.Kind + " " + told.ID)
	}),
	records.TypeActionRequested: saying(func(c records.Command) string { return c.Action }),
	records.TypeActionAsked:     saying(func(c records.Command) string { return c.Action }),
	records.TypeActionAccepted:  saying(outcomeText),
	records.TypeActionRefused:   saying(outcomeText),
	records.TypeOperatorAction: saying(func(a records.OperatorAction) string {
		return fmt.Sprintf("%s: %s → %s", a.Action, a.Before, a.After)
	}),
	records.TypeRecordWritten: saying(func(r struct {
		Version int64  `json:"version"` // of a release
		Phase   string `json:"phase"`
		State   string `json:"state"` // of a build
	}) string {
		if r.Version > 0 {
			return fmt.Sprintf("version %d, %s", r.Version, r.Phase)
		}
		return r.State
	}),
	records.TypeRecordAttested: saying(func(a records.RecordAttested) string { return "by key " + a.KeyID }),
}

func outcomeText(o records.CommandOutcome) string {
	text := fmt.Sprintf("%s: %s → %s", o.Action, orNone(o.Before), orNone(o.After))
	if o.Message != "" {
		text += ": " + o.Message
	}
	return text
}

func orNone(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func saying[B any](text func(B) string) func(records.Entry) string {
	return func(e records.Entry) string {
		var body B
		if json.Unmarshal(e.Body, &body) != nil {
			return ""
		}
		return text(body)
	}
}

func whatOf(e records.Entry) string {
	var parts []string
	if place := placeOf(e.Correlation); place != "" {
		parts = append(parts, place)
	}
	if e.Kind == records.KindDecision {
		parts = append(parts, saying(func(d decision) string { return d.Gate + " " + d.Verdict })(e))
	} else if text, known := details[e.Type]; known {
		parts = append(parts, text(e))
	}
	return strings.TrimSpace(strings.Join(parts, ": "))
}

// placeOf is the stage of a build, or the cohort of a release, that an entry is about.
func placeOf(c records.Correlation) string {
	switch {
	case c.Cohort != "":
		return "cohort " + c.Cohort
	case c.Stage == "":
		return ""
	case c.Attempt > 1 || c.Generation > 1:
		return fmt.Sprintf("%s (generation %d, attempt %d)", c.Stage, max(c.Generation, 1), max(c.Attempt, 1))
	default:
		return string(c.Stage)
	}
}
