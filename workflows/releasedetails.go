package workflows

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// show sets what the Temporal Web UI shows of a release.
func (r *releaseRun) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, releaseMarkdown(r.record))
	marked := r.record.Phase + strings.Join(r.record.Codes, " ") + r.record.Code
	if r.record.Phase == "" || marked == r.marked {
		return
	}
	r.marked = marked
	codes := r.record.Codes
	if r.record.Code != "" {
		codes = append([]string{r.record.Code}, codes...)
	}
	mark(ctx, r.record.Phase, codes)
}

// mark sets the search attributes by which an operator finds an entity.
func mark(ctx workflow.Context, state string, codes []string) {
	reasons := keyReasonCode.ValueUnset()
	if len(codes) > 0 {
		reasons = keyReasonCode.ValueSet(codes)
	}
	// The only error is an empty set of updates.
	_ = workflow.UpsertTypedSearchAttributes(ctx, keyState.ValueSet(state), reasons)
}

func releaseMarkdown(r release.Record) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Release `%s` of build `%s` to **%s**: **%s**\n\n", r.ReleaseID, r.Request.BuildID, r.Request.Channel, r.Phase)
	if r.Code != "" || len(r.Codes) > 0 {
		fmt.Fprintf(&text, "Reason codes: %s\n\n", strings.Join(append([]string{r.Code}, r.Codes...), " "))
	}
	if len(r.Stages) > 0 {
		text.WriteString("| stage | cohorts | active since | verdict | decide by |\n|---|---|---|---|---|\n")
		for i, s := range r.Stages {
			name := s.Name
			if i == r.Stage {
				name = "**" + name + "**"
			}
			fmt.Fprintf(&text, "| %s | %s | %s | %s | %s |\n", name, strings.Join(s.Cohorts, ", "), timeText(s.ActiveAt), cmp.Or(s.Verdict, "-"), timeText(s.DecideBy))
		}
	}
	text.WriteString(spineMarkdown(r.Spine))
	for _, h := range r.Holds {
		fmt.Fprintf(&text, "\nHeld by %s: %s\n", h.Owner, h.Reason)
	}
	if r.Waits != nil {
		fmt.Fprintf(&text, "\nWaits for %s", r.Waits.For)
		if r.Waits.Until != nil {
			fmt.Fprintf(&text, ", until %s", timeText(r.Waits.Until))
		}
		text.WriteString("\n")
	}
	return text.String()
}

func spineMarkdown(spine []release.SpineStage) string {
	var text strings.Builder
	for i, row := range spine {
		if i == 0 {
			text.WriteString("\n| spine | of | status | ended | reason codes |\n|---|---|---|---|---|\n")
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s |\n", row.Stage, cmp.Or(row.Part, "-"), row.Status, timeText(row.EndedAt), strings.Join(row.Codes, " "))
	}
	return text.String()
}

func timeText(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.UTC().Format(time.RFC3339)
}

// show sets what the Temporal Web UI shows of a channel.
func (c *channel) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, channelMarkdown(c.record))
	codes := codesOfChannel(c.record)
	marked := c.record.State() + strings.Join(codes, " ")
	if marked != c.marked {
		c.marked = marked
		mark(ctx, c.record.State(), codes)
	}
}

func channelMarkdown(r rollout.Record) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Channel **%s**: **%s**, index %d (read back: %d)\n\n| cohort | desired | active |\n|---|---|---|\n", r.ChannelName(), r.State(), r.Sequence, r.Confirmed)
	for _, s := range r.Slots {
		fmt.Fprintf(&text, "| %s | %s | %s |\n", s.Cohort, placementText(s.Desired), placementText(s.Active))
	}
	if r.Turn != nil {
		fmt.Fprintf(&text, "\nThe turn is that of release `%s`, at stage %d; %d wait.\n", r.Turn.ReleaseID, r.Turn.Stage+1, len(r.Queue))
	}
	for _, h := range r.Holds {
		fmt.Fprintf(&text, "\nHeld by %s: %s\n", h.Owner, h.Reason)
	}
	for _, f := range r.Freezes {
		fmt.Fprintf(&text, "\nFrozen by %s until %s: %s\n", f.Owner, timeText(&f.Until), f.Reason)
	}
	for _, p := range r.Pins {
		fmt.Fprintf(&text, "\nPinned (%s) by %s to `%s` until %s: %s\n", p.For, p.Owner, p.Pack, timeText(&p.ExpiresAt), p.Reason)
	}
	return text.String()
}

func placementText(p *rollout.Placement) string {
	if p == nil {
		return "nothing"
	}
	if p.ReleaseID == "" {
		return "something that Orgo does not know"
	}
	return fmt.Sprintf("%s (`%s`)", p.Pack.Version, p.ReleaseID)
}

// ReleaseSearchAttributes returns the search attributes with which a release's
// workflow starts.
func ReleaseSearchAttributes(organization string, request release.Request) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		keyOrganization.ValueSet(organization), keyRelease.ValueSet(request.ReleaseID),
		keyBuildID.ValueSet(request.BuildID), keyChannel.ValueSet(request.Channel.String()), keyState.ValueSet(string(rollout.PhaseDraft)),
	)
}

// ChannelSearchAttributes returns the search attributes with which a channel's
// workflow starts.
func ChannelSearchAttributes(organization string, channel records.ChannelName) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(keyOrganization.ValueSet(organization), keyChannel.ValueSet(channel.String()))
}
