package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

const (
	chaosWriters   = 50
	chaosConsumers = 3
)

// chaosEvents is how many events are written: ORGO_CHAOS_EVENTS, or a number that
// takes seconds.
func chaosEvents(t *testing.T) int {
	text := os.Getenv("ORGO_CHAOS_EVENTS")
	if text == "" {
		return 10_000
	}
	events, err := strconv.Atoi(text)
	require.NoError(t, err)
	return events
}

// TestEveryConsumerSeesEveryLeafOnce writes events with many writers while
// connections are cut and the server crashes, with two sequencers of which either
// may be the one. Each consumer must see every leaf once, in order. A control
// consumer reads the same entries by an auto-increment number instead, and must
// miss some: it shows that the test can see a gap.
func TestEveryConsumerSeesEveryLeafOnce(t *testing.T) {
	t.Parallel()
	dsn, crash := storetest.RestartingPostgres(t)
	var servers []*store.Store
	for range 2 {
		server, err := store.Open(t.Context(), dsn)
		require.NoError(t, err)
		defer server.Close() // which may find that its connections were cut
		servers = append(servers, server)
	}
	require.NoError(t, servers[0].Migrate(t.Context()))
	raw, err := sql.Open("postgres", dsn)
	require.NoError(t, err)
	defer raw.Close()
	_, err = raw.Exec(`CREATE TABLE control (id bigserial PRIMARY KEY, entry_id text);
		CREATE FUNCTION control() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN INSERT INTO control (entry_id) VALUES (NEW.entry_id); RETURN NEW; END $$;
		CREATE TRIGGER control AFTER INSERT ON entries FOR EACH ROW EXECUTE FUNCTION control()`)
	require.NoError(t, err)

	events := chaosEvents(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	signer, _ := storetest.LogKey(t)
	var background, consuming, writing sync.WaitGroup
	for _, server := range servers {
		background.Go(func() { storetest.Sequencer(t, server, signer, nil).Run(ctx) })
		background.Go(func() { server.Listen(ctx) })
	}

	var cuts, crashes, retries, written atomic.Int64
	background.Go(func() {
		random := rand.New(rand.NewPCG(1, 1))
		// The first crash comes at once: a fast machine is done before a second is over.
		pace := time.NewTicker(50 * time.Millisecond)
		defer pace.Stop()
		for last := time.Now().Add(-time.Hour); ctx.Err() == nil && written.Load() < int64(events); <-pace.C {
			_, err := raw.ExecContext(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = 'test' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1`)
			if err == nil {
				cuts.Add(1)
			}
			if time.Since(last) > time.Duration(1500+random.IntN(2000))*time.Millisecond {
				crash()
				crashes.Add(1)
				last = time.Now()
			}
		}
	})

	consumers := make([]map[string]int, chaosConsumers)
	for i := range consumers {
		consumers[i] = map[string]int{}
		consuming.Go(func() { consume(t, ctx, servers[i%len(servers)], consumers[i], events) })
	}
	control := map[string]bool{}
	var passed atomic.Int64 // the number that the control is at
	background.Go(func() { consumeControl(ctx, raw, control, &passed) })

	for w := range chaosWriters {
		writing.Go(func() {
			for n := w; n < events; n += chaosWriters {
				entry := storetest.Note(t, crashOrganization, "note", fmt.Sprint(w), fmt.Sprint(n))
				for {
					_, err := servers[w%len(servers)].Append(ctx, entry)
					if err == nil {
						break
					}
					var unavailable *store.Unavailable
					if !errors.As(err, &unavailable) {
						t.Errorf("event %d: %v", n, err)
						break
					}
					retries.Add(1)
					if !assert.Eventually(t, func() bool { return servers[w%len(servers)].Ping(ctx) == nil }, time.Minute, 5*time.Millisecond) {
						return
					}
				}
				written.Add(1)
			}
		})
	}
	writing.Wait()
	consuming.Wait()
	// The control gets all the time that it needs: it is past the last number.
	require.Eventually(t, func() bool {
		var last int64
		err := raw.QueryRow(`SELECT max(id) FROM control`).Scan(&last)
		return err == nil && passed.Load() >= last
	}, time.Minute, time.Millisecond)
	stop()
	background.Wait()

	t.Logf("%d events, %d connections cut, %d crashes, %d appends tried again; the control saw %d",
		events, cuts.Load(), crashes.Load(), retries.Load(), len(control))
	for i, seen := range consumers {
		require.Len(t, seen, events, "consumer %d", i)
		for id, times := range seen {
			require.Equal(t, 1, times, "consumer %d, entry %s", i, id)
		}
	}
	require.Positive(t, cuts.Load())
	require.Positive(t, crashes.Load())
	require.Less(t, len(control), events, "the control missed nothing: this test could not see a gap")
	size, err := servers[0].LogSize(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, events, size, "nothing is in the log twice")
}

// consume reads the log until it has seen as many events as there are to be. All
// are of one organization, so that leaves have no gaps.
func consume(t *testing.T, ctx context.Context, s *store.Store, seen map[string]int, events int) {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	var next int64
	for len(seen) < events && ctx.Err() == nil {
		sequenced := s.Sequenced()
		leaves, after, err := s.Leaves(ctx, crashOrganization, next, 500)
		if err != nil || len(leaves) == 0 {
			select {
			case <-sequenced:
			case <-again.C: // the database may have been away
			case <-ctx.Done():
			}
			continue
		}
		for _, leaf := range leaves {
			if leaf.Number != next {
				t.Errorf("leaf %d came where %d was due", leaf.Number, next)
				return
			}
			next = leaf.Number + 1
			seen[leaf.ID]++
		}
		if after != next {
			t.Errorf("the cursor is %d after leaf %d", after, next-1)
			return
		}
	}
}

// consumeControl reads the entries by the number that they were given when they
// were inserted, and so passes over those whose transaction ended later.
func consumeControl(ctx context.Context, raw *sql.DB, seen map[string]bool, passed *atomic.Int64) {
	for ctx.Err() == nil {
		rows, err := raw.QueryContext(ctx, `SELECT id, entry_id FROM control WHERE id > $1 ORDER BY id LIMIT 500`, passed.Load())
		if err != nil {
			continue
		}
		for rows.Next() {
			var id int64
			var entry string
			if rows.Scan(&id, &entry) == nil {
				seen[entry] = true
				passed.Store(id)
			}
		}
		_ = rows.Close()
	}
}
