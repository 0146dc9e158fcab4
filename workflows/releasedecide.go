package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// gate returns the context in which gates decide over entering a stage.
func (r *releaseRun) gate(ctx workflow.Context, stage int, checked releases.Checked) gates.Context {
	pack := r.pack()
	if checked.Digest.Valid() {
		pack = checked.Digest
	}
	return gates.Context{
		Subject: gates.Subject{
			BuildID: r.record.Request.BuildID, Stage: records.Activate, Generation: stage + 1, ReleaseID: r.in.ReleaseID,
			Channel: r.record.Request.Channel.String(), Pack: pack.String(),
		},
		Rules: r.rules, At: workflow.Now(ctx), Actor: records.SystemActor, Evaluator: evaluatorOf(ctx),
	}
}

// decided notes decisions on entering a stage, and returns the first that refuses.
func (r *releaseRun) decided(ctx workflow.Context, stage int, decisions ...gates.Decision) *gates.Decision {
	var refusing *gates.Decision
	for _, d := range decisions {
		entry := r.entry(ctx, records.Entry{Kind: records.KindDecision, Type: records.TypeGatePassed, Codes: codesOf(d),
			Correlation: records.Correlation{Cohort: d.Subject.Cohort}})
		switch {
		case !d.Permits():
			entry.Type = records.TypeGateFailed
			if refusing == nil {
				refusing = &d
			}
		case d.Override != nil:
			entry.Type, entry.Actor, entry.Reason = records.TypeGateOverridden, d.Override.Actor, d.Override.Reason
		}
		r.attempted++
		key := fmt.Sprintf("%s/%d/%d", r.correlation.RunID, r.version, r.attempted)
		made, err := records.NewEntry(entry, key, d)
		if err != nil {
			panic(err) // a decision has a canonical form, or is a defect
		}
		r.pending = append(r.pending, note{entry: made})
		r.record.Decisions = summed(r.record.Decisions, release.DecisionSummary{
			EntryID: made.ID, At: d.EvaluatedAt, Gate: string(d.Gate), Stage: stage, Cohort: d.Subject.Cohort,
			Verdict: string(d.Verdict), Codes: codesOf(d), Inputs: d.InputsDigest,
		})
	}
	r.record.Decisions = trimmed(r.record.Decisions)
	if refusing != nil {
		r.record.Codes = codesOf(*refusing)
	}
	return refusing
}

// about is what a decision that a record names is about.
type about struct {
	gate, cohort string
	stage        int
}

func aboutOf(d release.DecisionSummary) about { return about{d.Gate, d.Cohort, d.Stage} }

// summed adds a decision to those that a record names. It takes the place of the one
// before it about the same, if that said the same: a stage is looked at with every window,
// and every version of a record that named each look would be longer than the one before.
// All are in the store.
func summed(decisions []release.DecisionSummary, d release.DecisionSummary) []release.DecisionSummary {
	for i, before := range slices.Backward(decisions) {
		if aboutOf(before) != aboutOf(d) {
			continue
		}
		if before.Verdict == d.Verdict && slices.Equal(before.Codes, d.Codes) {
			decisions = slices.Delete(slices.Clone(decisions), i, i+1)
		}
		break
	}
	return append(decisions, d)
}

// maxDecisions bounds the decisions that a record names; all are in the store.
const maxDecisions = 200

// trimmed drops the oldest of too many decisions, but for the newest of each gate on
// each stage and cohort: that is what permits, however long ago it was made.
func trimmed(decisions []release.DecisionSummary) []release.DecisionSummary {
	over := len(decisions) - maxDecisions
	if over <= 0 {
		return decisions
	}
	newer := map[about]int{}
	for _, d := range decisions {
		newer[aboutOf(d)]++
	}
	return slices.DeleteFunc(slices.Clone(decisions), func(d release.DecisionSummary) bool {
		key := aboutOf(d)
		newer[key]--
		if over > 0 && newer[key] > 0 {
			over--
			return true
		}
		return false
	})
}

// leading is the finding that says most of why a decision refuses: the first of those
// as bad as the decision.
func leading(d gates.Decision) gates.Finding {
	for _, f := range d.Findings {
		if f.Verdict == d.Verdict && !f.Advisory {
			return f
		}
	}
	return gates.Finding{Code: gates.GateError, Message: string(d.Verdict)}
}

// warrant has the newest decision of each gate, and cohort, on entering a stage.
func (r *releaseRun) warrant(stage int) rollout.Warrant {
	w := rollout.Warrant{ReleaseID: r.in.ReleaseID, Pack: r.pack(), Stage: stage}
	seen := map[about]bool{}
	for _, d := range slices.Backward(r.record.Decisions) {
		if d.Stage == stage && !seen[aboutOf(d)] {
			seen[aboutOf(d)] = true
			w.Permits = append(w.Permits, rollout.Permit{
				Gate: gates.Gate(d.Gate), Verdict: gates.Verdict(d.Verdict), ReleaseID: r.in.ReleaseID, Pack: r.pack(), Stage: stage, Inputs: d.Inputs,
			})
		}
	}
	return w
}
