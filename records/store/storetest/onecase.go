package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// again is the Case of the same cause with another number.
func (c *Caser) again(ordinal int) *Caser {
	other := *c
	other.ID = cases.ID(c.Organization, c.Cause, ordinal)
	return &other
}

// opens opens the Case of a number.
func (c *Caser) opens(ordinal int) records.Entry {
	return c.Opened(func(o *cases.Opened) { o.Ordinal = ordinal })
}

// testCaseIsOneOfItsCause opens and reopens Cases of one cause.
func testCaseIsOneOfItsCause(t *testing.T, f fixture) {
	ctx := t.Context()
	first := NewCaser(t, acme, "one")
	second, third := first.again(2), first.again(3)
	refused := func(code cases.Code, e records.Entry) {
		t.Helper()
		var refusal *cases.Refusal
		_, err := f.store.Append(ctx, e)
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, code, refusal.Code)
	}
	end := func(c *Caser) {
		must(f.store.Append(ctx, c.Act("ann", cases.TypeMoved, cases.Moved{To: cases.Cancelled})))(t)
	}
	reopened := func(c *Caser) records.Entry { return c.Act("ann", cases.TypeReopened, cases.Reopened{}) }

	must(f.store.Append(ctx, first.opens(1)))(t)
	refused(cases.CodeCauseOpen, second.opens(2))
	end(first)
	must(f.store.Append(ctx, second.opens(2)))(t)
	refused(cases.CodeCauseOpen, reopened(first))
	require.Equal(t, second.ID, must(f.store.CaseOfCause(ctx, acme, first.Cause))(t).CaseID)
	end(second)
	refused(cases.CodeReopen, reopened(first)) // what happens to the cause goes to the newest
	must(f.store.Append(ctx, reopened(second)))(t)
	refused(cases.CodeCauseOpen, third.opens(3))
	require.Equal(t, cases.Cancelled, must(f.store.Case(ctx, acme, first.ID))(t).Status)
	_, err := f.store.Case(ctx, acme, third.ID)
	require.ErrorIs(t, err, store.ErrNotFound)
	// Another cause, and another organization, have their own.
	must(f.store.Append(ctx, NewCaser(t, acme, "another").opens(1)))(t)
	must(f.store.Append(ctx, NewCaser(t, other, "one").opens(1)))(t)
	requireWhole(t, f.store)
}

// testCasesOfACauseRace has writers that do not see each other begin Cases of one cause.
func testCasesOfACauseRace(t *testing.T, f fixture) {
	ctx := t.Context()
	for round := range 5 {
		cause := NewCaser(t, acme, string(rune('a'+round)))
		var opened atomic.Int64
		var group sync.WaitGroup
		for n := range 8 {
			entry := cause.again(n + 1).opens(n + 1)
			group.Go(func() {
				_, err := f.store.Append(ctx, entry)
				if err == nil {
					opened.Add(1)
					return
				}
				var refusal *cases.Refusal
				if errors.As(err, &refusal) && refusal.Code != cases.CodeCauseOpen {
					t.Errorf("refused with %s", refusal.Code)
				}
			})
		}
		group.Wait()
		require.EqualValues(t, 1, opened.Load())
	}
	requireWhole(t, f.store)
}
