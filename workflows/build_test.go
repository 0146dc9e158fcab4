package workflows_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/workflows"
)

func TestBuildPasses(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]map[string]any{"remote": pipeline(), "inline": inline(pipeline())} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			outcome, view, entries := b.run(b.request(document, policy()))
			require.Equal(t, records.BuildPassed, outcome.State, "%+v", view)
			for _, step := range view.Steps {
				require.Equal(t, records.StagePass, step.Status, step.Stage)
			}
			record := b.recordOf(entries)
			require.NotNil(t, record.Outputs.Exchange)
			require.NotNil(t, record.Outputs.RuntimePack)
			require.Equal(t, records.StagePass, record.Outputs.Validation.Status)
			require.Len(t, record.Decisions, 5+2*5+1, "a dependency decision and two exits each, and validation")
		})
	}
}

// fail makes a stage fail with a code; final as the table says.
func fail(code gates.Code) func(context.Context, runner.Request, runner.Runner) (runner.Result, error) {
	return func(context.Context, runner.Request, runner.Runner) (runner.Result, error) {
		return runner.Result{}, runner.Fail(code, nil, "planted")
	}
}

// rewrite lets the real runner work and then replaces the first output.
func (b *bench) rewrite(change func([]byte) []byte) func(context.Context, runner.Request, runner.Runner) (runner.Result, error) {
	return func(ctx context.Context, req runner.Request, real runner.Runner) (runner.Result, error) {
		result, err := real.Run(ctx, req, silent)
		if err != nil {
			return result, err
		}
		content, err := b.artifacts.ReadAll(ctx, result.Outputs[0].Ref, 1<<20)
		if err != nil {
			return result, err
		}
		result.Outputs[0].Ref, err = b.artifacts.PutBytes(ctx, result.Outputs[0].Ref.MediaType, change(content))
		return result, err
	}
}

// No compile on fail: in every case the build ends before compile runs, its
// record has no Exchange and no Runtime Pack, and it says why.
func TestNoCompileOnFail(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		plant func(b *bench)
		state records.BuildState
		stage records.Stage
		codes []string
	}{
		"ingest cannot read": {
			func(b *bench) { b.faults.run[records.Ingest] = fail(gates.InputUnreadable) },
			records.BuildFailed, records.Ingest, codes(gates.InputUnreadable),
		},
		"a runner keeps failing": {
			func(b *bench) { b.faults.run[records.Resolve] = fail(gates.RunnerFailed) },
			records.BuildFailed, records.Resolve, codes(gates.RunnerFailed),
		},
		"validate says failed": {
			func(b *bench) {
				b.faults.run[records.Validate] = b.rewrite(func(report []byte) []byte {
					return bytes.Replace(report, []byte(`"validation_status":"passed"`), []byte(`"validation_status":"failed"`), 1)
				})
			},
			records.BuildBlocked, records.Validate, codes(gates.ValidationFailed),
		},
		"validate says something unknown": {
			func(b *bench) {
				b.faults.run[records.Validate] = b.rewrite(func(report []byte) []byte {
					return bytes.Replace(report, []byte(`"validation_status":"passed"`), []byte(`"validation_status":"fine"`), 1)
				})
			},
			records.BuildBlocked, records.Validate, codes(gates.ContractViolation, gates.ValidationMalformed),
		},
		"validate speaks about other claims": {
			func(b *bench) {
				b.faults.run[records.Validate] = b.rewrite(func(report []byte) []byte {
					return bytes.Replace(report, []byte(`"resolved":{"alg":"sha256","value":"`), []byte(`"resolved":{"alg":"sha256","value":"0000`), 1)
				})
			},
			records.BuildBlocked, records.Validate, nil,
		},
		"validate yields garbage": {
			func(b *bench) {
				b.faults.run[records.Validate] = b.rewrite(func([]byte) []byte { return []byte("{}") })
			},
			records.BuildBlocked, records.Validate, codes(gates.ContractViolation, gates.ValidationMalformed, gates.ValidationOtherInputs),
		},
		"validate yields nothing": {
			func(b *bench) {
				b.faults.run[records.Validate] = func(context.Context, runner.Request, runner.Runner) (runner.Result, error) {
					return runner.Result{}, nil
				}
			},
			records.BuildBlocked, records.Validate, nil,
		},
		"extract breaks its contract": {
			func(b *bench) {
				b.faults.run[records.Extract] = b.rewrite(func([]byte) []byte { return []byte("{\"claims\":1}\n") })
			},
			records.BuildBlocked, records.Extract, codes(gates.ContractViolation),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c.plant(b)
			outcome, _, entries := b.run(b.request(pipeline(), policy()))
			require.Equal(t, c.state, outcome.State)
			require.Equal(t, c.stage, outcome.Stage)
			require.NotEmpty(t, outcome.Codes)
			if c.codes != nil {
				require.Subset(t, c.codes, outcome.Codes)
			}
			require.Zero(t, b.faults.calls[records.Compile], "compile must not run")
			record := b.recordOf(entries)
			require.Nil(t, record.Outputs.Exchange)
			require.Nil(t, record.Outputs.RuntimePack)
			require.Equal(t, records.StageFail, record.Outputs.Validation.Status)
		})
	}
}

func TestWhatCannotBePinnedEndsAtOnce(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		pipeline, policy any
		change           func(*records.BuildRequest)
		code             gates.Code
	}{
		"a floating version": {func() any {
			p := pipeline()
			p["stages"].(map[string]any)["extract"].(map[string]any)["runner"].(map[string]any)["version"] = "latest"
			return p
		}(), policy(), nil, gates.PinInvalid},
		"an unknown version": {func() any {
			p := pipeline()
			p["stages"].(map[string]any)["extract"].(map[string]any)["runner"].(map[string]any)["version"] = "9.9.9"
			return p
		}(), policy(), nil, gates.PinUnknown},
		"a stage left out": {func() any { p := pipeline(); delete(p["stages"].(map[string]any), "validate"); return p }(), policy(), nil, gates.PinInvalid},
		"an unknown rule": {pipeline(), func() any {
			p := policy()
			p["policies"].([]any)[0].(map[string]any)["rules"].([]any)[0].(map[string]any)["type"] = "vibes"
			return p
		}(), nil, gates.PolicyInvalid},
		"a bad config": {func() any {
			p := pipeline()
			p["stages"].(map[string]any)["extract"].(map[string]any)["config"] = map[string]any{"no such key": 1}
			return p
		}(), policy(), nil, gates.PinInvalid},
		"no such contract set": {pipeline(), policy(), func(r *records.BuildRequest) {
			r.Contracts.Digest = records.DigestOf([]byte("nothing"))
		}, gates.ArtifactMissing},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			change := c.change
			if change == nil {
				change = func(*records.BuildRequest) {}
			}
			outcome, view, entries := b.run(b.request(c.pipeline, c.policy, change))
			require.Equal(t, records.BuildFailed, outcome.State)
			require.Equal(t, codes(c.code), outcome.Codes, "%+v", view.Step(records.StepPin))
			require.Empty(t, b.faults.calls)
			b.recordOf(entries)
		})
	}
}

func TestFailedAttemptIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults.run[records.Extract] = func(ctx context.Context, req runner.Request, real runner.Runner) (runner.Result, error) {
		if req.Attempt == 1 {
			return runner.Result{}, runner.Fail(gates.RunnerFailed, nil, "planted")
		}
		return real.Run(ctx, req, silent)
	}
	outcome, view, entries := b.run(b.request(pipeline(), policy()))
	require.Equal(t, records.BuildPassed, outcome.State)
	require.Equal(t, 2, view.Step(records.Extract).Attempt)
	record := b.recordOf(entries)
	events := []string{}
	for _, attempt := range record.Stages[1].Attempts {
		events = append(events, fmt.Sprintf("%d %s", attempt.Attempt, attempt.Event))
	}
	require.Equal(t, []string{"1 orgo.stage.started", "1 orgo.stage.failed", "2 orgo.stage.started", "2 orgo.stage.finished"}, events)
}

// update sends an update to the workflow and hands the answer to check.
func (b *bench) update(name string, argument any, check func(error)) {
	b.env.UpdateWorkflow(name, fmt.Sprint(time.Now().UnixNano()), &testsuite.TestUpdateCallback{
		OnAccept:   func() {},
		OnReject:   func(err error) { check(err) },
		OnComplete: func(_ any, err error) { check(err) },
	}, argument)
}

func TestOperatorRetriesABlockedStage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	broken := filepath.Join(b.inputs, "broken.json")
	require.NoError(t, os.WriteFile(broken, []byte("{"), 0o600))
	answers := map[string]error{}
	b.env.RegisterDelayedCallback(func() {
		require.NoError(t, os.Remove(broken))
		request := workflows.RetryRequest{Actor: "bob", Reason: "removed the broken file", Stage: records.Compile}
		b.update(workflows.UpdateRetry, request, func(err error) { answers["too far"] = err })
		request.Stage, request.Actor = records.Ingest, ""
		b.update(workflows.UpdateRetry, request, func(err error) { answers["nobody"] = err })
		request.Actor = "bob"
		b.update(workflows.UpdateRetry, request, func(err error) { answers["ingest"] = err })
		b.update(workflows.UpdateRetry, request, func(err error) { answers["twice"] = err })
	}, time.Hour)
	outcome, view, entries := b.run(b.request(waiting(pipeline(), "2h"), policy()))
	require.ErrorContains(t, answers["too far"], "has not come to compile")
	require.ErrorContains(t, answers["nobody"], "an actor is required")
	require.NoError(t, answers["ingest"])
	require.ErrorContains(t, answers["twice"], "does not wait")
	require.Equal(t, records.BuildPassed, outcome.State)
	require.Equal(t, 2, view.Generation)
	record := b.recordOf(entries)
	require.Len(t, record.Actions, 1)
	require.Equal(t, "bob", record.Actions[0].Actor)
	for _, stage := range record.Stages {
		require.Equal(t, 2, stage.Generation, stage.Stage)
	}
}

func TestABuildThatNobodyRetriesEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults.run[records.Extract] = fail(gates.InputUnparsable)
	outcome, view, entries := b.run(b.request(waiting(pipeline(), "72h"), policy()))
	require.Equal(t, records.BuildFailed, outcome.State)
	require.Equal(t, codes(gates.InputUnparsable), view.Codes)
	waited := 0
	for _, entry := range entries {
		if entry.Type == records.TypeBuildWaiting {
			waited++
		}
	}
	require.Equal(t, 1, waited)
}

func TestStop(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		now    bool
		status records.StageStatus // of the stage that ran
	}{
		"at the next boundary": {false, records.StagePass},
		"now":                  {true, records.StageError},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.faults.run[records.Extract] = func(ctx context.Context, req runner.Request, real runner.Runner) (runner.Result, error) {
				b.update(workflows.UpdateStop, workflows.StopRequest{Actor: "bob", Reason: "wrong inputs", Now: c.now}, func(err error) {
					require.NoError(t, err)
				})
				if c.now {
					<-ctx.Done()
					return runner.Result{}, ctx.Err()
				}
				return real.Run(ctx, req, silent)
			}
			outcome, _, entries := b.run(b.request(pipeline(), policy()))
			require.Equal(t, records.BuildStopped, outcome.State)
			require.Equal(t, codes(gates.StoppedByOperator), outcome.Codes)
			record := b.recordOf(entries)
			require.Equal(t, "bob", record.Actions[0].Actor)
			require.Equal(t, "wrong inputs", record.Actions[0].Reason)
			require.Zero(t, b.faults.calls[records.Resolve])
			require.Equal(t, c.status, record.Stages[1].Status)
		})
	}
}

func TestCancelThroughTemporalIsAStop(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults.run[records.Resolve] = func(ctx context.Context, _ runner.Request, _ runner.Runner) (runner.Result, error) {
		b.env.CancelWorkflow()
		<-ctx.Done()
		return runner.Result{}, ctx.Err()
	}
	outcome, _, entries := b.run(b.request(pipeline(), policy()))
	require.Equal(t, records.BuildStopped, outcome.State)
	require.Equal(t, "temporal:cancel", b.recordOf(entries).Actions[0].Actor)
}
