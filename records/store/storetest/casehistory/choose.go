package casehistory

import (
	"fmt"
	"maps"
	"slices"

	"github.com/initkoa/orgo/records/cases"
)

// choice is something that an actor can do, and how often it does.
type choice struct {
	weight int
	make   func(a *actor, p plot, seen cases.Case) (typ string, body any)
}

var choices = []choice{
	{30, chooseMove},
	{30, chooseTaskMove},
	{5, chooseTask},
	{3, chooseReopening},
	{6, chooseOwners},
	{6, chooseTaskOwner},
	{8, chooseNote},
	{4, chooseCause},
}

// choose picks what the actor does. Who sees that the Case has ended mostly wants it back:
// otherwise little would happen.
func (a *actor) choose(p plot, seen cases.Case) (typ string, body any) {
	if ended(seen.Status) && a.in(60) {
		return chooseReopening(a, p, seen)
	}
	total := 0
	for _, c := range choices {
		total += c.weight
	}
	at := a.random.IntN(total)
	for _, c := range choices {
		if at -= c.weight; at < 0 {
			return c.make(a, p, seen)
		}
	}
	panic("unreachable: the weights are not their sum")
}

// target picks a state to go to: mostly one that the table has, and seldom a bad end.
func target[S ~string](a *actor, moves map[S]map[S]need, from S) S {
	all := slices.Sorted(maps.Keys(moves))
	if a.in(20) || len(moves[from]) == 0 {
		return pick(a, append(all, "DONE"))
	}
	legal := slices.Sorted(maps.Keys(moves[from]))
	to := pick(a, legal)
	if len(moves[to]) == 0 && to != "COMPLETED" && a.in(80) {
		to = pick(a, legal)
	}
	return to
}

// expects is the version that an actor says to have seen: none, the one that it has, or
// one that it is wrong about.
func (a *actor) expects(seen int64) int64 {
	switch {
	case a.in(50):
		return 0
	case a.in(15):
		return max(0, seen+int64(a.random.IntN(5))-2)
	default:
		return seen
	}
}

func (a *actor) words(what string) string {
	if a.in(15) {
		return ""
	}
	return fmt.Sprintf("%s by %s at %d", what, a.name, a.step)
}

func chooseMove(a *actor, _ plot, seen cases.Case) (string, any) {
	body := cases.Moved{To: target(a, caseMoves, seen.Status), Expects: a.expects(seen.Version), Resolution: a.words("resolved")}
	if seen.Status == cases.WaitingReview && a.in(40) {
		body.To = cases.Completed // few come so far: let them be approved, or refused as their own
	}
	return cases.TypeMoved, body
}

// aTask picks a Task of a Case; sometimes there is none of that id.
func aTask(a *actor, p plot, seen cases.Case) cases.Task {
	if len(seen.Tasks) == 0 || a.in(5) {
		return cases.Task{TaskID: cases.TaskID(p.id, "nowhere")}
	}
	t := pick(a, seen.Tasks)
	if endedTask(t.Status) && a.in(80) {
		t = pick(a, seen.Tasks)
	}
	return t
}

func chooseTaskMove(a *actor, p plot, seen cases.Case) (string, any) {
	t := aTask(a, p, seen)
	return cases.TypeTaskMoved, cases.TaskMoved{
		TaskID: t.TaskID, To: target(a, taskMoves, t.Status), Expects: a.expects(t.Version), Resolution: a.words("done"),
	}
}

func chooseTask(a *actor, p plot, _ cases.Case) (string, any) {
	key := fmt.Sprintf("extra-%d", a.random.IntN(8))
	id := cases.TaskID(p.id, key)
	if a.in(5) {
		id = cases.TaskID(p.id, "nowhere")
	}
	return cases.TypeTaskOpened, cases.TaskOpened{TaskID: id, Source: cases.SourceManual, Plan: cases.Plan{Key: key, Type: "extra", Title: "Do it"}}
}

func chooseReopening(a *actor, _ plot, seen cases.Case) (string, any) {
	return cases.TypeReopened, cases.Reopened{Expects: a.expects(seen.Version)}
}

func anOwner(a *actor) cases.Owner {
	return cases.Owner{Kind: cases.User, ID: fmt.Sprintf("%s-%d", a.name, a.step)}
}

func chooseOwners(a *actor, _ plot, seen cases.Case) (string, any) {
	body := cases.Assigned{Expects: a.expects(seen.Version), Owners: []cases.Owner{anOwner(a)}}
	if a.in(10) {
		body.Owners = nil
	}
	return cases.TypeAssigned, body
}

func chooseTaskOwner(a *actor, p plot, seen cases.Case) (string, any) {
	t := aTask(a, p, seen)
	body := cases.TaskAssigned{TaskID: t.TaskID, Expects: a.expects(t.Version), Owner: anOwner(a)}
	if a.in(10) {
		body.Owner = cases.Owner{}
	}
	return cases.TypeTaskOwned, body
}

// chooseNote says something, of the Case, of a Task, or by a reference.
func chooseNote(a *actor, p plot, seen cases.Case) (string, any) {
	switch a.random.IntN(3) {
	case 0:
		return cases.TypeCommented, cases.Commented{Text: a.words("said")}
	case 1:
		return cases.TypeTaskNoted, cases.TaskCommented{TaskID: aTask(a, p, seen).TaskID, Text: a.words("said")}
	default:
		return cases.TypeLinked, cases.Linked{Ref: cases.Ref{Type: "url", Ref: a.words("linked")}}
	}
}

// chooseCause says that the cause was met again, or is gone.
func chooseCause(a *actor, _ plot, _ cases.Case) (string, any) {
	if a.in(50) {
		return cases.TypeRecurred, cases.Recurred{}
	}
	return cases.TypeCleared, cases.ClearedBy{}
}
