package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// printBuild prints a build: what it is, its steps, and what came out.
func printBuild(w io.Writer, view records.BuildView, now time.Time) error {
	head := [][]string{{"build", view.BuildID}, {"state", stateText(view)}}
	if view.PipelineID != "" {
		head = append(head, []string{"pipeline", view.PipelineID})
	}
	head = append(head,
		[]string{"trigger", triggerText(view.Trigger)},
		[]string{"created", view.CreatedAt.UTC().Format(time.RFC3339)})
	if view.ReproduceOf != "" {
		head = append(head, []string{"reproduces", view.ReproduceOf})
	}
	if view.Record != nil {
		head = append(head, []string{"record", view.Record.String()})
	}
	if err := columns(w, head); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := columns(w, append([][]string{stepHeader()}, stepRows(view, now)...)); err != nil {
		return err
	}
	return printResults(w, view)
}

func stateText(view records.BuildView) string {
	if len(view.Codes) == 0 {
		return string(view.State)
	}
	return fmt.Sprintf("%s (%s)", view.State, joinCodes(view.Codes))
}

func triggerText(t records.Trigger) string {
	text := fmt.Sprintf("%s by %s", t.Type, t.Actor)
	if t.Reason != "" {
		text += ": " + t.Reason
	}
	return text
}

func joinCodes(codes []string) string { return strings.Join(codes, ", ") }

func stepHeader() []string { return []string{"STEP", "STATUS", "TIME", "GEN", "REASON"} }

// stepRows has a row for each of the seven steps, those not begun too.
func stepRows(view records.BuildView, now time.Time) [][]string {
	rows := make([][]string, 0, len(view.Steps))
	if view.State.Terminal() {
		// A stage that was cut off has no end of its own.
		now = view.UpdatedAt
	}
	for _, name := range records.BuildSteps() {
		step := view.Step(name)
		if step == nil {
			step = &records.StepView{Stage: name, Status: records.StagePending}
		}
		rows = append(rows, []string{
			string(step.Stage), string(step.Status), durationText(*step, now), generationText(*step), reasonText(*step),
		})
	}
	return rows
}

// durationText is how long a step took, or has taken until now. The clocks of
// server and caller may differ: it is never negative.
func durationText(step records.StepView, now time.Time) string {
	if step.StartedAt == nil {
		return "-"
	}
	end := now
	if step.EndedAt != nil {
		end = *step.EndedAt
	}
	took := max(end.Sub(*step.StartedAt), 0)
	switch {
	case took < 10*time.Second:
		return took.Round(10 * time.Millisecond).String()
	case took < time.Minute:
		return took.Round(100 * time.Millisecond).String()
	default:
		return took.Round(time.Second).String()
	}
}

func generationText(step records.StepView) string {
	if step.Generation == 0 {
		return "-"
	}
	text := strconv.Itoa(step.Generation)
	if step.Attempt > 1 {
		text += fmt.Sprintf(" (attempt %d)", step.Attempt)
	}
	return text
}

func reasonText(step records.StepView) string {
	text := joinCodes(step.Codes)
	if step.Message != "" && step.Status == records.StageRunning {
		text += " (trying again)"
	}
	return text
}

// results are the outputs of compile that people ask for.
var results = []struct{ name, label string }{
	{records.OutExchange, "exchange"},
	{records.OutExchangeManifest, "exchange manifest"},
	{records.OutRuntimePackManifest, "runtime pack manifest"},
}

// printResults prints what a passed build made.
func printResults(w io.Writer, view records.BuildView) error {
	step := view.Step(records.Compile)
	if view.State != records.BuildPassed || step == nil {
		return nil
	}
	rows := [][]string{}
	for _, result := range results {
		for _, output := range step.Outputs {
			if output.Name == result.name {
				rows = append(rows, []string{result.label, output.Ref.String(), fmt.Sprintf("%d bytes", output.Ref.Size)})
			}
		}
	}
	fmt.Fprintln(w)
	return columns(w, rows)
}

// printWhy prints every unmet condition with its evidence and remedy.
func printWhy(w io.Writer, why client.Why) error {
	return printUnmet(w, fmt.Sprintf("build %s is %s", why.BuildID, why.State), why.Unmet)
}

func printUnmet(w io.Writer, state string, all []client.Unmet) error {
	if len(all) == 0 {
		_, err := fmt.Fprintf(w, "%s: no condition is unmet\n", state)
		return err
	}
	fmt.Fprintf(w, "%s: %d unmet\n", state, len(all))
	for _, unmet := range all {
		fmt.Fprintf(w, "\n%s (%s): %s\n", unmet.Code, unmet.Class, unmet.Meaning)
		rows := [][]string{}
		for _, row := range [][]string{
			{"  where", whereText(unmet.Where)},
			{"  what", unmet.Message},
			{"  evidence", evidenceText(unmet.Evidence)},
			{"  remedy", unmet.Remedy},
			{"  cleared by", unmet.ClearedBy},
			{"  rules", strings.Join(unmet.Rules, ", ")},
			{"  earliest", earliestText(unmet.Earliest)},
		} {
			if row[1] != "" {
				rows = append(rows, row)
			}
		}
		if err := columns(w, rows); err != nil {
			return err
		}
	}
	return nil
}

// earliestText says when time alone will have cleared a refusal.
func earliestText(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func whereText(where client.Where) string {
	parts := []string{}
	if where.Step != "" {
		parts = append(parts, string(where.Step))
	}
	if where.Stage != "" {
		parts = append(parts, "stage "+where.Stage)
	}
	if where.Cohort != "" {
		parts = append(parts, "cohort "+where.Cohort)
	}
	if where.Gate != "" {
		parts = append(parts, "gate "+where.Gate)
	}
	if where.Generation > 0 {
		parts = append(parts, fmt.Sprintf("generation %d", where.Generation))
	}
	if where.Attempt > 0 {
		parts = append(parts, fmt.Sprintf("attempt %d", where.Attempt))
	}
	return strings.Join(parts, ", ")
}

// evidenceText is evidence on one line.
func evidenceText(evidence json.RawMessage) string {
	var compact bytes.Buffer
	if len(evidence) == 0 || json.Compact(&compact, evidence) != nil {
		return string(evidence)
	}
	return compact.String()
}

// waitingLines say until when a build waits, and which commands go on.
func waitingLines(view records.BuildView) []string {
	if view.State != records.BuildWaiting {
		return nil
	}
	lines := []string{fmt.Sprintf("waiting for an operator at %s: %s", view.Stage, joinCodes(view.Codes))}
	if view.WaitingUntil != nil {
		lines[0] = fmt.Sprintf("waiting for an operator at %s until %s: %s",
			view.Stage, view.WaitingUntil.UTC().Format(time.RFC3339), joinCodes(view.Codes))
	}
	return append(lines,
		fmt.Sprintf("  to retry: orgo build retry %s --stage %s --reason REASON", view.BuildID, view.Stage),
		fmt.Sprintf("  to end:   orgo build stop %s --reason REASON", view.BuildID))
}
