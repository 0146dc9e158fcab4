package rollout

import (
	"slices"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
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
var conditions = map[Condition]func(Release, Incident) bool{
	always:   func(Release, Incident) bool { return true },
	unheld:   func(r Release, in Incident) bool { return !r.held() && in.Stage == r.Stage },
	current:  func(r Release, in Incident) bool { return in.Stage == r.Stage },
	unplaced: func(r Release, _ Incident) bool { return !r.Placed() },
	placed:   func(r Release, _ Incident) bool { return r.Placed() },
	more:     func(r Release, in Incident) bool { return !r.held() && in.Stage == r.Stage && r.Stage+1 < r.Stages },
	last:     func(r Release, in Incident) bool { return !r.held() && in.Stage == r.Stage && r.Stage+1 == r.Stages },
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
)

// changes says what each does.
var changes = map[Change]func(*Release, Incident) *Refusal{
	nextStage: func(r *Release, _ Incident) *Refusal { r.Stage++; return nil },
	addHold:   addHoldTo,
	liftHold:  liftHoldOf,
	revoke:    func(r *Release, _ Incident) *Refusal { r.Revoked = true; return nil },
	keepCode:  func(r *Release, in Incident) *Refusal { r.Code = in.Code; return nil },
}

func addHoldTo(r *Release, in Incident) *Refusal {
	switch {
	case in.Actor == "" || in.Reason == "":
		return refuse(gates.RequestInvalid, "a hold needs an owner and a reason")
	case slices.ContainsFunc(r.Holds, func(h Hold) bool { return h.Owner == in.Actor }):
		return refuse(gates.InvalidTransition, "%s holds release %s already", in.Actor, r.ID)
	}
	r.Holds = append(slices.Clone(r.Holds), Hold{Owner: in.Actor, Reason: in.Reason})
	return nil
}

func liftHoldOf(r *Release, in Incident) *Refusal {
	of := func(h Hold) bool { return h.Owner == in.Owner }
	switch {
	case !slices.ContainsFunc(r.Holds, of):
		return refuse(gates.InvalidTransition, "%s does not hold release %s", in.Owner, r.ID)
	case in.Owner != in.Actor:
		return refuse(gates.HoldOfAnother, "only %s lifts this hold", in.Owner)
	}
	r.Holds = slices.DeleteFunc(slices.Clone(r.Holds), of)
	return nil
}

// Row is one line of the table: in one of these phases, on this event, if this holds,
// the release goes there, changes so and does that.
type Row struct {
	From   []Phase   `json:"from"`
	On     Happening `json:"on"`
	If     Condition `json:"if,omitempty"`
	To     Phase     `json:"to"`
	Change []Change  `json:"change,omitempty"`
	Do     []Step    `json:"do,omitempty"`
}

func (row Row) takes(phase Phase, on Happening) bool {
	return row.On == on && slices.Contains(row.From, phase)
}

func (row Row) changes() []func(*Release, Incident) *Refusal {
	var todo []func(*Release, Incident) *Refusal
	for _, change := range row.Change {
		todo = append(todo, changes[change])
	}
	return todo
}

// Phases in which nothing of the release is anywhere, and those in which it moves.
var (
	waiting = []Phase{Draft, Checking, AwaitingApproval, Approved}
	moving  = []Phase{Distributing, Verifying, Activating, Observing, Soaking}
	ended   = []Phase{Ineligible, RolledBack, InSafety, Aborted, Replaced, Failed}
)

// table is every legal transition. The first row that fits is taken; what no row fits
// is refused. Staying in a phase is written as going to it: see stays.
var table = slices.Concat(
	[]Row{
		{From: []Phase{Draft}, On: Submitted, To: Checking, Do: []Step{DoCheck}},
		{From: []Phase{Checking}, On: Eligible, To: AwaitingApproval, Do: []Step{DoSeek}},
		{From: []Phase{Checking}, On: NotEligible, To: Ineligible, Change: []Change{keepCode}},
		{From: []Phase{AwaitingApproval}, On: Agreed, If: unheld, To: Approved, Do: []Step{DoJoin}},
		{From: []Phase{AwaitingApproval}, On: VotedDown, To: Aborted, Change: []Change{keepCode}},
		{From: []Phase{AwaitingApproval}, On: IntentChanged, To: Checking, Do: []Step{DoVoid, DoCheck}},
		{From: []Phase{Approved}, On: IntentChanged, To: Checking, Do: []Step{DoLeave, DoVoid, DoCheck}},

		{From: []Phase{Approved}, On: TurnGranted, If: unheld, To: Distributing, Do: []Step{DoDistribute}},
		{From: []Phase{Distributing}, On: Distributed, If: current, To: Verifying, Do: []Step{DoVerify}},
		{From: []Phase{Verifying}, On: Verified, If: unheld, To: Activating, Do: []Step{DoAdvance}},
		{From: []Phase{Activating}, On: StageActive, If: current, To: Observing, Do: []Step{DoObserve}},
		{From: []Phase{Observing}, On: JudgedGood, If: more, To: Distributing, Change: []Change{nextStage}, Do: []Step{DoDistribute}},
		{From: []Phase{Observing}, On: JudgedGood, If: last, To: Soaking, Do: []Step{DoSoak}},
		{From: []Phase{Soaking}, On: JudgedGood, If: unheld, To: ClosedGood, Do: []Step{DoClose}},

		{From: []Phase{Distributing}, On: NotDistributed, If: unplaced, To: Failed, Change: []Change{keepCode}, Do: []Step{DoLeave}},
		{From: []Phase{Verifying}, On: NotVerified, If: unplaced, To: Failed, Change: []Change{keepCode}, Do: []Step{DoLeave}},
		{From: []Phase{Distributing}, On: NotDistributed, To: RollingBack, Change: []Change{keepCode}, Do: []Step{DoContain}},
		{From: []Phase{Verifying}, On: NotVerified, To: RollingBack, Change: []Change{keepCode}, Do: []Step{DoContain}},
		{From: []Phase{Activating}, On: StageInactive, To: RollingBack, Change: []Change{keepCode}, Do: []Step{DoContain}},
		{From: []Phase{Observing, Soaking}, On: JudgedBad, To: RollingBack, Change: []Change{keepCode}, Do: []Step{DoContain}},

		{From: slices.Concat(moving, []Phase{ClosedGood, RollingBack}), On: WentBack, To: RolledBack},
		{From: slices.Concat(moving, []Phase{ClosedGood, RollingBack}), On: NoTargetFound, To: InSafety},
	},
	containing(AskedAbort, Aborted),
	containing(AskedRollback, Aborted),
	containing(WasReplaced, Replaced),
	containing(WasRevoked, Aborted, revoke),
	[]Row{
		{From: []Phase{ClosedGood}, On: AskedRollback, To: RollingBack, Change: []Change{keepCode}, Do: []Step{DoContain}},
		{From: []Phase{ClosedGood}, On: WasRevoked, To: RollingBack, Change: []Change{revoke, keepCode}, Do: []Step{DoContain}},
	},
	stays(ended, WasRevoked, []Change{revoke}),
	stays(slices.Concat(waiting, moving, []Phase{RollingBack}), AskedHold, []Change{addHold}),
	lifts(),
)

// containing makes the rows of an event that ends a release: one that placed nothing
// leaves, and one that did goes back.
func containing(on Happening, end Phase, also ...Change) []Row {
	code := slices.Concat(also, []Change{keepCode})
	before := []Phase{Draft, Checking, AwaitingApproval}
	return slices.Concat([]Row{
		{From: before, On: on, To: end, Change: code},
		{From: slices.Concat([]Phase{Approved}, moving), On: on, If: unplaced, To: end, Change: code, Do: []Step{DoLeave}},
		{From: moving, On: on, If: placed, To: RollingBack, Change: code, Do: []Step{DoContain}},
	}, stays([]Phase{RollingBack}, on, also))
}

func stays(in []Phase, on Happening, change []Change) []Row {
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
	{Draft, nil}, {Checking, nil}, {AwaitingApproval, []Step{DoSeek}}, {Approved, []Step{DoJoin}}, {Distributing, nil},
	{Verifying, []Step{DoVerify}}, {Activating, nil}, {Observing, []Step{DoObserve}}, {Soaking, []Step{DoSoak}}, {RollingBack, nil},
}

func lifts() []Row {
	var rows []Row
	for _, a := range again {
		rows = append(rows, Row{From: []Phase{a.phase}, On: AskedLift, To: a.phase, Change: []Change{liftHold}, Do: a.do})
	}
	return rows
}

func lookup(r Release, in Incident) (Row, bool) {
	for _, row := range table {
		if row.takes(r.Phase, in.Happening) && conditions[row.If](r, in) {
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
