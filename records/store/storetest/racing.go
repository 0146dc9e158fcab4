package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

var racing = map[string]func(*testing.T, fixture){
	"appends of many to one build lose nothing":       testRaceOnBuild,
	"one entry appended by many is stored once":       testRaceOnEntry,
	"of many outputs under a key one is kept":         testRaceOnOutput,
	"a refused append takes no other with it":         testRefusalAmongOthers,
	"a broken build takes no other with it":           testBrokenAmongOthers,
	"stores that take turns see each other's appends": testTurns,
	"appends that share subjects crosswise all end":   testCrosswise,
	"an observer of racing appends sees them ordered": testObserverOrder,
}

// writers is how many goroutines race, over two stores as two processes have.
const writers = 16

// race calls each from many goroutines and returns when all have ended.
func race(t *testing.T, f fixture, each func(s *store.Store, writer int)) {
	t.Helper()
	stores := []*store.Store{f.store, Open(t, f.DSN)}
	var all sync.WaitGroup
	begin := make(chan struct{})
	for writer := range writers {
		all.Go(func() {
			<-begin
			each(stores[writer%len(stores)], writer)
		})
	}
	close(begin)
	all.Wait()
}

func testRaceOnBuild(t *testing.T, f fixture) {
	const each = 10
	b := NewBuilder(t, acme, "race")
	must(f.store.Append(t.Context(), b.Requested(), b.Pinned("p")))(t)
	race(t, f, func(s *store.Store, writer int) {
		for i := range each {
			_, err := s.Append(t.Context(), b.Gate(records.Ingest, 1, fmt.Sprintf("%d/%d", writer, i)),
				b.Gate(records.Ingest, 1, fmt.Sprintf("%d/%d again", writer, i)))
			if err != nil {
				t.Errorf("writer %d: %v", writer, err)
				return
			}
		}
	})
	const total = 2 + 2*each*writers
	stored := must(f.store.Entries(t.Context(), acme, b.Subject(), store.EntryQuery{}))(t)
	require.Len(t, stored, total)
	for i, s := range stored {
		require.EqualValues(t, i+1, s.Sequence)
	}
	require.EqualValues(t, total, must(f.store.Build(t.Context(), acme, b.BuildID))(t).Version)
	requireWhole(t, f.store)
}

func testRaceOnEntry(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "one entry")
	results := make([][]store.Stored, writers)
	race(t, f, func(s *store.Store, writer int) {
		var err error
		if results[writer], err = s.Append(t.Context(), b.Requested(), b.Pinned("p")); err != nil {
			t.Errorf("writer %d: %v", writer, err)
		}
	})
	first := 0
	for _, stored := range results {
		require.Equal(t, []int64{1, 2}, sequences(stored))
		require.Equal(t, stored[0].New, stored[1].New)
		if stored[0].New {
			first++
		}
	}
	require.Equal(t, 1, first)
	requireWhole(t, f.store)
}

func testRaceOnOutput(t *testing.T, f fixture) {
	b := NewBuilder(t, acme, "one output")
	must(f.store.Append(t.Context(), b.Requested(), b.Pinned("p")))(t)
	errs := make([]error, writers)
	race(t, f, func(s *store.Store, writer int) {
		_, errs[writer] = s.Append(t.Context(), b.Finished(records.Ingest, 1, fmt.Sprintf("output %d", writer), 1))
	})
	kept, found, err := f.store.Output(t.Context(), acme, b.Key(records.Ingest, 1))
	require.NoError(t, err)
	require.True(t, found)
	won := 0
	for writer, err := range errs {
		if err == nil {
			won++
			require.Equal(t, b.Finished(records.Ingest, 1, fmt.Sprintf("output %d", writer), 1), kept)
			continue
		}
		var conflict *store.OutputConflict
		require.ErrorAs(t, err, &conflict)
	}
	require.Equal(t, 1, won)
	requireWhole(t, f.store)
}

func testRefusalAmongOthers(t *testing.T, f fixture) {
	const each = 10
	taken := Note(t, acme, "note", "taken", "1")
	must(f.store.Append(t.Context(), taken))(t)
	race(t, f, func(s *store.Store, writer int) {
		subject := fmt.Sprintf("writer %d", writer)
		for i := range each {
			good := Note(t, acme, "note", subject, fmt.Sprint("good ", i))
			if _, err := s.Append(t.Context(), good); err != nil {
				t.Errorf("writer %d: %v", writer, err)
			}
			bad := with(Note(t, acme, "note", subject, fmt.Sprint("bad ", i)), func(e *records.Entry) { e.ID = taken.ID })
			lost := Note(t, acme, "note", subject, fmt.Sprint("lost ", i))
			if _, err := s.Append(t.Context(), lost, bad); !errors.As(err, new(*store.EntryConflict)) {
				t.Errorf("writer %d: %v, not a conflict", writer, err)
			}
		}
	})
	for writer := range writers {
		subject := records.Subject{Kind: "note", ID: fmt.Sprintf("writer %d", writer)}
		stored := must(f.store.Entries(t.Context(), acme, subject, store.EntryQuery{}))(t)
		require.Len(t, stored, each)
		for i, s := range stored {
			require.Equal(t, Note(t, acme, "note", subject.ID, fmt.Sprint("good ", i)), s.Entry)
		}
	}
	requireWhole(t, f.store)
}

// testBrokenAmongOthers breaks the view of one build behind the store.
func testBrokenAmongOthers(t *testing.T, f fixture) {
	broken := NewBuilder(t, acme, "broken")
	must(f.store.Append(t.Context(), broken.Requested(), broken.Pinned("p")))(t)
	_, err := f.Raw.Exec(`UPDATE builds SET view = '{"version":1}' WHERE build_id = '` + broken.BuildID + `'`)
	require.NoError(t, err)

	const each = 10
	fresh := Open(t, f.DSN) // it has not seen the build whole
	var all sync.WaitGroup
	for writer := range writers {
		all.Go(func() {
			for i := range each {
				if (writer+i)%2 == 0 {
					if _, err := fresh.Append(t.Context(), broken.Gate(records.Ingest, 1, fmt.Sprintf("%d/%d", writer, i))); err == nil {
						t.Errorf("writer %d appended to a build whose view is broken", writer)
					}
					continue
				}
				b := NewBuilder(t, acme, fmt.Sprintf("whole %d/%d", writer, i))
				if _, err := fresh.Append(t.Context(), b.Requested(), b.Pinned("p")); err != nil {
					t.Errorf("writer %d: %v", writer, err)
				}
			}
		})
	}
	all.Wait()
	running := store.BuildQuery{States: []records.BuildState{records.BuildRunning}, Limit: store.MaxPage}
	require.Len(t, must2(f.store.Builds(t.Context(), acme, running))(t), writers*each/2+1)
	require.Len(t, must(f.store.Entries(t.Context(), acme, broken.Subject(), store.EntryQuery{}))(t), 2)
}

func testTurns(t *testing.T, f fixture) {
	stores := []*store.Store{f.store, Open(t, f.DSN)}
	b := NewBuilder(t, acme, "turns")
	for i, entries := range b.Life() {
		must(stores[i%2].Append(t.Context(), entries...))(t)
		requireWhole(t, stores[i%2])
	}
}

func testCrosswise(t *testing.T, f fixture) {
	const each = 10
	race(t, f, func(s *store.Store, writer int) {
		for i := range each {
			name := fmt.Sprintf("%d/%d", writer, i)
			pair := []records.Entry{Note(t, acme, "note", "a", name), Note(t, acme, "note", "b", name)}
			if writer%2 == 1 {
				pair[0], pair[1] = pair[1], pair[0]
			}
			if _, err := s.Append(t.Context(), pair...); err != nil {
				t.Errorf("writer %d: %v", writer, err)
			}
		}
	})
	for _, id := range []string{"a", "b"} {
		stored := must(f.store.Entries(t.Context(), acme, records.Subject{Kind: "note", ID: id}, store.EntryQuery{}))(t)
		require.Len(t, stored, each*writers)
	}
	requireWhole(t, f.store)
}

func testObserverOrder(t *testing.T, f fixture) {
	var mu sync.Mutex
	seen := map[string][]int64{}
	watched := Open(t, f.DSN, store.WithObserver(func(s store.Stored) {
		mu.Lock()
		defer mu.Unlock()
		seen[s.Subject.ID] = append(seen[s.Subject.ID], s.Sequence)
	}))
	const each = 10
	var all sync.WaitGroup
	for writer := range writers {
		all.Go(func() {
			for i := range each {
				_, err := watched.Append(t.Context(), Note(t, acme, "note", fmt.Sprint(writer%2), fmt.Sprintf("%d/%d", writer, i)))
				if err != nil {
					t.Errorf("writer %d: %v", writer, err)
				}
			}
		})
	}
	all.Wait()
	require.Len(t, seen, 2)
	for _, order := range seen {
		require.Len(t, order, each*writers/2)
		for i, sequence := range order {
			require.EqualValues(t, i+1, sequence)
		}
	}
}
