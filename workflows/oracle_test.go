package workflows_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// The oracle says again, in words of its own, what has to be in the store before a
// release goes forward, and knows besides whether it is true. It reads no warrant.

// need is a decision that has to be there.
type need struct {
	gate       gates.Gate
	generation int // of the decision's subject
	cohort     string
}

// needed are the decisions on entering a stage of a release; one past the last closes
// it. Health is that of everything that was entered before.
func needed(stages []release.StageState, entering int) []need {
	var list []need
	if entering < len(stages) {
		list = append(list, need{gates.GateIntegrity, entering + 1, ""}, need{gates.GateFreeze, entering + 1, ""})
	}
	if entering == 0 {
		list = append(list, need{gates.GateCompatibility, 1, ""}, need{gates.GateApprovals, 1, ""})
	}
	return append(list, healthy(stages, entering)...)
}

func healthy(stages []release.StageState, entering int) []need {
	var list []need
	for _, before := range stages[:entering] {
		for _, cohort := range before.Cohorts {
			list = append(list, need{gates.GateHealth, entering, cohort})
		}
	}
	return list
}

// moved looks at what a channel was asked and did: before it, everything had to be
// there.
func (w *world) moved(before rollout.Record, m rollout.Message) {
	var c records.Command
	_ = json.Unmarshal(m.Body, &c)
	var asked rollout.Advance
	if c.Action != rollout.AskAdvance && c.Action != rollout.AskClose {
		return
	}
	_ = json.Unmarshal(c.Arguments, &asked)
	w.moves++
	w.forward("the channel went forward: "+c.Action, before.Turn.ReleaseID, asked.Warrant.Pack, asked.Warrant.Stage, needed(w.outline().Stages, asked.Warrant.Stage))
}

// committed keeps what a commit says, and looks at where the release went in it.
func (w *world) committed(entries []records.Entry) {
	var moves []release.Moved
	for _, e := range entries {
		switch {
		case e.Kind == records.KindDecision:
			var d gates.Decision
			if err := jsonv2.Unmarshal(e.Body, &d); err != nil {
				w.breach("a decision does not decode: %v", err)
			}
			w.decisions = append(w.decisions, d)
		case e.Type == release.TypeReleaseMoved:
			var moved release.Moved
			_ = json.Unmarshal(e.Body, &moved)
			moves = append(moves, moved)
		case e.Type == records.TypeRecordWritten:
			w.newest, w.outlined = e.Body, nil
		}
	}
	for _, moved := range moves {
		w.phase = moved.After
		if w.branches > 0 && w.chance("branch", 500) {
			w.later(0, func(w *world) { w.env.SetContinueAsNewSuggested(true) })
		}
		if w.phase == string(rollout.PhaseClosedGood) && !w.rendered() {
			w.breach("the release closed before its pack was rendered")
		}
		w.seen.entered[moved.After]++
		w.step(moved)
	}
}

// rendered says whether what renders the pack is over, well or not.
func (w *world) rendered() bool {
	row := w.record().SpineStage(records.Render, "")
	return row != nil && row.Status != records.StagePending && row.Status != records.StageRunning
}

// record is the newest version, as a whole.
func (w *world) record() *release.Record {
	var r release.Record
	w.decode(&r)
	return &r
}

// outline is what is looked at, of the newest version, again and again.
type outline struct {
	Version      int64                `json:"version"`
	Stage        int                  `json:"stage"`
	Intent       *release.Intent      `json:"intent"`
	IntentDigest *records.Digest      `json:"intent_digest"`
	Stages       []release.StageState `json:"stages"`
	Soak         *release.StageState  `json:"soak"`
}

func (w *world) outline() *outline {
	if w.outlined == nil {
		w.outlined = &outline{}
		w.decode(w.outlined)
	}
	return w.outlined
}

// decode reads the newest version of the record, if there is one.
func (w *world) decode(into any) {
	if w.newest == nil {
		return
	}
	if err := jsonv2.Unmarshal(w.newest, into); err != nil {
		w.breach("a record does not decode: %v", err)
	}
}

// step looks at a move of the release's own machine.
func (w *world) step(moved release.Moved) {
	about := moved.Stage + 1
	var list []need
	switch rollout.ReleaseEventKind(moved.Event) {
	case rollout.Eligible:
		list = []need{{gates.GateIntegrity, 1, ""}, {gates.GateContract, 1, ""}, {gates.GateCompatibility, 1, ""}}
	case rollout.Agreed:
		list = []need{{gates.GateApprovals, 1, ""}}
	case rollout.Verified:
		list = []need{{gates.GateIntegrity, about, ""}, {gates.GateContract, about, ""}, {gates.GateCompatibility, about, ""}}
	case rollout.JudgedGood:
		entering := moved.Stage
		if moved.After != string(rollout.PhaseDistributing) {
			entering = len(w.outline().Stages)
		}
		list = healthy(w.outline().Stages, entering)
	default:
		return
	}
	w.moves++
	if w.outline().Intent == nil {
		w.breach("the release went from %s to %s, and nobody knows with what", moved.Before, moved.After)
		return
	}
	w.soaksFirst = moved.After == string(rollout.PhaseSoaking)
	defer func() { w.soaksFirst = false }()
	w.forward(fmt.Sprintf("the release went from %s to %s", moved.Before, moved.After), releaseID, w.outline().Intent.Pack, moved.Stage, list)
}

// forward holds a move to the decisions that it needs.
func (w *world) forward(what, release string, pack records.Digest, stage int, list []need) {
	if release != releaseID || pack != fact.digest {
		w.breach("%s: release %s with pack %s", what, release, pack)
		return
	}
	for _, n := range list {
		if why := w.wanting(n); why != "" {
			w.breach("%s, stage %d: %s %s: %s", what, stage, n.gate, n.cohort, why)
		}
	}
}

func (w *world) breach(format string, args ...any) {
	w.breaches = append(w.breaches, w.now().Sub(worldStart).String()+": "+fmt.Sprintf(format, args...))
}

// wanting says what is wrong with the newest decision of a kind.
func (w *world) wanting(n need) string {
	for _, d := range slices.Backward(w.decisions) {
		s := d.Subject
		if d.Gate != n.gate || s.Generation != n.generation || s.Cohort != n.cohort || s.ReleaseID != releaseID {
			continue
		}
		switch {
		case d.Verdict != gates.Pass:
			return "the newest decision is " + string(d.Verdict)
		case s.Pack != fact.digest.String():
			return "it is about another pack"
		case d.PolicyDigest != w.policy().Digest:
			return "it was made under another policy"
		case d.EvaluatedAt.After(w.now()):
			return "it is from the future"
		default:
			return w.untrue(d)
		}
	}
	return "nothing was decided"
}

// untrue says what is not so of what a decision was made from.
func (w *world) untrue(d gates.Decision) string {
	switch d.Gate {
	case gates.GateIntegrity, gates.GateContract:
		if d.InputsDigest != fact.inputs[d.Gate] {
			return "the evidence is not what the build made"
		}
	case gates.GateApprovals:
		return w.unagreed(d)
	case gates.GateHealth:
		return w.unwell(d)
	}
	return ""
}

func (w *world) unagreed(d gates.Decision) string {
	var v gates.Votes
	if err := json.Unmarshal(d.Inputs, &v); err != nil {
		return err.Error()
	}
	agreed := 0
	for _, vote := range v.Votes {
		if approved, did := w.votes[vote.Actor]; vote.Approve && (!did || approved != v.Intent) {
			return vote.Actor + " never approved this"
		}
		if vote.Approve && vote.Actor != requester {
			agreed++
		}
	}
	switch {
	case w.outline().IntentDigest == nil || v.Intent != *w.outline().IntentDigest:
		return "another intent was agreed to"
	case agreed == 0 && !w.solo:
		return "nobody agreed"
	default:
		return ""
	}
}

func (w *world) unwell(d gates.Decision) string {
	var looked gates.Window
	if err := json.Unmarshal(d.Inputs, &looked); err != nil {
		return err.Error()
	}
	is, made := w.truth[looked.Digest]
	watched := w.watched(d.Subject)
	switch {
	case watched == nil || watched.EndsAt == nil || d.EvaluatedAt.Before(*watched.EndsAt):
		return "it was not watched for long enough"
	case !made:
		return "no samples make the window"
	case is.bad:
		return "the window is of a cohort that is not well"
	case !w.confirmed[looked.Digest]:
		return "the window was not made again"
	case d.EvaluatedAt.Sub(looked.To) >= time.Minute:
		return "the window was old"
	default:
		return ""
	}
}

// watched is what a decision on health has to have waited for the end of: the stage, or
// once the release soaks, that.
func (w *world) watched(about gates.Subject) *release.StageState {
	if about.Generation == len(w.outline().Stages) && w.phase != string(rollout.PhaseObserving) && !w.soaksFirst {
		return w.outline().Soak
	}
	return &w.outline().Stages[about.Generation-1]
}
