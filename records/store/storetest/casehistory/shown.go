package casehistory

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/initkoa/orgo/records/cases"
)

// lines are what a model says of a Case, one thing in each: the same as linesOf a view.
func (m *model) lines() []string {
	lines := []string{
		fmt.Sprintf("version %d status %s updated %s closed %s", m.version, m.status, m.updated.UTC().Format(time.RFC3339), instantOf(m.closed)),
		fmt.Sprintf("resolution %q by %q cleared %t", m.resolution, m.resolvedBy, m.cleared),
		fmt.Sprintf("occurrences %d reopened %d level %d", m.occurrences, m.reopened, m.level),
		fmt.Sprintf("owners %v", m.owners),
		fmt.Sprintf("refs %v", m.refs),
		"response " + m.response.String(),
		"resolve " + m.resolve.String(),
	}
	for _, t := range m.tasks {
		lines = append(lines, fmt.Sprintf("task %s %s %s version %d status %s owner %v resolution %q level %d closed %s due %s reactivity %s",
			t.id, t.key, t.decides, t.version, t.status, t.owner, kept(t.decides, t.status, t.resolution), t.level, instantOf(t.closed), t.due.String(), t.reactivity.String()))
	}
	return lines
}

// linesOf are what a view says of a Case.
func linesOf(c cases.Case) []string {
	lines := []string{
		fmt.Sprintf("version %d status %s updated %s closed %s", c.Version, c.Status, c.UpdatedAt.UTC().Format(time.RFC3339), instantOf(c.ClosedAt)),
		fmt.Sprintf("resolution %q by %q cleared %t", c.Resolution, c.ResolvedBy, c.Cleared != nil),
		fmt.Sprintf("occurrences %d reopened %d level %d", c.Occurrences, c.Reopened, c.Escalation),
		fmt.Sprintf("owners %v", c.Owners),
		fmt.Sprintf("refs %v", c.Refs),
		"response " + shown(c.Response),
		"resolve " + shown(c.Resolve),
	}
	for _, t := range c.Tasks {
		lines = append(lines, lineOf(t))
	}
	return lines
}

func lineOf(t cases.Task) string {
	return fmt.Sprintf("task %s %s %s version %d status %s owner %v resolution %q level %d closed %s due %s reactivity %s",
		t.TaskID, t.Key, t.Decides, t.Version, t.Status, t.Owner, kept(t.Decides, t.Status, t.Resolution), t.Escalation, instantOf(t.ClosedAt), shown(t.Due), shown(t.Reactivity))
}

// kept is what a Task says it came to, if the words are the actor's: those of a Task
// that ended with its Case, or by a decision on it, are Orgo's.
func kept(decides cases.Decision, s cases.TaskStatus, resolution string) string {
	if decides == "" && (s == "COMPLETED" || s == "FAILED") {
		return resolution
	}
	return ""
}

// differ returns where lines differ, or nothing.
func differ(got, want []string) string {
	if slices.Equal(got, want) {
		return ""
	}
	var all []string
	for _, line := range got {
		if !slices.Contains(want, line) {
			all = append(all, "it says:      "+line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			all = append(all, "it should be: "+line)
		}
	}
	return strings.Join(append(all, ""), "\n")
}
