package workflows

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// warranted are the asks that bear a warrant, and the phase that a release which asks
// so has recorded before.
var warranted = map[string]rollout.Phase{rollout.AskAdvance: rollout.PhaseActivating, rollout.AskClose: rollout.PhaseClosedGood}

// unwarranted returns why what is asked by a warrant is not what the release recorded.
// That decisions are named is not enough: an entry that asks can be had written by
// whoever may start activities.
func (c *channel) unwarranted(ctx workflow.Context, m rollout.Message) (records.CommandOutcome, bool, error) {
	command, refused := m.Command()
	phase, bears := warranted[command.Action]
	if refused != nil || !bears || m.Type != records.TypeActionAsked {
		return records.CommandOutcome{}, false, nil
	}
	outcome := records.CommandOutcome{Command: m.ID, Action: command.Action, Code: string(gates.EvidenceMissing)}
	var asked struct {
		Warrant rollout.Warrant `json:"warrant"`
	}
	if json.Unmarshal(command.Arguments, &asked) != nil {
		return records.CommandOutcome{}, false, nil // which is refused for that
	}
	loaded, err := c.load(ctx, records.ReleaseSubject(asked.Warrant.ReleaseID))
	if err != nil {
		return outcome, false, err
	}
	var record release.Record
	if loaded.Found {
		if err := json.Unmarshal(loaded.Body, &record); err != nil {
			return outcome, false, fmt.Errorf("record of release %s: %w", asked.Warrant.ReleaseID, err)
		}
	}
	outcome.Message = notOf(record, asked.Warrant, phase, c.in.Channel)
	return outcome, outcome.Message != "", nil
}

// notOf says what of a warrant is not in a release's record.
func notOf(record release.Record, w rollout.Warrant, phase rollout.Phase, on records.ChannelName) string {
	switch {
	case record.Intent == nil || record.Request.Channel != on || record.Intent.Pack != w.Pack:
		return fmt.Sprintf("release %s does not bring pack %s to this channel", w.ReleaseID, w.Pack)
	case rollout.Phase(record.Phase) != phase:
		return fmt.Sprintf("release %s is %s, and asks for nothing", w.ReleaseID, record.Phase)
	}
	after, soaked := soakedUntil(record, w.Stage)
	if phase == rollout.PhaseClosedGood && !soaked {
		return fmt.Sprintf("release %s did not soak", w.ReleaseID)
	}
	for _, p := range w.Permits {
		recorded := func(d release.DecisionSummary) bool {
			return !d.At.Before(after) && d.Gate == string(p.Gate) && d.Verdict == string(p.Verdict) && d.Stage == p.Stage && d.Inputs == p.Inputs
		}
		if !slices.ContainsFunc(record.Decisions, recorded) {
			return fmt.Sprintf("release %s recorded no such decision of the %s gate on stage %d", w.ReleaseID, p.Gate, p.Stage)
		}
	}
	return ""
}

// soakedUntil returns when the soak of a release ended, if it had one: what closes it
// was decided then or later. A break-glass for closing may end it early.
func soakedUntil(record release.Record, stage int) (time.Time, bool) {
	switch soak, glass := record.Soak, record.BreakGlass; {
	case soak == nil || soak.EndsAt == nil:
		return time.Time{}, false
	case glass != nil && glass.Stage == stage:
		return time.Time{}, true
	default:
		return *soak.EndsAt, true
	}
}
