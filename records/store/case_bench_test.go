package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

// BenchmarkCases measures pages of lists, and transitions, in a store of ORGO_BENCH_CASES
// Cases, or 2,000, each with three Tasks. The ratio of a list is that of its median to
// the median of the same list in a store of 1,000 Cases; that of a transition is to the
// append of an entry that folds into nothing. Commits on SQLite are on disk when they
// return; those on the Postgres of tests are not, on either side of the ratio.
func BenchmarkCases(b *testing.B) {
	for _, database := range benchDatabases {
		b.Run(database.name, func(b *testing.B) {
			small := populate(b, database.open(b), benchSmall)
			full := populate(b, database.open(b), populationSize(b))
			for _, list := range caseLists {
				b.Run("list="+list.name, func(b *testing.B) { benchmarkList(b, full, small, list) })
			}
			b.Run("transition", func(b *testing.B) { benchmarkTransition(b, full) })
		})
	}
}

// caseList is a list that people ask for; the number makes pages differ.
type caseList struct {
	name string
	page func(ctx context.Context, p *population, number int) (rows int, err error)
}

var caseLists = []caseList{
	{"newest", ofCases(func(*population, int) store.CaseQuery { return store.CaseQuery{} })},
	{"open", ofCases(func(*population, int) store.CaseQuery { return store.CaseQuery{Open: true} })},
	{"status", ofCases(func(*population, int) store.CaseQuery {
		return store.CaseQuery{Statuses: []cases.Status{cases.WaitingReview}} // of which there are few
	})},
	{"severity", ofCases(func(_ *population, n int) store.CaseQuery {
		return store.CaseQuery{Open: true, Severities: []string{fmt.Sprint("SEV", n%4+1)}}
	})},
	{"label", ofCases(func(_ *population, n int) store.CaseQuery {
		return store.CaseQuery{Label: fmt.Sprintf("1000.%d.", 10+n%90)}
	})},
	{"no-such-label", ofCases(func(*population, int) store.CaseQuery { return store.CaseQuery{Label: "2000."} })},
	{"cause", ofCases(func(p *population, n int) store.CaseQuery { return store.CaseQuery{Cause: causeOf(n * 7919 % p.size)} })},
	{"mine", ofCases(func(_ *population, n int) store.CaseQuery { return store.CaseQuery{Open: true, Owners: mine(n)} })},
	{"operators", ofCases(func(_ *population, n int) store.CaseQuery { return store.CaseQuery{Open: true, Owners: operators(n)} })},
	{"operators-status", ofCases(func(_ *population, n int) store.CaseQuery {
		return store.CaseQuery{Statuses: []cases.Status{cases.WaitingReview}, Owners: operators(n)}
	})},
	{"mine-due", ofCases(func(p *population, n int) store.CaseQuery {
		return store.CaseQuery{Open: true, Owners: mine(n), DueBefore: p.between(n), Order: store.DueFirst}
	})},
	{"due", ofCases(func(p *population, n int) store.CaseQuery {
		return store.CaseQuery{Open: true, DueBefore: p.between(n), Order: store.DueFirst}
	})},
	{"deep-page", ofCases(func(p *population, n int) store.CaseQuery { return store.CaseQuery{Open: true, Cursor: p.cursor(n)} })},
	{"tasks-newest", ofTasks(func(*population, int) store.TaskQuery { return store.TaskQuery{Open: true} })},
	{"tasks-mine", ofTasks(func(_ *population, n int) store.TaskQuery { return store.TaskQuery{Open: true, Owners: mine(n)} })},
	{"tasks-mine-due", ofTasks(func(p *population, n int) store.TaskQuery {
		return store.TaskQuery{Open: true, Owners: mine(n), DueBefore: p.between(n), Order: store.DueFirst}
	})},
	{"tasks-operators-due", ofTasks(func(p *population, n int) store.TaskQuery {
		return store.TaskQuery{Open: true, Owners: operators(n), DueBefore: p.between(n), Order: store.DueFirst}
	})},
	{"tasks-of-case", ofTasks(func(p *population, n int) store.TaskQuery {
		return store.TaskQuery{CaseID: caseID(n * 7919 % p.size)}
	})},
}

// ofCases reads the first page of a list of Cases.
func ofCases(query func(p *population, number int) store.CaseQuery) func(context.Context, *population, int) (int, error) {
	return func(ctx context.Context, p *population, number int) (int, error) {
		page, _, err := p.store.Cases(ctx, records.DefaultOrganization, query(p, number))
		return len(page), err
	}
}

func ofTasks(query func(p *population, number int) store.TaskQuery) func(context.Context, *population, int) (int, error) {
	return func(ctx context.Context, p *population, number int) (int, error) {
		page, _, err := p.store.Tasks(ctx, records.DefaultOrganization, query(p, number))
		return len(page), err
	}
}

func causeOf(number int) *cases.Cause {
	return &cases.Cause{Kind: cases.CauseBuild, ID: fmt.Sprint("population-", number)}
}

func caseID(number int) string { return cases.ID(records.DefaultOrganization, *causeOf(number), 1) }

// mine are a user and their teams.
func mine(number int) []cases.Owner {
	return []cases.Owner{benchUser(number), benchTeam(number), benchTeam(number + 7)}
}

// operators are a user and the team that most things go to.
func operators(number int) []cases.Owner { return []cases.Owner{benchUser(number), benchOperators} }

// between is a time at which some of the Cases are due, and others are not yet.
func (p *population) between(number int) time.Time {
	return benchBegan.Add(time.Duration(p.size*(number%10+1)/10) * benchApart)
}

// cursor is where a page deep in the list begins.
func (p *population) cursor(number int) string { return p.deep[number%len(p.deep)] }

func benchmarkList(b *testing.B, full, small *population, list caseList) {
	rows := 0
	measure := func(p *population) latencies {
		rows = 0
		return timed(b, b.N, func(number int) func() error {
			return func() error {
				n, err := list.page(b.Context(), p, number)
				rows += n
				return err
			}
		})
	}
	baseline := measure(small)
	measure(full).report(b, baseline)
	b.ReportMetric(float64(rows)/float64(b.N), "rows")
}

// benchmarkTransition takes open Cases to and fro, each from the version that it has.
func benchmarkTransition(b *testing.B, p *population) {
	var open []int
	for number := range p.size {
		if openCase(number) {
			open = append(open, number)
		}
	}
	appending := func(e records.Entry) func() error {
		return func() error {
			_, err := p.store.Append(b.Context(), e)
			return err
		}
	}
	// They take turns, so that both meet the same machine.
	var baseline latencies
	measured := timed(b, b.N, func(i int) func() error {
		number := open[i*7919%len(open)]
		note := storetest.Note(b, records.DefaultOrganization, "note", fmt.Sprint(number), fmt.Sprintf("%d of %d", i, b.N))
		baseline = append(baseline, timed(b, 1, func(int) func() error { return appending(note) })...)
		seen, err := p.store.Case(b.Context(), records.DefaultOrganization, caseID(number))
		require.NoError(b, err)
		move := cases.Moved{To: cases.InProgress, Expects: seen.Version}
		if seen.Status == cases.InProgress {
			move.To = cases.Blocked
		}
		by := cases.Act{Actor: "user:bench", Reason: "measured", At: seen.UpdatedAt.Add(time.Second), Key: fmt.Sprint(seen.Version)}
		entry, err := cases.Entry(records.DefaultOrganization, seen.CaseID, cases.TypeMoved, by, move)
		require.NoError(b, err)
		return appending(entry)
	})
	slices.Sort(baseline)
	measured.report(b, baseline)
}
