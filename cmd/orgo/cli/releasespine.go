package cli

import (
	"strings"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// spineRows has a row for each time that a release does a stage of the spine.
func spineRows(r release.Record) [][]string {
	rows := [][]string{{"SPINE", "OF", "STATUS", "RUNNER", "STARTED", "ENDED", "OUTPUT", "REASON"}}
	for _, row := range r.Spine {
		rows = append(rows, []string{
			string(row.Stage), orNot(row.Part), string(row.Status), runnerText(row.Runner),
			timeOrNot(row.StartedAt), timeOrNot(row.EndedAt), outputText(row), joinCodes(row.Codes),
		})
	}
	return rows
}

// spineLines say of each stage that began how it is.
func spineLines(r release.Record) []string {
	var lines []string
	for _, row := range r.Spine {
		if row.Status == records.StagePending || row.Status == records.StageSkip {
			continue
		}
		words := []string{string(row.Stage)}
		if row.Part != "" {
			words = append(words, "of", row.Part)
		}
		words = append(words, "by", runnerText(row.Runner)+":", string(row.Status))
		if len(row.Outputs) > 0 {
			words = append(words, outputText(row))
		}
		if codes := joinCodes(row.Codes); codes != "" {
			words = append(words, codes)
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}

// runnerText names a runner as it is pinned: "reference@1.0.0", "target/directory@1.0.0".
func runnerText(settings *records.RunnerSettings) string {
	if settings == nil {
		return "-"
	}
	name := string(settings.Kind)
	if settings.Target != nil {
		name += "/" + settings.Target.Name
	}
	return name + "@" + settings.Version
}

// outputText names the first of what a stage yielded: for render, the page.
func outputText(row release.SpineStage) string {
	if len(row.Outputs) == 0 {
		return "-"
	}
	return row.Outputs[0].Ref.Digest.String()
}
