//go:build linux

package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// atOnce is how many requests are made at the same time.
const atOnce = 20

func TestOneKeyIsOneBuild(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	request := demoRequest(t, s, demoCorpus)
	ids, refusals := startAtOnce(t, s, "key", func(int) client.StartBuild { return request })
	require.Empty(t, refusals)
	require.Len(t, ids, atOnce)
	for _, id := range ids {
		require.Equal(t, ids[0], id)
	}
	s.restart(t)
	require.Equal(t, ids[0], s.begin(t, request, "key"))
	s.end(t, ids[0], records.BuildPassed)
	s.restart(t)
	require.Equal(t, ids[0], s.begin(t, request, "key"), "also when it has ended")
	requireRecordedOnce(t, s, ids[0])
	list, err := s.orgo.Builds(t.Context(), client.ListQuery{})
	require.NoError(t, err)
	require.Len(t, list.Builds, 1)
}

func TestOneKeyIsOneRequest(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	request := demoRequest(t, s, demoCorpus)
	// Twenty different requests under one key, at once: one is taken.
	ids, refusals := startAtOnce(t, s, "contested", func(i int) client.StartBuild {
		request := request
		request.Trigger.Reason = fmt.Sprint(i)
		return request
	})
	require.Len(t, ids, 1)
	require.Len(t, refusals, atOnce-1)
	for _, err := range refusals {
		var problem *client.Problem
		require.True(t, errors.As(err, &problem), "%v", err)
		require.Equal(t, string(gates.IdempotencyKeyReused), problem.ReasonCode)
	}
	s.end(t, ids[0], records.BuildPassed)
	requireRecordedOnce(t, s, ids[0])

	start := func(more ...string) result {
		return s.cli(t, startDemo(demoCorpus, demoPipeline, append(more, "--idempotency-key", "key", "-o", "json")...)...)
	}
	var first, again records.BuildView
	r := start("--wait")
	require.Equal(t, 0, r.code, r.err)
	require.NoError(t, json.Unmarshal([]byte(r.out), &first))
	s.restart(t)
	r = start("--wait")
	require.Equal(t, 0, r.code, r.err)
	require.NoError(t, json.Unmarshal([]byte(r.out), &again))
	require.Equal(t, first, again)

	r = start("--reason", "another request")
	require.Equal(t, 1, r.code, r.out)
	require.Empty(t, r.out)
	require.Contains(t, r.err, string(gates.IdempotencyKeyReused))
	require.Contains(t, r.err, first.BuildID)
}

// startAtOnce starts builds under one key, all at the same time, and returns the
// ids of those that were taken and why the others were not.
func startAtOnce(t *testing.T, s *stack, key string, request func(int) client.StartBuild) (ids []string, refusals []error) {
	t.Helper()
	var (
		mu    sync.Mutex
		calls sync.WaitGroup
		open  = make(chan struct{})
	)
	for i := range atOnce {
		request := request(i)
		calls.Go(func() {
			<-open
			view, err := s.orgo.Start(t.Context(), request, key)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				refusals = append(refusals, err)
			} else {
				ids = append(ids, view.BuildID)
			}
		})
	}
	close(open)
	calls.Wait()
	return ids, refusals
}
