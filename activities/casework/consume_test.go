package casework_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/casework"
	"github.com/initkoa/orgo/activities/follow"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/gatestest"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

const organization = records.DefaultOrganization

var began = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)

// builtIn routes by the rules that are built in.
type builtIn struct{}

func (builtIn) Routing(context.Context, string, records.Correlation, time.Time) (routing.Rules, error) {
	return routing.BuiltIn(), nil
}

// unsteady is a store whose appends fail now and then, some of them after they were
// stored.
type unsteady struct {
	*store.Store
	random *rand.Rand
}

func (u unsteady) Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error) {
	switch u.random.IntN(20) {
	case 0:
		return nil, errors.New("the database is away")
	case 1:
		stored, err := u.Store.Append(ctx, entries...)
		return stored, errors.Join(err, errors.New("the connection broke"))
	}
	return u.Store.Append(ctx, entries...)
}

// counted counts what a consumer could not do.
type counted struct{ failed int }

func (c *counted) Consumed(_ string, failed bool) {
	if failed {
		c.failed++
	}
}

func (c *counted) Behind(string, int64) {}

func opened(t *testing.T) *store.Store {
	t.Helper()
	s := storetest.Open(t, "sqlite://"+filepath.Join(t.TempDir(), "orgo.db"))
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

func entry(t *testing.T, typ string, subject records.Subject, about records.Correlation, at time.Time, body any, codes ...string) records.Entry {
	t.Helper()
	e, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: typ, Subject: subject, At: at, Actor: records.SystemActor,
		Correlation: about, Codes: codes,
	}, typ, body)
	require.NoError(t, err)
	return e
}

// consume has everything in the log consumed under a name, however often that fails.
func consume(t *testing.T, s *store.Store, log casework.Log, name string) (failed int) {
	t.Helper()
	signer, _ := storetest.LogKey(t)
	require.NoError(t, storetest.Sequencer(t, s, signer, nil).Drain(t.Context()))
	count := &counted{}
	f, err := follow.New(follow.Options{
		Name: name, Log: s, Observer: count, Logger: slog.New(slog.DiscardHandler),
		Consumer: casework.Consumer{Log: log, Router: builtIn{}, Logger: slog.New(slog.DiscardHandler)},
	})
	require.NoError(t, err)
	for f.Pass(t.Context()) != nil {
		require.NoError(t, t.Context().Err())
	}
	return count.failed
}

// bad is something that ended badly, and who has to see to it.
type bad struct {
	cause cases.Cause
	code  gates.Code
	owner string
}

// codes that builds and releases end with, and the team that each is to go to.
var (
	buildCodes = map[gates.Code]string{
		gates.ValidationFailed: "publishers", gates.InputUnparsable: "publishers", gates.StageOutputConflict: "runner-owners",
		gates.RunnerUnavailable: "operators", gates.PolicyInvalid: "policy-owners", gates.DigestMismatch: "operators",
	}
	releaseCodes = map[gates.Code]string{gates.MetricOutOfBounds: "", gates.PackUnverified: "operators", gates.ActivationFailed: "operators"}
)

func pick[K ~string, V any](random *rand.Rand, of map[K]V) K {
	var keys []K
	for k := range of {
		keys = append(keys, k)
	}
	// In an order, so that the seed says which.
	for i := range keys {
		for j := i + 1; j < len(keys); j++ {
			if keys[j] < keys[i] {
				keys[i], keys[j] = keys[j], keys[i]
			}
		}
	}
	return keys[random.IntN(len(keys))]
}

// endBadly appends so many random blocked or failed builds and failed releases.
func endBadly(t *testing.T, s *store.Store, random *rand.Rand, n int) []bad {
	t.Helper()
	var all []bad
	for i := range n {
		at := began.Add(time.Duration(i) * time.Second)
		if random.IntN(3) == 0 {
			id := records.ReleaseID(organization, fmt.Sprint(i))
			code := pick(random, releaseCodes)
			after := []rollout.Phase{rollout.PhaseFailed, rollout.PhaseIneligible, rollout.PhaseRollingBack}[random.IntN(3)]
			_, err := s.Append(t.Context(), entry(t, release.TypeReleaseMoved, records.ReleaseSubject(id), records.Correlation{ReleaseID: id, Channel: "staging/stable"}, at,
				release.Moved{Event: "judged_bad", Before: string(rollout.PhaseObserving), After: string(after)}, string(code)))
			require.NoError(t, err)
			all = append(all, bad{cases.Cause{Kind: cases.CauseRelease, ID: id}, code, releaseCodes[code]})
			continue
		}
		b := storetest.NewBuilder(t, organization, fmt.Sprint(i))
		b.At = at
		code := pick(random, buildCodes)
		entries := []records.Entry{b.Requested()}
		if random.IntN(2) == 0 {
			entries = append(entries, b.Pinned("p"), b.Waiting(records.Validate, string(code)))
		}
		state, typ := records.BuildBlocked, records.TypeBuildBlocked
		if random.IntN(2) == 0 {
			state, typ = records.BuildFailed, records.TypeBuildFailed
		}
		entries = append(entries, entry(t, typ, b.Subject(), records.Correlation{BuildID: b.BuildID, Stage: records.Validate}, at,
			records.BuildEnded{State: state, Stage: records.Validate, Record: records.DigestOf([]byte("record"))}, string(code)))
		_, err := s.Append(t.Context(), entries...)
		require.NoError(t, err)
		all = append(all, bad{cases.Cause{Kind: cases.CauseBuild, ID: b.BuildID}, code, buildCodes[code]})
	}
	return all
}

// everyCase reads all Cases.
func everyCase(t *testing.T, s *store.Store) map[cases.Cause][]cases.Case {
	t.Helper()
	found := map[cases.Cause][]cases.Case{}
	for q := (store.CaseQuery{Limit: store.MaxPage}); ; {
		page, next, err := s.Cases(t.Context(), organization, q)
		require.NoError(t, err)
		for _, c := range page {
			found[c.Cause] = append(found[c.Cause], c)
		}
		if q.Cursor = next; next == "" {
			return found
		}
	}
}

// TestEverythingThatEndsBadlyHasOneCase ends a thousand builds and releases badly while
// the database comes and goes, and has all of it consumed twice.
func TestEverythingThatEndsBadlyHasOneCase(t *testing.T) {
	t.Parallel()
	s := opened(t)
	random := rand.New(rand.NewPCG(1, 6))
	all := endBadly(t, s, random, gatestest.Cases(t, 1000))
	failed := consume(t, s, unsteady{s, random}, "first")
	require.Positive(t, failed, "the database was to come and go")

	check := func() map[cases.Cause][]cases.Case {
		found := everyCase(t, s)
		require.Len(t, found, len(all))
		for _, b := range all {
			require.Len(t, found[b.cause], 1, b.cause)
			c := found[b.cause][0]
			require.False(t, c.Status.Terminal())
			require.Equal(t, 1, c.Occurrences, b.cause)
			require.Equal(t, []string{string(b.code)}, c.Codes)
			require.NotEmpty(t, c.Route.Severity)
			if b.owner != "" {
				require.Equal(t, b.owner, c.Owners[0].ID, "%s of %s", b.code, b.cause)
			}
		}
		return found
	}
	before := check()
	require.Zero(t, consume(t, s, s, "first"))
	require.Zero(t, consume(t, s, s, "again, from the beginning"))
	require.Equal(t, before, check(), "the same again changes nothing")
	differences, err := s.VerifyReadModel(t.Context())
	require.NoError(t, err)
	require.Empty(t, differences)
}

// A consumer that forgets what it did is found.
func TestACaseThatIsOpenedTwiceIsFound(t *testing.T) {
	t.Parallel()
	s := opened(t)
	endBadly(t, s, rand.New(rand.NewPCG(1, 6)), 20)
	consume(t, s, s, "first")
	consume(t, s, forgetful{s}, "again, and forgetful")
	twice := 0
	for _, of := range everyCase(t, s) {
		if len(of) > 1 || of[0].Occurrences > 1 {
			twice++
		}
	}
	require.Positive(t, twice)
}

// forgetful does not know which entry opened a Case.
type forgetful struct{ *store.Store }

func (f forgetful) CaseOfCause(ctx context.Context, organization string, cause cases.Cause) (cases.Case, error) {
	c, err := f.Store.CaseOfCause(ctx, organization, cause)
	c.Origin = ""
	return c, err
}

// A build that passes after all has its Case closed by its route, and one that fails
// after its Case was closed has another, or the same again.
func TestACaseFollowsItsBuild(t *testing.T) {
	t.Parallel()
	s := opened(t)
	b := storetest.NewBuilder(t, organization, "retried")
	b.At = began
	_, err := s.Append(t.Context(), b.Requested(), b.Pinned("p"), b.Waiting(records.Validate, string(gates.ValidationFailed)))
	require.NoError(t, err)
	consume(t, s, s, "cases")
	cause := cases.Cause{Kind: cases.CauseBuild, ID: b.BuildID}
	c, err := s.CaseOfCause(t.Context(), organization, cause)
	require.NoError(t, err)
	require.Equal(t, cases.TaskInvestigate, c.Tasks[0].Key)
	require.Equal(t, began.UTC().Year(), c.CreatedAt.Year())

	b.At = began.Add(time.Minute)
	_, err = s.Append(t.Context(), b.Retry(records.Validate, 2), b.Passed())
	require.NoError(t, err)
	consume(t, s, s, "cases")
	c, err = s.CaseOfCause(t.Context(), organization, cause)
	require.NoError(t, err)
	require.Equal(t, cases.TaskCompleted, c.Tasks[0].Status)
	require.NotNil(t, c.Cleared)
	require.Equal(t, c.Route.CloseCleared, c.Status == cases.Completed)
}

// A break-glass is reviewed by a Task that has an owner and is due when the review is; the
// review completes it, also when somebody has put it on hold.
func TestAReviewIsATaskThatTheReviewCompletes(t *testing.T) {
	t.Parallel()
	s := opened(t)
	id := "5f0c1c5e-0000-8000-8000-00000000000e"
	subject, about := records.ReleaseSubject(id), records.Correlation{ReleaseID: id, Channel: "production/stable"}
	glass := release.BreakGlass{
		Reason: "outage", Gates: []string{"freeze"}, By: []string{"ann", "bob"}, OpenedAt: began, ExpiresAt: began.Add(time.Hour), ReviewBy: began.Add(50 * time.Hour),
	}
	_, err := s.Append(t.Context(), entry(t, release.TypeGlassConfirmed, subject, about, began, glass))
	require.NoError(t, err)
	consume(t, s, s, "cases")
	cause := cases.Cause{Kind: cases.CauseBreakGlass, ID: id + "/" + began.Format(time.RFC3339Nano)}
	c, err := s.CaseOfCause(t.Context(), organization, cause)
	require.NoError(t, err)
	review := c.Keyed(cases.TaskReview)
	require.NotEmpty(t, review.Owner.ID)
	require.Equal(t, glass.ReviewBy, *review.Due.Due)

	hold, err := cases.Entry(organization, c.CaseID, cases.TypeTaskMoved, cases.Act{Actor: "ann", Reason: "not today", At: began.Add(time.Hour), Key: "hold"},
		cases.TaskMoved{TaskID: review.TaskID, To: cases.TaskOnHold})
	require.NoError(t, err)
	_, err = s.Append(t.Context(), hold)
	require.NoError(t, err)
	glass.Reviewed = []byte(`{"by":"carl"}`)
	_, err = s.Append(t.Context(), entry(t, release.TypeGlassReviewed, subject, about, began.Add(2*time.Hour), glass))
	require.NoError(t, err)
	for _, name := range []string{"cases", "cases again"} { // handed over again it changes nothing
		consume(t, s, s, name)
		c, err = s.Case(t.Context(), organization, c.CaseID)
		require.NoError(t, err)
		require.Equal(t, cases.TaskCompleted, c.Keyed(cases.TaskReview).Status)
		require.NotNil(t, c.Cleared)
		require.Equal(t, 1, c.Occurrences)
		moves, err := s.Entries(t.Context(), organization, cases.Subject(c.CaseID), store.EntryQuery{Types: []string{cases.TypeTaskMoved}})
		require.NoError(t, err)
		require.Len(t, moves, 3, "put on hold, taken up, completed")
	}
}

// stopped is a clock that shows one time.
type stopped time.Time

func (s stopped) Now() time.Time { return time.Time(s) }

// That a review is overdue is in the log, before anybody is refused another break-glass.
func TestAReviewThatIsOverdueEscalates(t *testing.T) {
	t.Parallel()
	s := opened(t)
	id := "5f0c1c5e-0000-8000-8000-00000000000f"
	glass := release.BreakGlass{Reason: "outage", Gates: []string{"freeze"}, By: []string{"ann", "bob"}, OpenedAt: began, ReviewBy: began.Add(50 * time.Hour)}
	_, err := s.Append(t.Context(), entry(t, release.TypeGlassConfirmed, records.ReleaseSubject(id), records.Correlation{ReleaseID: id}, began, glass))
	require.NoError(t, err)
	consume(t, s, s, "cases")
	c, err := s.CaseOfCause(t.Context(), organization, cases.Cause{Kind: cases.CauseBreakGlass, ID: id + "/" + began.Format(time.RFC3339Nano)})
	require.NoError(t, err)
	late := func(at time.Time) (reviews int) {
		_, err := casework.New(s, stopped(at)).Look(t.Context(), casework.LookInput{Organization: organization, CaseID: c.CaseID})
		require.NoError(t, err)
		told, err := s.Entries(t.Context(), organization, cases.Subject(c.CaseID), store.EntryQuery{Types: []string{cases.TypeTaskLate}})
		require.NoError(t, err)
		for _, e := range told {
			var body cases.Escalated
			require.NoError(t, json.Unmarshal(e.Body, &body))
			if body.Deadline.Kind == cases.DueTask && body.Deadline.TaskID == c.Keyed(cases.TaskReview).TaskID {
				reviews++
			}
		}
		return reviews
	}
	require.Zero(t, late(glass.ReviewBy.Add(-time.Second)))
	require.Equal(t, 1, late(glass.ReviewBy))
	require.Equal(t, 1, late(glass.ReviewBy), "once")
}
