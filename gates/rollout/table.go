package rollout

import (
	"cmp"
	"slices"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/person"
)

// Condition names what must hold besides phase and event. Conditions are functions of
// the state and the event alone.
type Condition string

// The conditions.
const (
	always   Condition = ""
	unheld   Condition = "not held, and about this stage"
	current  Condition = "about this stage"
	unplaced Condition = "nothing placed"
	placed   Condition = "placed"
	more     Condition = "not held, about this stage, and there is another"
	last     Condition = "not held, about this stage, and it is the last"
)

// conditions says when each holds.
var conditions = map[Condition]func(Release, ReleaseEvent) bool{
	always:   func(Release, ReleaseEvent) bool { return true },
	unheld:   func(r Release, in ReleaseEvent) bool { return !r.held() && in.Stage == r.Stage },
	current:  func(r Release, in ReleaseEvent) bool { return in.Stage == r.Stage },
	unplaced: func(r Release, _ ReleaseEvent) bool { return !r.Placed() },
	placed:   func(r Release, _ ReleaseEvent) bool { return r.Placed() },
	more:     func(r Release, in ReleaseEvent) bool { return !r.held() && in.Stage == r.Stage && r.Stage+1 < r.Stages },
	last: func(r Release, in ReleaseEvent) bool {
		return !r.held() && in.Stage == r.Stage && r.Stage+1 == r.Stages
	},
}

// Change names what a row changes of a release besides its phase.
type Change string

// The changes.
const (
	nextStage Change = "next stage"
	addHold   Change = "add hold"
	liftHold  Change = "lift hold"
	revoke    Change = "revoke"
	keepCode  Change = "keep code"
	firstCode Change = "keep code if there is none"
)

// changes says what each does.
var changes = map[Change]func(*Release, ReleaseEvent) *Refusal{
	nextStage: func(r *Release, _ ReleaseEvent) *Refusal { r.Stage++; return nil },
	addHold:   addHoldTo,
	liftHold:  liftHoldOf,
	revoke:    func(r *Release, _ ReleaseEvent) *Refusal { r.Revoked = true; return nil },
	keepCode:  func(r *Release, in ReleaseEvent) *Refusal { r.Code = in.Code; return nil },
	firstCode: func(r *Release, in ReleaseEvent) *Refusal { r.Code = cmp.Or(r.Code, in.Code); return nil },
}

func addHoldTo(r *Release, in ReleaseEvent) *Refusal {
	switch {
	case in.Actor == "" || in.Reason == "":
		return refuse(gates.RequestInvalid, "a hold needs an owner and a reason")
	case slices.ContainsFunc(r.Holds, func(h Hold) bool { return person.Alike(h.Owner, in.Actor) }):
		return refuse(gates.InvalidTransition, "%s holds release %s already", in.Actor, r.ID)
	}
	r.Holds = append(slices.Clone(r.Holds), Hold{Owner: in.Actor, Reason: in.Reason})
	return nil
}

func liftHoldOf(r *Release, in ReleaseEvent) *Refusal {
	of := func(h Hold) bool { return person.Alike(h.Owner, in.Owner) }
	switch {
	case !slices.ContainsFunc(r.Holds, of):
		return refuse(gates.InvalidTransition, "%s does not hold release %s", in.Owner, r.ID)
	case !person.Alike(in.Owner, in.Actor):
		return refuse(gates.HoldOfAnother, "only %s lifts this hold", in.Owner)
	}
	r.Holds = slices.DeleteFunc(slices.Clone(r.Holds), of)
	return nil
}

// Row is one line of the table: in one of these phases, on this event, if this holds,
// the release goes there, changes so and does that.
type Row struct {
	From   []Phase          `json:"from"`
	On     ReleaseEventKind `json:"on"`
	If     Condition        `json:"if,omitempty"`
	To     Phase            `json:"to"`
	Change []Change         `json:"change,omitempty"`
	Do     []Step           `json:"do,omitempty"`
}

func (row Row) takes(phase Phase, on ReleaseEventKind) bool {
	return row.On == on && slices.Contains(row.From, phase)
}

func (row Row) changes() []func(*Release, ReleaseEvent) *Refusal {
	var todo []func(*Release, ReleaseEvent) *Refusal
	for _, change := range row.Change {
		todo = append(todo, changes[change])
	}
	return todo
}

// Phases in which nothing of the release is anywhere, and those in which it moves.
var (
	waiting = []Phase{PhaseDraft, PhaseChecking, PhaseAwaitingApproval, PhaseApproved}
	moving  = []Phase{PhaseDistributing, PhaseVerifying, PhaseActivating, PhaseObserving, PhaseSoaking}
	ended   = []Phase{PhaseIneligible, PhaseRolledBack, PhaseSafeMode, PhaseAborted, PhaseSuperseded, PhaseFailed}
)

// table is every legal transition. The first row that fits is taken; what no row fits
// is refused. Staying in a phase is written as going to it: see stays.
var table = slices.Concat(
	[]Row{
		{From: []Phase{PhaseDraft}, On: Submitted, To: PhaseChecking, Do: []Step{DoCheck}},
		{From: []Phase{PhaseChecking}, On: Eligible, To: PhaseAwaitingApproval, Do: []Step{DoSeek}},
		{From: []Phase{PhaseChecking}, On: NotEligible, To: PhaseIneligible, Change: []Change{keepCode}},
		{From: []Phase{PhaseAwaitingApproval}, On: Agreed, If: unheld, To: PhaseApproved, Do: []Step{DoJoin}},
		{From: []Phase{PhaseAwaitingApproval}, On: VotedDown, To: PhaseAborted, Change: []Change{keepCode}},
		{From: []Phase{PhaseAwaitingApproval}, On: IntentChanged, To: PhaseChecking, Do: []Step{DoVoid, DoCheck}},
		{From: []Phase{PhaseApproved}, On: IntentChanged, To: PhaseChecking, Do: []Step{DoLeave, DoVoid, DoCheck}},

		{From: []Phase{PhaseApproved}, On: TurnGranted, If: unheld, To: PhaseDistributing, Do: []Step{DoDistribute}},
		{From: []Phase{PhaseDistributing}, On: Distributed, If: current, To: PhaseVerifying, Do: []Step{DoVerify}},
		{From: []Phase{PhaseVerifying}, On: Verified, If: unheld, To: PhaseActivating, Do: []Step{DoAdvance}},
		{From: []Phase{PhaseActivating}, On: StageActive, If: current, To: PhaseObserving, Do: []Step{DoObserve}},
		{From: []Phase{PhaseObserving}, On: JudgedGood, If: more, To: PhaseDistributing, Change: []Change{nextStage}, Do: []Step{DoDistribute}},
		{From: []Phase{PhaseObserving}, On: JudgedGood, If: last, To: PhaseSoaking, Do: []Step{DoSoak}},
		{From: []Phase{PhaseSoaking}, On: JudgedGood, If: unheld, To: PhaseClosedGood, Do: []Step{DoClose}},

		{From: []Phase{PhaseDistributing}, On: NotDistributed, If: unplaced, To: PhaseFailed, Change: []Change{keepCode}, Do: []Step{DoLeave}},
		{From: []Phase{PhaseVerifying}, On: NotVerified, If: unplaced, To: PhaseFailed, Change: []Change{keepCode}, Do: []Step{DoLeave}},
		{From: []Phase{PhaseDistributing}, On: NotDistributed, To: PhaseRollingBack, Change: []Change{keepCode}, Do: []Step{DoContain}},
		{From: []Phase{PhaseVerifying}, On: NotVerified, To: PhaseRollingBack, Change: []Change{keepCode}, Do: []Step{DoContain}},
		{From: []Phase{PhaseActivating}, On: StageInactive, To: PhaseRollingBack, Change: []Change{keepCode}, Do: []Step{DoContain}},
		{From: []Phase{PhaseObserving, PhaseSoaking}, On: JudgedBad, To: PhaseRollingBack, Change: []Change{keepCode}, Do: []Step{DoContain}},

		{From: slices.Concat(moving, []Phase{PhaseClosedGood, PhaseRollingBack}), On: WentBack, To: PhaseRolledBack, Change: []Change{firstCode}},
		{From: slices.Concat(moving, []Phase{PhaseClosedGood, PhaseRollingBack}), On: NoTargetFound, To: PhaseSafeMode, Change: []Change{firstCode}},
	},
	containing(AskedAbort, PhaseAborted),
	containing(AskedRollback, PhaseAborted),
	containing(WasSuperseded, PhaseSuperseded),
	containing(WasRevoked, PhaseAborted, revoke),
	[]Row{
		{From: []Phase{PhaseClosedGood}, On: AskedRollback, To: PhaseRollingBack, Change: []Change{keepCode}, Do: []Step{DoContain}},
		{From: []Phase{PhaseClosedGood}, On: WasRevoked, To: PhaseRollingBack, Change: []Change{revoke, keepCode}, Do: []Step{DoContain}},
	},
	stays(ended, WasRevoked, []Change{revoke}),
	stays(slices.Concat(waiting, moving, []Phase{PhaseRollingBack}), AskedHold, []Change{addHold}),
	lifts(),
)

// containing makes the rows of an event that ends a release: one that placed nothing
// leaves, and one that did goes back.
func containing(on ReleaseEventKind, end Phase, also ...Change) []Row {
	code := slices.Concat(also, []Change{keepCode})
	before := []Phase{PhaseDraft, PhaseChecking, PhaseAwaitingApproval}
	return slices.Concat([]Row{
		{From: before, On: on, To: end, Change: code},
		{From: slices.Concat([]Phase{PhaseApproved}, moving), On: on, If: unplaced, To: end, Change: code, Do: []Step{DoLeave}},
		{From: moving, On: on, If: placed, To: PhaseRollingBack, Change: code, Do: []Step{DoContain}},
	}, stays([]Phase{PhaseRollingBack}, on, also))
}

func stays(in []Phase, on ReleaseEventKind, change []Change) []Row {
	var rows []Row
	for _, phase := range in {
		rows = append(rows, Row{From: []Phase{phase}, On: on, To: phase, Change: change})
	}
	return rows
}

// again is what a phase does anew when a hold is lifted: what it knew before is
// stale by then, and is never acted on.
var again = []struct {
	phase Phase
	do    []Step
}{
	{PhaseDraft, nil}, {PhaseChecking, nil}, {PhaseAwaitingApproval, []Step{DoSeek}}, {PhaseApproved, []Step{DoJoin}}, {PhaseDistributing, nil},
	{PhaseVerifying, []Step{DoVerify}}, {PhaseActivating, nil}, {PhaseObserving, []Step{DoObserve}}, {PhaseSoaking, []Step{DoSoak}}, {PhaseRollingBack, nil},
}

func lifts() []Row {
	var rows []Row
	for _, a := range again {
		rows = append(rows, Row{From: []Phase{a.phase}, On: AskedLift, To: a.phase, Change: []Change{liftHold}, Do: a.do})
	}
	return rows
}

func lookup(r Release, in ReleaseEvent) (Row, bool) {
	for _, row := range table {
		if row.takes(r.Phase, in.Kind) && conditions[row.If](r, in) {
			return row, true
		}
	}
	return Row{}, false
}

// TableDigest names the table: the one that was searched is the one that runs if
// both have the same.
func TableDigest() (records.Digest, error) {
	canonical, err := records.Canonical(table)
	if err != nil {
		return records.Digest{}, err
	}
	return records.DigestOf(canonical), nil
}
