package bypass

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// attempt is one way in which somebody tries to get around separation of duties.
type attempt struct {
	name, by string
	prepare  func(*testing.T, *site) *scene
	try      func(*scene) error
	// code is what the caller is refused with; gone says that there is nobody who
	// would name one. Without either the caller is not refused: see legit.
	code gates.Code
	gone bool
	// legit changes what the attempt may change: a vote that counts as one, say.
	legit func(*standing)
	// trace is the type of the entry that tells of the attempt, and traceCode the code
	// that it bears; if nothing is set, it is a refused action with code. silent says
	// why there is none: then nothing at all was recorded.
	trace     string
	traceCode gates.Code
	silent    string
	serial    bool
	// after is what must still be possible.
	after func(*scene)
}

// Whatever somebody tries: nothing goes forward, and it is seen.
func TestThirtyWaysAround(t *testing.T) {
	s := newSite(t)
	all := slices.Concat(people(), orders(), raw(), workers())
	require.GreaterOrEqual(t, len(all), 30)
	t.Run("all", func(t *testing.T) { // ends before the site does
		for _, a := range all {
			t.Run(a.by+"/"+a.name, func(t *testing.T) {
				if !a.serial {
					t.Parallel()
				}
				a.run(t, s)
			})
		}
	})
}

func (a attempt) run(t *testing.T, s *site) {
	c := a.prepare(t, s)
	require.NoError(t, a.fault(c))
	if a.after != nil {
		a.after(c)
	}
}

// fault makes the attempt, and returns what is wrong with how that ended.
func (a attempt) fault(c *scene) error {
	c.idle()
	before, known := c.standing(), map[string]bool{}
	for _, e := range c.entries() {
		known[e.ID] = true
	}
	err := a.try(c)
	switch {
	case a.gone && err == nil, a.code != "" && codeOf(err) != a.code, !a.gone && a.code == "" && err != nil:
		return fmt.Errorf("the caller was told %v, and not %s", err, a.code)
	}
	c.idle()
	if a.legit != nil {
		a.legit(&before)
	}
	if now := c.standing(); !assert.ObjectsAreEqual(before, now) {
		return fmt.Errorf("something moved: from %+v to %+v", before, now)
	}
	if a.silent != "" {
		return c.heard(known)
	}
	entryType, code := a.trace, a.traceCode
	if entryType == "" {
		entryType, code = records.TypeActionRefused, a.code
	}
	for until := time.Now().Add(10 * time.Second); !told(c.entries(), known, entryType, code); {
		if time.Now().After(until) {
			return fmt.Errorf("no entry tells of it: %s %s", entryType, code)
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
	return nil
}

// heard returns what an attempt that leaves no trace had accepted.
func (s *scene) heard(known map[string]bool) error {
	for _, e := range s.entries() {
		if !known[e.ID] && e.Type == records.TypeActionAccepted {
			return fmt.Errorf("it was accepted: %s", e.Body)
		}
	}
	return nil
}

// The planted faults: attempts that have an effect, or that nothing tells of.
func TestWaysThatLeadSomewhereAreSeen(t *testing.T) {
	s := newSite(t)
	hold := func(c *scene) error { return c.act("eva", release.ActionHold, nil) }
	for says, a := range map[string]attempt{
		"something moved":      {try: approve("dan", 0), prepare: afterCem, trace: records.TypeActionAccepted},
		"the caller was told":  {try: approve("ann", 0), prepare: waits, silent: "nobody looks"},
		"no entry tells of it": {try: approve("ann", 0), prepare: waits, code: gates.ApproverNotSeparate, trace: "orgo.alarm"},
		"it was accepted": {try: hold, prepare: waits, silent: "nobody looks", legit: func(now *standing) {
			now.Held = []release.Hold{{Owner: "eva", Reason: "because"}}
		}},
	} {
		require.ErrorContains(t, a.fault(a.prepare(t, s)), says)
	}
}
