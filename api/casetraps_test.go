package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// reviewed opens a Case that is completed by the approval of another person (the rules
// that are built in ask for that from SEV2 on), and takes it to its review by alice.
func reviewed(t *testing.T, s *apitest.Stack) cases.Case {
	t.Helper()
	found := asked(t, s, func(b *client.CreateCase) {
		b.Category, b.Severity, b.Codes = cases.Incident, "SEV1", []string{"DRIFT_DETECTED"}
	})
	require.True(t, found.Route.Review)
	do(t, s.Client(t), found.CaseID, client.MoveCase{To: cases.InProgress})
	return do(t, s.Client(t), found.CaseID, client.MoveCase{To: cases.WaitingReview, Resolution: "put back"})
}

func TestGovernanceTraps(t *testing.T) {
	t.Parallel()
	approve := func(seen int64) client.MoveCase {
		return client.MoveCase{To: cases.Completed, Seen: client.Seen{Version: seen}}
	}
	for name, trap := range map[string]func(t *testing.T, s *apitest.Stack, found cases.Case) (gates.Code, error){
		"approved by who resolved it": func(t *testing.T, s *apitest.Stack, found cases.Case) (gates.Code, error) {
			_, err := s.Client(t).ActOnCase(t.Context(), found.CaseID, approve(0), "")
			return gates.ApproverIsResolver, err
		},
		"approved by who resolved it, under a name that reads the same": func(t *testing.T, s *apitest.Stack, found cases.Case) (gates.Code, error) {
			_, err := s.As(t, apitest.TokenTwin).ActOnCase(t.Context(), found.CaseID, approve(0), "")
			return gates.ApproverIsResolver, err
		},
		"closed without the review": func(t *testing.T, s *apitest.Stack, found cases.Case) (gates.Code, error) {
			do(t, s.As(t, apitest.TokenCarol), found.CaseID, client.MoveCase{To: cases.InProgress, Remark: remark("it is not")})
			_, err := s.Client(t).ActOnCase(t.Context(), found.CaseID, client.MoveCase{To: cases.Completed, Resolution: "it is"}, "")
			return gates.ReviewMissing, err
		},
		"approved twice": func(t *testing.T, s *apitest.Stack, found cases.Case) (gates.Code, error) {
			carol := s.As(t, apitest.TokenCarol)
			do(t, carol, found.CaseID, approve(found.Version))
			_, err := carol.ActOnCase(t.Context(), found.CaseID, approve(0), "")
			return gates.CaseTerminal, err
		},
		"approved after it was rejected": func(t *testing.T, s *apitest.Stack, found cases.Case) (gates.Code, error) {
			carol := s.As(t, apitest.TokenCarol)
			do(t, carol, found.CaseID, client.MoveCase{To: cases.InProgress, Remark: remark("it is not")})
			_, err := carol.ActOnCase(t.Context(), found.CaseID, approve(found.Version), "")
			return gates.VersionStale, err
		},
		"approved after it was rejected, without a look": func(t *testing.T, s *apitest.Stack, found cases.Case) (gates.Code, error) {
			carol := s.As(t, apitest.TokenCarol)
			do(t, carol, found.CaseID, client.MoveCase{To: cases.InProgress, Remark: remark("it is not")})
			_, err := carol.ActOnCase(t.Context(), found.CaseID, approve(0), "")
			return gates.ResolutionMissing, err
		},
		"raced by what Orgo does": func(t *testing.T, s *apitest.Stack, found cases.Case) (gates.Code, error) {
			entry, err := cases.Entry(records.DefaultOrganization, found.CaseID, cases.TypeRecurred,
				cases.Act{Actor: records.SystemActor, At: found.UpdatedAt, Key: "again"}, cases.Recurred{Codes: []string{"DRIFT_DETECTED"}})
			require.NoError(t, err)
			_, err = s.Store.Append(t.Context(), entry)
			require.NoError(t, err)
			_, err = s.As(t, apitest.TokenCarol).ActOnCase(t.Context(), found.CaseID, approve(found.Version), "")
			problem := refusedWith(t, err, gates.VersionStale)
			require.Equal(t, records.SystemActor, problem.Conflict.Changes[0].Actor)
			return gates.VersionStale, err
		},
		"every owner removed": func(t *testing.T, s *apitest.Stack, found cases.Case) (gates.Code, error) {
			_, err := s.Client(t).ActOnCase(t.Context(), found.CaseID, client.AssignCase{Owners: []cases.Owner{}, Remark: remark("she left")}, "")
			return gates.OwnerMissing, err
		},
		"an owner who is nobody": func(t *testing.T, s *apitest.Stack, found cases.Case) (gates.Code, error) {
			_, err := s.Client(t).ActOnCase(t.Context(), found.CaseID, client.AssignCase{Owners: []cases.Owner{{Kind: "robot", ID: "r"}}}, "")
			return gates.OwnerMissing, err
		},
		"an illegal transition": func(t *testing.T, s *apitest.Stack, found cases.Case) (gates.Code, error) {
			_, err := s.Client(t).ActOnCase(t.Context(), found.CaseID, client.MoveCase{To: cases.Open}, "")
			return gates.InvalidTransition, err
		},
		"a task of a key that there is": func(t *testing.T, s *apitest.Stack, found cases.Case) (gates.Code, error) {
			_, err := s.Client(t).AddTask(t.Context(), found.CaseID, client.AddTask{Key: found.Tasks[0].Key, Title: "Again"}, "")
			return gates.TaskExists, err
		},
		"a task that has ended": func(t *testing.T, s *apitest.Stack, found cases.Case) (gates.Code, error) {
			_, err := s.Client(t).ActOnTask(t.Context(), found.Tasks[0].TaskID, client.MoveTask{To: cases.TaskInProgress}, "")
			return gates.TaskTerminal, err
		},
		"reopened while it is open": func(t *testing.T, s *apitest.Stack, found cases.Case) (gates.Code, error) {
			_, err := s.Client(t).ActOnCase(t.Context(), found.CaseID, client.ReopenCase{Remark: remark("r")}, "")
			return gates.InvalidTransition, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := apitest.New(t)
			found := reviewed(t, s)
			code, err := trap(t, s, found)
			refusedWith(t, err, code)
			audited(t, s, found.CaseID)
		})
	}
}

// A Case is not closed while what it is about is tried again, unless somebody says so,
// which is in its history.
func TestACaseIsNotClosedWhileItsBuildRuns(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	c := s.Client(t)
	build := start(t, s, apitest.Waiting, "waiting")
	found := asked(t, s, func(b *client.CreateCase) { b.Refs = []cases.Ref{{Type: "build", Ref: build.BuildID}} })
	_, err := c.Retry(t.Context(), build.BuildID, client.RetryStage{Stage: records.Validate, Reason: "again"})
	require.NoError(t, err)
	closing := client.MoveCase{To: cases.Completed, Resolution: "retried", Seen: client.Seen{Version: found.Version}}
	_, err = c.ActOnCase(t.Context(), found.CaseID, closing, "")
	require.Equal(t, 409, refusedWith(t, err, gates.CaseCauseActive).Status)
	would, err := c.MoveCases(t.Context(), client.MoveCases{IDs: []string{found.CaseID}, To: cases.Completed, Resolution: "retried", DryRun: true}, "")
	require.NoError(t, err)
	require.Equal(t, "CASE_CAUSE_ACTIVE", would.Cases[0].Code)
	closing.Force = true
	require.Equal(t, cases.Completed, do(t, c, found.CaseID, closing).Status)
	history, err := c.CaseHistory(t.Context(), found.CaseID, found.Version, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"CASE_CAUSE_ACTIVE"}, history.Entries[0].Codes)
	audited(t, s, found.CaseID)

	other := asked(t, s, func(b *client.CreateCase) {
		b.Refs = []cases.Ref{{Type: "build", Ref: start(t, s, apitest.Blocked, "blocked").BuildID}}
	})
	do(t, c, other.CaseID, client.MoveCase{To: cases.Completed, Resolution: "it is blocked"})
}

// Of many who change what they have all seen, one does; nothing is lost, and the others
// are told.
func TestOneOfManyWritersIsFirst(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	found := reviewed(t, s)
	const writers = 8
	outcomes := make(chan error, writers)
	for range writers {
		go func() {
			_, err := s.As(t, apitest.TokenCarol).ActOnCase(t.Context(), found.CaseID, client.MoveCase{To: cases.Completed, Seen: client.Seen{Version: found.Version}}, "")
			outcomes <- err
		}()
	}
	first := 0
	for range writers {
		if err := <-outcomes; err == nil {
			first++
		} else {
			problem := refusedWith(t, err, gates.VersionStale)
			require.Len(t, problem.Conflict.Changes, 1)
		}
	}
	require.Equal(t, 1, first)
	audited(t, s, found.CaseID)
}
