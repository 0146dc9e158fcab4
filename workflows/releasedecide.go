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
		r.record.SumUp(release.DecisionSummary{
			EntryID: made.ID, At: d.EvaluatedAt, Gate: string(d.Gate), Stage: stage, Cohort: d.Subject.Cohort,
			Verdict: string(d.Verdict), Codes: codesOf(d), Inputs: d.InputsDigest,
		})
	}
	if refusing != nil {
		r.record.Codes = codesOf(*refusing)
	}
	return refusing
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
	seen := map[release.Question]bool{}
	for _, d := range slices.Backward(r.record.Decisions) {
		if d.Stage == stage && !seen[d.Question()] {
			seen[d.Question()] = true
			w.Permits = append(w.Permits, rollout.Permit{
				Gate: gates.Gate(d.Gate), Verdict: gates.Verdict(d.Verdict), ReleaseID: r.in.ReleaseID, Pack: r.pack(), Stage: stage, Inputs: d.Inputs,
			})
		}
	}
	return w
}
