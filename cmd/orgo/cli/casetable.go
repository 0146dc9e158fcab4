package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records/cases"
)

// printCase prints a Case: what it is, where it stands, by when, and its Tasks.
func printCase(w io.Writer, c cases.Case) error {
	rows := [][]string{
		{"case", c.CaseID}, {"summary", c.Summary}, {"state", caseState(c)}, {"version", strconv.FormatInt(c.Version, 10)},
		{"type", c.Type + ", " + string(c.Category)}, {"cause", c.Cause.String()}, {"owners", ownersText(c.Owners)},
		{"priority", string(c.Route.Priority)}, {"severity", orNot(c.Route.Severity)}, {"label", c.Route.Label}, {"route", c.Route.Rule},
		{"respond", clockText(c.Response)}, {"resolve", clockText(c.Resolve)}, {"created", timeText(c.CreatedAt) + " by " + c.CreatedBy},
	}
	optional := [][]string{
		{"codes", joinCodes(c.Codes)}, {"description", c.Description}, {"tags", strings.Join(c.Tags, ", ")}, {"resolution", c.Resolution},
	}
	for _, row := range optional {
		if row[1] != "" && row[1] != "-" {
			rows = append(rows, row)
		}
	}
	if c.Cleared != nil {
		rows = append(rows, []string{"cleared", timeText(c.Cleared.At) + ": " + c.Cleared.Reason + "; it may be closed"})
	}
	for _, ref := range c.Refs {
		rows = append(rows, []string{"ref", strings.TrimSuffix(ref.Type+":"+ref.Ref+"  "+ref.Note, "  ")})
	}
	if err := columns(w, rows); err != nil || len(c.Tasks) == 0 {
		return err
	}
	fmt.Fprintln(w)
	rows = [][]string{{"TASK", "STATE", "OWNER", "DUE", "TITLE"}}
	for _, t := range c.Tasks {
		rows = append(rows, []string{t.TaskID, string(t.Status), ownerText(t.Owner), clockText(t.Due), t.Title})
	}
	return columns(w, rows)
}

func caseState(c cases.Case) string {
	text := string(c.Status)
	if c.Escalation > 0 {
		text += fmt.Sprintf(", escalated to level %d", c.Escalation)
	}
	if c.PausedAt != nil {
		text += ", paused since " + timeText(*c.PausedAt)
	}
	if c.Occurrences > 1 {
		text += fmt.Sprintf(", met %d times", c.Occurrences)
	}
	return text
}

// clockText says when something is due, and whether it was met.
func clockText(clock cases.Clock) string {
	switch {
	case clock.Due == nil:
		return "-"
	case clock.Met != nil:
		return "met " + timeText(*clock.Met)
	default:
		return timeText(*clock.Due)
	}
}

func ownerText(o cases.Owner) string { return string(o.Kind) + ":" + o.ID }

func ownersText(owners []cases.Owner) string {
	texts := make([]string, len(owners))
	for i, o := range owners {
		texts[i] = ownerText(o)
	}
	return strings.Join(texts, ", ")
}

// printCases prints one line for each Case.
func printCases(w io.Writer, list client.CaseList) error {
	rows := [][]string{{"CASE", "STATE", "SEVERITY", "PRIORITY", "OWNERS", "DUE", "SUMMARY"}}
	for _, c := range list.Cases {
		rows = append(rows, []string{
			c.CaseID, string(c.Status), orNot(c.Route.Severity), string(c.Route.Priority), ownersText(c.Owners), clockText(c.Resolve), c.Summary,
		})
	}
	return withMore(w, rows, list.Next)
}

// printTasks prints one line for each Task.
func printTasks(w io.Writer, list client.TaskList) error {
	rows := [][]string{{"TASK", "STATE", "PRIORITY", "OWNER", "DUE", "TITLE", "CASE"}}
	for _, t := range list.Tasks {
		rows = append(rows, []string{t.TaskID, string(t.Status), string(t.Priority), ownerText(t.Owner), clockText(t.Due), t.Title, t.CaseID})
	}
	return withMore(w, rows, list.Next)
}

func withMore(w io.Writer, rows [][]string, next string) error {
	if err := columns(w, rows); err != nil || next == "" {
		return err
	}
	_, err := fmt.Fprintf(w, "more: --cursor %s\n", next)
	return err
}

func printTask(w io.Writer, t client.Task) error {
	rows := [][]string{
		{"task", t.TaskID}, {"title", t.Title}, {"case", t.CaseID + "  " + t.CaseSummary}, {"state", string(t.Status)},
		{"version", strconv.FormatInt(t.Version, 10)}, {"owner", ownerText(t.Owner)}, {"priority", string(t.Priority)}, {"label", t.Label},
		{"begin", clockText(t.Reactivity)}, {"due", clockText(t.Due)}, {"created", timeText(t.CreatedAt) + " by " + t.CreatedBy},
	}
	for _, row := range [][]string{{"description", t.Description}, {"done by", doneBy(t)}, {"resolution", t.Resolution}} {
		if row[1] != "" {
			rows = append(rows, row)
		}
	}
	return columns(w, rows)
}

// doneBy says how to do a Task that ends with a decision on its Case.
func doneBy(t client.Task) string {
	switch {
	case t.Status.Terminal():
		return ""
	case t.Decides == cases.DecideReview:
		return fmt.Sprintf("orgo case transition %s --to COMPLETED, or --to IN_PROGRESS --reason WHY to send it back", t.CaseID)
	case t.Decides == cases.DecideClose:
		return fmt.Sprintf("orgo case transition %s --to COMPLETED --resolution HOW", t.CaseID)
	default:
		return ""
	}
}

// printCaseHistory prints one line for each entry.
func printCaseHistory(w io.Writer, list client.EntryList) error {
	rows := [][]string{{"VERSION", "AT", "WHAT", "BY", "TO", "REASON"}}
	for _, e := range list.Entries {
		var body struct{ To, Text, Resolution string }
		if err := json.Unmarshal(e.Body, &body); err != nil {
			body.Text = "(erased)"
		}
		why := e.Reason
		for _, more := range []string{body.Text, body.Resolution, strings.Join(e.Codes, ",")} {
			if why == "" {
				why = more
			}
		}
		rows = append(rows, []string{
			strconv.FormatInt(e.Sequence, 10), e.At.UTC().Format(time.RFC3339), strings.TrimPrefix(e.Type, "orgo."), e.Actor, orNot(body.To), why,
		})
	}
	return columns(w, rows)
}
