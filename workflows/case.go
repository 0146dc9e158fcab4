package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/casework"
	"github.com/initkoa/orgo/records/cases"
)

// CaseWorkflow is the type of the workflow that keeps the deadlines of a Case.
const CaseWorkflow = "orgo.case"

// ActivityLook looks after the deadlines of a Case.
const ActivityLook = "orgo.case.look"

// CaseWorkflowID returns the id of the workflow of a Case.
func CaseWorkflowID(organization, caseID string) string {
	return fmt.Sprintf("case/%s/%s", organization, caseID)
}

// CaseInput names a Case. Everything about it is in the store.
type CaseInput struct {
	Organization string `json:"organization"`
	CaseID       string `json:"case_id"`
}

// CaseOutcome is how a Case ended.
type CaseOutcome struct {
	Status cases.Status `json:"status"`
	Level  int          `json:"escalation_level"`
}

// lookAgain is how long a Case that nobody pokes, and nothing of which is due, is not
// looked at.
const lookAgain = 24 * time.Hour

// Case waits for the deadlines of a Case until it ends. It decides nothing and has no
// state: what is due, and that it is, the store says. So it may be ended, reset and
// started again at any time.
func Case(ctx workflow.Context, in CaseInput) (CaseOutcome, error) {
	pokes, seen := 0, 0
	poke := workflow.GetSignalChannelWithOptions(ctx, SignalPoke, workflow.SignalChannelOptions{Description: "Says that the Case has changed."})
	workflow.GoNamed(ctx, "pokes", func(ctx workflow.Context) {
		for {
			poke.Receive(ctx, nil)
			pokes++
		}
	})
	for marked := ""; ; {
		seen = pokes
		var looked casework.Looked
		if err := workflow.ExecuteLocalActivity(bookkeeping(ctx, "look at the deadlines"), ActivityLook, casework.LookInput(in)).Get(ctx, &looked); err != nil {
			return CaseOutcome{}, err
		}
		workflow.SetCurrentDetails(ctx, caseMarkdown(looked))
		if now := string(looked.Status) + strings.Join(looked.Codes, " "); now != marked && looked.Status != "" {
			marked = now
			mark(ctx, string(looked.Status), looked.Codes)
		}
		if looked.Ended && pokes == seen {
			return CaseOutcome{Status: looked.Status, Level: looked.Level}, nil
		}
		info := workflow.GetInfo(ctx)
		if info.GetCurrentHistoryLength() > maxHistory || info.GetContinueAsNewSuggested() {
			for poke.ReceiveAsync(nil) { // the next run looks first
			}
			return CaseOutcome{}, workflow.NewContinueAsNewError(ctx, CaseWorkflow, in)
		}
		pause, what := untilNext(looked)
		if _, err := await(ctx, pause, what, func() bool { return pokes != seen }); err != nil {
			return CaseOutcome{}, err
		}
	}
}

// untilNext returns how long nothing is due, and what is due then. The store says when
// it is: a worker whose clock is behind is asked again.
func untilNext(l casework.Looked) (time.Duration, string) {
	if l.Next == nil {
		return lookAgain, "waits for a change"
	}
	what := fmt.Sprintf("%s is due at %s: level %d", l.Next.Kind, l.Next.Due.UTC().Format(time.RFC3339), l.Next.Level)
	return min(max(l.Next.At.Sub(l.Now), time.Second), lookAgain), what
}

func caseMarkdown(l casework.Looked) string {
	var text strings.Builder
	fmt.Fprintf(&text, "**%s**: **%s**, priority %s %s\n\n", l.Summary, l.Status, l.Priority, l.Severity)
	if len(l.Codes) > 0 {
		fmt.Fprintf(&text, "Reason codes: %s\n\n", strings.Join(l.Codes, " "))
	}
	owners := make([]string, len(l.Owners))
	for i, o := range l.Owners {
		owners[i] = string(o.Kind) + " " + o.ID
	}
	fmt.Fprintf(&text, "Owned by %s; escalation level %d\n\n", strings.Join(owners, ", "), l.Level)
	switch {
	case l.Paused:
		text.WriteString("No deadline runs while it is paused.\n\n")
	case l.Next != nil:
		fmt.Fprintf(&text, "Next: %s, at %s\n\n", l.Next.Kind, timeText(&l.Next.At))
	}
	if len(l.Tasks) > 0 {
		text.WriteString("| task | status | owner | due |\n|---|---|---|---|\n")
		for _, t := range l.Tasks {
			fmt.Fprintf(&text, "| %s | %s | %s | %s |\n", t.Title, t.Status, t.Owner, timeText(t.Due))
		}
		if l.MoreTasks > 0 {
			fmt.Fprintf(&text, "\nand %d more\n", l.MoreTasks)
		}
	}
	return text.String()
}

// CaseSearchAttributes returns the search attributes with which a Case's workflow
// starts.
func CaseSearchAttributes(c cases.Case) temporal.SearchAttributes {
	updates := []temporal.SearchAttributeUpdate{keyOrganization.ValueSet(c.Organization), keyState.ValueSet(string(c.Status))}
	if len(c.Codes) > 0 {
		updates = append(updates, keyReasonCode.ValueSet(c.Codes))
	}
	return temporal.NewSearchAttributes(updates...)
}
