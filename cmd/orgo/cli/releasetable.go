package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records/release"
)

// printRelease prints a release: what goes where, where it stands, and its stages.
func printRelease(w io.Writer, r release.Record) error {
	head := [][]string{{"release", r.ReleaseID}, {"phase", phaseText(r)}, {"status", r.Status}, {"channel", r.Request.Channel.String()}}
	head = append(head, what(r)...)
	head = append(head, []string{"created", createdText(r)})
	for _, line := range standingLines(r) {
		head = append(head, []string{line.of, line.text})
	}
	if err := columns(w, head); err != nil || len(r.Stages) == 0 {
		return err
	}
	fmt.Fprintln(w)
	if err := columns(w, stageRows(r)); err != nil || len(r.Spine) == 0 {
		return err
	}
	fmt.Fprintln(w)
	return columns(w, spineRows(r))
}

// what says what a release brings: the subject of its approvals.
func what(r release.Record) [][]string {
	rows := [][]string{{"version", r.Request.Version}, {"build", r.Request.BuildID}}
	if r.Intent == nil {
		return rows
	}
	rows = append(rows,
		[]string{"pack", r.Intent.Pack.String()},
		[]string{"cohorts", planText(r.Intent.Plan)},
		[]string{"policy", r.Intent.Policy.String()})
	if r.IntentDigest != nil {
		rows = append(rows, []string{"intent", r.IntentDigest.String()})
	}
	return rows
}

func phaseText(r release.Record) string {
	text := r.Phase
	if name := stageName(r); name != "" && r.Soak == nil && !client.ReleaseSettled(r) {
		text += fmt.Sprintf(", stage %s (%d of %d)", name, r.Stage+1, len(r.Stages))
	}
	if codes := blocking(r); len(codes) > 0 {
		text += ": " + joinCodes(codes)
	}
	return text
}

// blocking are the codes that block a release now, or the one that ended it.
func blocking(r release.Record) []string {
	if r.Code != "" && (len(r.Codes) == 0 || client.ReleaseSettled(r)) {
		return []string{r.Code}
	}
	return r.Codes
}

// stagesOf are the stages of a release, and the soak after them once it has begun.
func stagesOf(r release.Record) []release.StageState {
	if r.Soak == nil {
		return r.Stages
	}
	return append(slices.Clone(r.Stages), *r.Soak)
}

// stageAt is the index of the one that it is in.
func stageAt(r release.Record) int {
	if r.Soak == nil {
		return r.Stage
	}
	return len(r.Stages)
}

func stageName(r release.Record) string {
	if stages := stagesOf(r); stageAt(r) < len(stages) {
		return stages[stageAt(r)].Name
	}
	return ""
}

func createdText(r release.Record) string {
	text := timeText(r.CreatedAt) + " by " + r.CreatedBy
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	return text
}

// planText says how the stages take the cohorts: "canary 5% → early 25%, late 70%".
func planText(plan release.Plan) string {
	share := map[string]int{}
	for _, portion := range plan.Cohorts {
		share[portion.Cohort] = portion.Points
	}
	stages := make([]string, 0, len(plan.Parts))
	for _, part := range plan.Parts {
		cohorts := make([]string, 0, len(part.Cohorts))
		for _, cohort := range part.Cohorts {
			cohorts = append(cohorts, cohort+" "+percent(share[cohort]))
		}
		stages = append(stages, strings.Join(cohorts, ", "))
	}
	return strings.Join(stages, " → ")
}

// percent writes basis points.
func percent(points int) string {
	return strconv.FormatFloat(float64(points)/100, 'f', -1, 64) + "%"
}

// standingLine is one thing that holds of a release now.
type standingLine struct{ of, text string }

// standingLines say what a release waits for, who holds it, who voted, and what glass
// was broken.
func standingLines(r release.Record) []standingLine {
	var lines []standingLine
	add := func(of, format string, args ...any) {
		lines = append(lines, standingLine{of, strings.TrimSuffix(fmt.Sprintf(format, args...), ": ")})
	}
	if r.Waits != nil {
		add("waits", "%s", waitText(*r.Waits))
	}
	for _, hold := range r.Holds {
		add("held", "by %s: %s", hold.Owner, hold.Reason)
	}
	for _, vote := range r.Votes {
		of := "rejected"
		if vote.Approve {
			of = "approved"
		}
		add(of, "by %s at %s: %s", vote.Actor, timeText(vote.At), vote.Reason)
	}
	if r.BreakGlass != nil {
		add("broken", "%s", glassText(r))
	}
	if r.Revoked {
		add("revoked", "its pack is revoked")
	}
	return lines
}

func waitText(wait release.Wait) string {
	if wait.Until == nil {
		return "for " + wait.For
	}
	return "for " + wait.For + " until " + timeText(*wait.Until)
}

// stageRows has a row for each stage, those not begun too.
func stageRows(r release.Record) [][]string {
	rows := [][]string{{"STAGE", "STATE", "COHORTS", "NODES", "ACTIVE", "VERDICT", "UNTIL", "REASON"}}
	for i, stage := range stagesOf(r) {
		rows = append(rows, []string{
			stage.Name, stageState(r, i), orNot(strings.Join(stage.Cohorts, ", ")), nodesText(stage), timeOrNot(stage.ActiveAt),
			orNot(stage.Verdict), timeOrNot(stage.EndsAt), joinCodes(stage.Codes),
		})
	}
	return rows
}

// stagePassed is the state of a stage that the release has left behind.
const stagePassed = "PASSED"

func stageState(r release.Record, i int) string {
	switch {
	case i > stageAt(r):
		return "-"
	case i < stageAt(r), r.Phase == string(rollout.PhaseClosedGood):
		return stagePassed
	default:
		return r.Phase
	}
}

func nodesText(stage release.StageState) string {
	if len(stage.Frozen) == 0 {
		return "-"
	}
	count := 0
	for _, frozen := range stage.Frozen {
		count += frozen.Count
	}
	return strconv.Itoa(count)
}

func timeOrNot(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return timeText(*at)
}

func orNot(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// printReleases prints one line for each release.
func printReleases(w io.Writer, list client.ReleaseList) error {
	rows := [][]string{{"RELEASE", "PHASE", "CHANNEL", "VERSION", "STAGE", "CREATED", "BY", "REASON"}}
	for _, r := range list.Releases {
		rows = append(rows, []string{
			r.ReleaseID, r.Phase, r.Request.Channel.String(), r.Request.Version, orNot(stageName(r)),
			timeText(r.CreatedAt), r.CreatedBy, joinCodes(blocking(r)),
		})
	}
	if err := columns(w, rows); err != nil || list.Next == "" {
		return err
	}
	_, err := fmt.Fprintf(w, "more: --cursor %s\n", list.Next)
	return err
}

func printReleaseWhy(w io.Writer, why client.ReleaseWhy) error {
	state := fmt.Sprintf("release %s is %s", why.ReleaseID, why.Phase)
	if why.Waits != nil {
		state += " and waits " + waitText(*why.Waits)
	}
	return printUnmet(w, state, why.Unmet)
}
