package store_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

// What a population of Cases is made of, and how it is loaded.
const (
	benchSmall    = 1_000
	benchTeams    = 50
	benchUsers    = 200
	benchTasks    = 3           // of a Case
	benchEnded    = 70          // of a hundred
	benchReviewed = 997         // one of so many waits for a review
	benchApart    = time.Minute // from one Case to the next
	benchTogether = 100         // Cases in an append
	benchLoaders  = 4           // appends at once
	benchProgress = 10_000      // Cases from one line of progress to the next
)

var benchBegan = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// population is a store with Cases.
type population struct {
	db    storetest.Database
	store *store.Store
	size  int
	deep  []string // cursors of pages in the second half of the open Cases
}

// populationSize is ORGO_BENCH_CASES, or 2,000.
func populationSize(b *testing.B) int {
	text, set := os.LookupEnv("ORGO_BENCH_CASES")
	if !set {
		return 2 * benchSmall
	}
	size, err := strconv.Atoi(text)
	require.NoError(b, err, "ORGO_BENCH_CASES")
	return size
}

// populate opens Cases, each with its Tasks, and takes them to where they are, through
// appends as everything else does.
func populate(b *testing.B, db storetest.Database, size int) *population {
	p := &population{db: db, store: storetest.Open(b, db.DSN), size: size}
	require.NoError(b, p.store.Migrate(b.Context()))
	began := time.Now()
	var group errgroup.Group
	group.SetLimit(benchLoaders)
	for first := 0; first < size; first += benchTogether {
		group.Go(func() error {
			var entries []records.Entry
			for number := first; number < min(first+benchTogether, size); number++ {
				entries = append(entries, lifeOf(b, number)...)
			}
			_, err := p.store.Append(b.Context(), entries...)
			return err
		})
		if first%benchProgress == 0 {
			fmt.Fprintf(os.Stderr, "%8d of %d cases after %s\n", first, size, time.Since(began).Round(time.Second))
		}
	}
	require.NoError(b, group.Wait())
	fmt.Fprintf(os.Stderr, "%8d of %d cases after %s, %.0f/s\n", size, size, time.Since(began).Round(time.Second), float64(size)/time.Since(began).Seconds())
	if strings.HasPrefix(db.DSN, "postgres") {
		// What autovacuum does within minutes: whether it has yet is not to be luck.
		_, err := db.Raw.Exec(`VACUUM ANALYZE`)
		require.NoError(b, err)
	}
	p.deep = deepCursors(b, p.store)
	return p
}

func deepCursors(b *testing.B, s *store.Store) []string {
	var all []string
	for q := (store.CaseQuery{Open: true}); ; {
		_, next, err := s.Cases(b.Context(), records.DefaultOrganization, q)
		require.NoError(b, err)
		if next == "" {
			return all[len(all)/2:]
		}
		q.Cursor, all = next, append(all, next)
	}
}

// caserOf returns the maker of the entries of the Case of a number.
func caserOf(b testing.TB, number int) *storetest.Caser {
	c := storetest.NewCaser(b, records.DefaultOrganization, fmt.Sprint("population-", number))
	c.At = benchBegan.Add(time.Duration(number) * benchApart)
	return c
}

// openCase reports whether the Case of a number is open, and has not moved since it was
// opened.
func openCase(number int) bool { return number%100 >= benchEnded && number%benchReviewed != 0 }

// lifeOf are the entries of the Case of a number.
func lifeOf(b testing.TB, number int) []records.Entry {
	c := caserOf(b, number)
	life := []records.Entry{c.Opened(func(o *cases.Opened) { routeOf(number, o) })}
	act := func(body cases.Moved) { life = append(life, c.Act("user:loader", cases.TypeMoved, body)) }
	switch {
	case number%benchReviewed == 0:
		act(cases.Moved{To: cases.InProgress})
		act(cases.Moved{To: cases.WaitingReview, Resolution: "mended"})
	case !openCase(number):
		act(cases.Moved{To: cases.Cancelled})
	}
	return life
}

// routeOf spreads Cases over owners, labels, severities and deadlines.
func routeOf(number int, o *cases.Opened) {
	severity := number*7%4 + 1
	o.Type = []string{"build_blocked", "release_failed", "drift", "approval", "request"}[number*3%5]
	o.Route.Owners = []cases.Owner{benchTeam(number * 11), benchUser(number * 13)}
	if number%2 == 0 {
		o.Route.Owners[0] = benchOperators // as most rules have it
	}
	o.Route.Severity = fmt.Sprint("SEV", severity)
	o.Route.Priority = cases.Priorities()[4-severity]
	o.Route.Label = fmt.Sprintf("1000.%d.%d.Ops", 10+number*17%90, severity)
	o.Route.RespondWithin = records.Duration(time.Duration(1+number*19%48) * time.Hour)
	o.Route.ResolveWithin = records.Duration(time.Duration(48+number*23%200) * time.Hour)
	o.Route.Tasks = nil
	for n := range benchTasks {
		owner := benchUser(number*29 + n)
		if n == benchTasks-1 {
			owner = o.Route.Owners[0]
		}
		o.Route.Tasks = append(o.Route.Tasks, cases.Plan{
			Key: fmt.Sprint("task-", n), Type: "work", Title: fmt.Sprint("Work ", n), Owner: &owner,
			DueWithin: records.Duration(time.Duration(4+number*31%100) * time.Hour), ReactWithin: records.Duration(time.Hour),
		})
	}
}

// benchOperators own half of all.
var benchOperators = cases.Owner{Kind: cases.Team, ID: "operators"}

func benchTeam(n int) cases.Owner {
	return cases.Owner{Kind: cases.Team, ID: fmt.Sprint("team-", n%benchTeams)}
}

func benchUser(n int) cases.Owner {
	return cases.Owner{Kind: cases.User, ID: fmt.Sprint("user-", n%benchUsers)}
}
