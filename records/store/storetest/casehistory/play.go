package casehistory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// The size of a play.
const (
	actors    = 8
	caseCount = 4 // few: actors are to meet
)

var began = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)

// Play has actors do steps things each, at the same time, to the Cases of an organization
// that has none yet, and returns the history of each. What an actor tries follows from the
// seed and from what it has seen. Actors take turns over the stores, which are of one
// database.
func Play(ctx context.Context, seed uint64, steps int, organization string, stores ...Store) ([]History, error) {
	plots := make([]plot, caseCount)
	for i := range plots {
		plots[i] = newPlot(organization, i)
	}
	var ticks atomic.Int64
	var all sync.WaitGroup
	cast := make([]*actor, actors)
	begin := make(chan struct{})
	for i := range cast {
		cast[i] = &actor{
			name: fmt.Sprintf("user:op-%d", i), random: rand.New(rand.NewPCG(seed, uint64(i))), store: stores[i%len(stores)],
			plots: plots, ticks: &ticks, known: make([]knowledge, caseCount),
		}
		all.Go(func() {
			<-begin
			for cast[i].step = range steps {
				cast[i].act(ctx)
			}
		})
	}
	close(begin)
	all.Wait()
	histories := make([]History, caseCount)
	for i := range histories {
		var err error
		if histories[i], err = end(ctx, stores[0], plots[i]); err != nil {
			return nil, err
		}
		for _, a := range cast {
			histories[i].attempts = append(histories[i].attempts, a.known[i].attempts...)
			histories[i].looks = append(histories[i].looks, a.known[i].looks...)
		}
	}
	return histories, nil
}

// end reads what a store has of a Case when all is done.
func end(ctx context.Context, s Store, p plot) (h History, err error) {
	if h.log, err = s.Entries(ctx, p.organization, cases.Subject(p.id), store.EntryQuery{}); err != nil {
		return h, err
	}
	if h.final, err = s.Case(ctx, p.organization, p.id); err != nil && !errors.Is(err, store.ErrNotFound) {
		return h, err
	}
	if h.tasks, _, err = s.Tasks(ctx, p.organization, store.TaskQuery{CaseID: p.id, Limit: store.MaxPage}); err != nil {
		return h, err
	}
	for q := (store.CaseQuery{Limit: 1}); ; {
		page, next, err := s.Cases(ctx, p.organization, q)
		if err != nil {
			return h, err
		}
		for _, c := range page {
			if c.CaseID == p.id {
				h.listed = append(h.listed, c)
			}
		}
		if q.Cursor = next; next == "" {
			return h, nil
		}
	}
}

// plot is a Case that is to be: its cause, and the route that it opens with.
type plot struct {
	organization, id string
	opened           cases.Opened
}

// newPlot makes the plots of a play differ in what their routes ask for.
func newPlot(organization string, number int) plot {
	hour := func(n int) records.Duration { return records.Duration(time.Duration(n) * time.Hour) }
	route := cases.Route{
		Rule: "any", Label: "1000.12.34.Ops", Owners: []cases.Owner{{Kind: cases.Team, ID: "ops"}}, Priority: cases.High, Severity: "SEV3",
		Visibility: cases.Internal, RespondWithin: hour(1) / 4, ResolveWithin: hour(1), ReopenWithin: hour(1) / 2,
		Escalation: []cases.Level{{Owners: []cases.Owner{{Kind: cases.Team, ID: "leads"}}}, {After: hour(1) / 4, Owners: []cases.Owner{{Kind: cases.User, ID: "chief"}}}},
		Tasks:      []cases.Plan{{Key: "look", Type: "look", Title: "Look", DueWithin: hour(1) / 2, ReactWithin: hour(1) / 4}, {Key: "mend", Type: "mend", Title: "Mend"}},
	}
	asked := &cases.Asked{Owner: &cases.Owner{Kind: cases.Team, ID: "reviewers"}, DueWithin: hour(1) / 6}
	switch number % 4 {
	case 0:
		route.CloseCleared, route.CloseBy = true, asked
	case 1:
		route.Review, route.Tasks = true, route.Tasks[:1]
		route.ReviewBy, route.CloseBy = asked, &cases.Asked{DueWithin: hour(1)}
	case 2:
		route.Pauses, route.TaskPauses = []cases.Status{cases.Blocked, cases.WaitingReview}, []cases.TaskStatus{cases.TaskOnHold}
		route.ReopenWithin, route.ReviewBy = hour(1), asked
	case 3:
		route.Review, route.Tasks, route.ReopenWithin = true, nil, hour(3)
		route.CloseCleared, route.CloseBy = true, asked
	}
	cause := cases.Cause{Kind: cases.CauseRequest, ID: fmt.Sprint("plot-", number)}
	return plot{organization: organization, id: cases.ID(organization, cause, 1), opened: cases.Opened{
		Source: cases.SourceManual, Type: "request", Category: cases.Request, Summary: "A plot", Cause: cause, Ordinal: 1, Route: route,
	}}
}
