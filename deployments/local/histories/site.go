package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/control"
	"github.com/initkoa/orgo/cmd/stack"
	"github.com/initkoa/orgo/deployments/local/harness"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/telemetry"
	"github.com/initkoa/orgo/workflows"
)

// twoPersons is the policy of the releases: two have to agree, and a use of the pack
// that fails is one too many.
const twoPersons = `{"schema_version":"1.0.0","kind":"mandate_bundle","bundle_id":"two-persons","created_at":"2026-01-01T00:00:00Z",
"issuer":{"organization_id":"00000000-0000-4000-8000-000000000001","issuer_id":"histories"},"mandate":{"mandate_id":"m","name":"two persons"},
"policies":[{"policy_id":"p","version":"1.0.0","name":"release","enforcement":"MUST","rules":[
{"rule_id":"passed","type":"validation","config":{"admit":["passed"]}},
{"rule_id":"people","type":"approvals","config":{"quorum":2,"roles":{"security":1},"max_age":"24h"}},
{"rule_id":"upgrade","type":"compatibility","config":{"downgrade":"refuse","format":"same_major"}},
{"rule_id":"health","type":"rollout_health","config":{"metrics":[{"name":"activation.proven","min":0.9,"min_samples":1,"max_consecutive_failures":1000},
{"name":"execution.failure_rate","max":0.5,"min_samples":1}],"min_reporting_percent":90,"max_age":"2m"}},
{"rule_id":"glass","type":"override","config":{"gates":["approvals"],"max_duration":"4h"}}]}]}`

// site is a system that releases: the harness, with targets and a relay.
type site struct {
	*stack.Stack
	temporal client.Client
	builds   map[string]string // by version
	reports  control.Telemetry
}

// identity is that of every worker and client in the histories.
const identity = "histories"

// openSite starts a system in a directory, and builds a pack for each version. The
// caller closes it.
func openSite(ctx context.Context, dir string, versions ...string) (_ *site, close func() error, err error) {
	server, err := harness.StartServer(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	h, err := harness.Open(ctx, harness.Options{Server: server, Dir: dir, Relay: 100 * time.Millisecond, Identity: identity, Unsequenced: true})
	if err != nil {
		return nil, nil, errors.Join(err, server.Stop(context.WithoutCancel(ctx)))
	}
	close = func() error { return errors.Join(h.Close(), server.Stop(context.WithoutCancel(ctx))) }
	s := &site{Stack: h.Stack, temporal: h.Temporal, builds: map[string]string{}, reports: h.Stack.Telemetry()}
	for _, version := range versions {
		if s.builds[version], err = h.Build(ctx, filepath.Join(dir, version), "build-"+version, json.RawMessage(twoPersons)); err != nil {
			return nil, nil, errors.Join(err, close())
		}
	}
	return s, close, nil
}

// told is a story of releases while it is told: on a channel of its own. The first
// error ends it.
type told struct {
	*site
	ctx     context.Context
	channel records.ChannelName
	id      string // of the newest release
	keys    int
	err     error
}

func by(actor string) api.Identity {
	who := api.Identity{Actor: actor, Organization: records.DefaultOrganization}
	if actor == "dan" {
		who.Roles = []string{"security"}
	}
	return who
}

func (t *told) do(what string, do func() error) {
	if t.err != nil {
		return
	}
	if err := do(); err != nil {
		t.err = fmt.Errorf("%s: %w", what, err)
	}
}

func (t *told) key() string { t.keys++; return fmt.Sprintf("%s/%d", t.channel, t.keys) }

// create has ann ask for a release.
func (t *told) create(version string, change func(*release.Request)) {
	t.do("create "+version, func() error {
		request := release.Request{
			IdempotencyKey: t.key(), BuildID: t.builds[version], Channel: t.channel, Version: version,
			Strategy: release.Strategy{
				Mode: release.Staged, Observe: records.Duration(50 * time.Millisecond), Soak: records.Duration(50 * time.Millisecond),
				Cohorts: []release.Portion{{Cohort: "first", Points: 1000}, {Cohort: "rest", Points: 9000}},
				Stages:  []release.Stage{{Name: "first", Cohorts: []string{"first"}}, {Name: "rest", Cohorts: []string{"rest"}}},
			},
		}
		if change != nil {
			change(&request)
		}
		record, err := t.Releases().Create(t.ctx, records.DefaultOrganization, request, by("ann"), "it is ready")
		t.id = record.ReleaseID
		return err
	})
}

func command(action string, arguments any) (records.Command, error) {
	c := records.Command{Action: action}
	if arguments == nil {
		return c, nil
	}
	encoded, err := json.Marshal(arguments)
	c.Arguments = encoded
	return c, err
}

// act has somebody ask something of the release.
func (t *told) act(actor, action string, arguments any) {
	t.do(action, func() error {
		c, err := command(action, arguments)
		if err != nil {
			return err
		}
		_, err = t.Releases().Act(t.ctx, records.DefaultOrganization, t.id, c, t.key(), by(actor), "because")
		return err
	})
}

// actOnChannel has somebody ask something of the channel.
func (t *told) actOnChannel(actor, action string, arguments any) {
	t.do(action, func() error {
		c, err := command(action, arguments)
		if err != nil {
			return err
		}
		_, err = t.Channels().Act(t.ctx, records.DefaultOrganization, t.channel, c, t.key(), by(actor), "because")
		return err
	})
}

// approve has both agree who have to.
func (t *told) approve() {
	t.until(rollout.PhaseAwaitingApproval)
	for _, actor := range []string{"cem", "dan"} {
		t.act(actor, release.ActionApprove, t.ballot())
	}
}

func (t *told) ballot() release.Ballot {
	if r := t.record(); r.IntentDigest != nil {
		return release.Ballot{Intent: *r.IntentDigest}
	}
	return release.Ballot{}
}

func (t *told) record() release.Record {
	var record release.Record
	t.do("read the release", func() (err error) {
		record, err = t.Releases().Release(t.ctx, records.DefaultOrganization, t.id)
		return err
	})
	return record
}

// patience bounds how long a story waits for what it says comes next.
const patience = time.Minute

// await waits for something, and does something meanwhile.
func (t *told) await(what string, is func() bool, meanwhile func()) {
	t.do("wait for "+what, func() error {
		for over := time.Now().Add(patience); ; {
			found := is()
			switch {
			case t.err != nil || found:
				return t.err
			case time.Now().After(over):
				r := t.record()
				return fmt.Errorf("it is %s %s %v", r.Phase, r.Code, r.Codes)
			case meanwhile != nil:
				meanwhile()
			}
			select {
			case <-t.ctx.Done():
				return t.ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
}

func (t *told) until(phase rollout.Phase) {
	t.await(string(phase), func() bool { return t.record().Phase == string(phase) }, nil)
}

// reportUntil has the nodes report until the release is in a phase.
func (t *told) reportUntil(phase rollout.Phase, status telemetry.Status) {
	t.await(string(phase), func() bool { return t.record().Phase == string(phase) }, func() { t.report(status) })
}

// report has the nodes that stand for the active cohorts report a use of the pack.
func (t *told) report(status telemetry.Status) {
	t.do("report", func() error {
		var samples []json.RawMessage
		for _, stage := range t.record().Stages {
			for _, cohort := range stage.Cohorts {
				if stage.ActiveAt == nil {
					continue
				}
				sample, err := json.Marshal(telemetry.Sample{
					ReleaseID: t.id, Cohort: cohort, NodeID: releases.TargetNode(t.channel, cohort), Kind: telemetry.KindExecution,
					At: time.Now().UTC(), Outcome: &telemetry.Outcome{Status: status},
				})
				if err != nil {
					return err
				}
				samples = append(samples, sample)
			}
		}
		_, err := t.reports.Accept(t.ctx, records.DefaultOrganization, samples)
		return err
	})
}

// good brings a release out well.
func (t *told) good(version string) {
	t.create(version, nil)
	t.approve()
	t.reportUntil(rollout.PhaseClosedGood, telemetry.Succeeded)
	t.quiet()
}

// quiet waits until the channel has nothing to do.
func (t *told) quiet() {
	t.await("a quiet channel", func() bool {
		c := t.on()
		return c.Confirmed == c.Sequence && c.Containment == nil && (c.Turn == nil || c.Turn.Stage >= 0)
	}, nil)
}

func (t *told) on() rollout.Record {
	var record rollout.Record
	t.do("read the channel", func() (err error) {
		record, err = t.Channels().Channel(t.ctx, records.DefaultOrganization, t.channel)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	return record
}

// save writes the histories of the newest release, of its channel, and of the rollback
// of that, if there was one.
func (t *told) save(out, name string) {
	t.quiet()
	t.do("save", func() error {
		errs := []error{
			t.saveOne(workflows.ReleaseWorkflowID(records.DefaultOrganization, t.id), filepath.Join(out, name+".release.json.gz")),
		}
		on := t.on()
		if on.Version > 0 {
			errs = append(errs, t.saveOne(workflows.ChannelWorkflowID(records.DefaultOrganization, t.channel), filepath.Join(out, name+".channel.json.gz")))
		}
		triggered, err := t.Store().Entries(t.ctx, records.DefaultOrganization, records.ChannelSubject(records.DefaultOrganization, t.channel),
			store.EntryQuery{Types: []string{release.TypeRollbackTriggered}, Newest: true, Limit: 1})
		for _, entry := range triggered {
			var effect rollout.Effect
			if err := json.Unmarshal(entry.Body, &effect); err != nil {
				return err
			}
			errs = append(errs, t.saveOne(workflows.RollbackWorkflowID(records.DefaultOrganization, t.channel, effect.ID), filepath.Join(out, name+".rollback.json.gz")))
		}
		return errors.Join(append(errs, err)...)
	})
}

// saveOne writes the history of the first run of a workflow and, if others followed,
// that of the newest.
func (t *told) saveOne(workflowID, path string) error {
	described, err := t.temporal.DescribeWorkflowExecution(t.ctx, workflowID, "")
	if err != nil {
		return err
	}
	first, newest := described.GetWorkflowExecutionInfo().GetFirstRunId(), described.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	if err := save(t.ctx, t.temporal, workflowID, first, path); err != nil || newest == first {
		return err
	}
	return save(t.ctx, t.temporal, workflowID, newest, filepath.Join(filepath.Dir(path), strings.Replace(filepath.Base(path), ".", "-newest.", 1)))
}
