// Command histories records the Temporal histories of builds, and of releases with
// their channels and rollbacks, of every outcome. The replay tests of package workflows
// read them: code that would have decided otherwise than it did then must not replay.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/deployments/local/harness"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/workflows"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	testdata := filepath.Join("workflows", "testdata")
	out := flag.String("out", filepath.Join(testdata, "evaluator-"+gates.EvaluatorVersion), "the `directory` to write histories of builds to; empty records none")
	releases := flag.String("releases", filepath.Join(testdata, "releases"), "the `directory` to write those of releases to; empty records none")
	flag.Parse()
	if err := errors.Join(run(ctx, *out), runReleases(ctx, *releases)); err != nil {
		fmt.Fprintln(os.Stderr, "histories:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) error {
	if out == "" {
		return nil
	}
	return harness.Run(ctx, harness.Options{Identity: identity}, func(ctx context.Context, h *harness.Harness, dir string) error {
		for _, s := range stories() {
			if err := s.record(ctx, h, dir, out); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			fmt.Println(s.name)
		}
		return nil
	})
}

// story is a build whose history is recorded.
type story struct {
	name      string
	content   string // of the one input file; none makes the input absent
	execution records.Execution
	patience  time.Duration
	policy    json.RawMessage // none: the built-in one
	strict    bool            // validate takes what the file has no id for as an error
	// act does what the operator does once the build waits.
	act  func(ctx context.Context, h *harness.Harness, buildID, inputs string) error
	want records.BuildState
}

const (
	sound  = "name,radius\nIo,1821.6\nEuropa,1560.8\n"
	broken = "name,radius\nIo,1821.6\nEuropa\n"
)

// elsewhere is a policy that admits other sources than those of the stories, and
// lets that be overridden.
const elsewhere = `{"schema_version":"1.0.0","kind":"mandate_bundle","bundle_id":"elsewhere","created_at":"2026-01-01T00:00:00Z",
"issuer":{"organization_id":"00000000-0000-4000-8000-000000000001","issuer_id":"histories"},"mandate":{"mandate_id":"m","name":"elsewhere"},
"policies":[{"policy_id":"p","version":"1.0.0","name":"sources","enforcement":"MUST","rules":[
{"rule_id":"source","type":"provenance","config":{"allowed_sources":["file:///elsewhere/"]}},
{"rule_id":"override","type":"override","config":{"gates":["provenance"],"max_duration":"4h"}}]}]}`

func stories() []story {
	operator := api.Identity{Actor: "ann", Organization: records.DefaultOrganization}
	return []story{
		{name: "passed-remote", content: sound, execution: records.ExecuteRemote, want: records.BuildPassed},
		{name: "passed-inline", content: sound, execution: records.ExecuteInline, want: records.BuildPassed},
		{name: "blocked", content: sound, execution: records.ExecuteRemote, strict: true, want: records.BuildBlocked},
		{name: "blocked-inline", content: sound, execution: records.ExecuteInline, strict: true, want: records.BuildBlocked},
		{name: "failed-in-extract", content: broken, execution: records.ExecuteInline, want: records.BuildFailed},
		{name: "failed-in-ingest", execution: records.ExecuteRemote, want: records.BuildFailed},
		{
			name: "stopped", content: broken, execution: records.ExecuteRemote, patience: time.Hour, want: records.BuildStopped,
			act: func(ctx context.Context, h *harness.Harness, buildID, _ string) error {
				_, err := h.Stack.Builds().Stop(ctx, records.DefaultOrganization, buildID, false, operator, "not wanted")
				return err
			},
		},
		{
			name: "retried", content: broken, execution: records.ExecuteRemote, patience: time.Hour, want: records.BuildPassed,
			act: func(ctx context.Context, h *harness.Harness, buildID, inputs string) error {
				if err := os.WriteFile(filepath.Join(inputs, "moons.csv"), []byte(sound), 0o600); err != nil {
					return err
				}
				_, err := h.Stack.Builds().Retry(ctx, records.DefaultOrganization, buildID, records.Ingest, operator, "mended the file")
				return err
			},
		},
		{
			name: "overridden", content: sound, execution: records.ExecuteRemote, patience: time.Hour, policy: json.RawMessage(elsewhere), want: records.BuildPassed,
			act: func(ctx context.Context, h *harness.Harness, buildID, _ string) error {
				_, err := h.Stack.Builds().Override(ctx, records.DefaultOrganization, buildID, client.OverrideGate{
					Gate: string(gates.GateProvenance), Reason: "the source moved", CaseID: "22222222-2222-4222-8222-222222222222",
					ExpiresAt: time.Now().Add(time.Hour),
				}, operator)
				return err
			},
		},
		{name: "nobody-retried", content: broken, execution: records.ExecuteRemote, patience: time.Second, want: records.BuildFailed},
	}
}

func (s story) record(ctx context.Context, h *harness.Harness, dir, out string) error {
	inputs := filepath.Join(dir, s.name)
	if s.content != "" {
		if err := errors.Join(os.Mkdir(inputs, 0o700),
			os.WriteFile(filepath.Join(inputs, "moons.csv"), []byte(s.content), 0o600)); err != nil {
			return err
		}
	}
	pipeline, err := harness.Pipeline(s.execution, s.change)
	if err != nil {
		return err
	}
	documents, err := h.Store(ctx, pipeline)
	if err != nil {
		return err
	}
	if s.policy != nil {
		if documents.Policy, err = h.Put(ctx, s.policy); err != nil {
			return err
		}
	}
	view, err := h.Start(ctx, documents, inputs, s.name)
	if err != nil {
		return err
	}
	if s.act != nil {
		if err := waiting(ctx, h, view.BuildID); err != nil {
			return err
		}
		if err := s.act(ctx, h, view.BuildID, inputs); err != nil {
			return err
		}
	}
	outcome, err := h.Wait(ctx, view.BuildID)
	if err != nil {
		return err
	}
	if outcome.State != s.want {
		return fmt.Errorf("the build is %s (%v), want %s", outcome.State, outcome.Codes, s.want)
	}
	return save(ctx, h.Temporal, workflows.BuildWorkflowID(records.DefaultOrganization, view.BuildID), "", filepath.Join(out, s.name+".json"))
}

func (s story) change(p *records.Pipeline) {
	p.WaitForOperator = records.Duration(s.patience)
	if s.strict {
		validate := p.Stages[records.Validate]
		validate.Config = []byte(`{"severities":{"ENTITY_UNRESOLVED":"ERROR"}}`)
		p.Stages[records.Validate] = validate
	}
}

// waiting returns once the build waits for an operator.
func waiting(ctx context.Context, h *harness.Harness, buildID string) error {
	for ctx.Err() == nil {
		view, err := h.Stack.Store().Build(ctx, records.DefaultOrganization, buildID)
		if err != nil {
			return err
		}
		switch {
		case view.State == records.BuildWaiting:
			return nil
		case view.State.Terminal():
			return fmt.Errorf("the build is %s and never waited", view.State)
		}
	}
	return ctx.Err()
}
