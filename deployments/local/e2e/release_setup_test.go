//go:build linux

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/deployments/local/nodes"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
)

// shop is a stack with builds to release, and nodes that are played by this process.
type shop struct {
	*stack
	builds map[string]string // by version
	faults string            // a file: see nodes.ReadFaults
}

// newShop starts a stack and builds a corpus of its own for each version.
func newShop(t *testing.T, versions ...string) *shop {
	t.Helper()
	return openShop(t, newStack(t), versions...)
}

func openShop(t *testing.T, s *stack, versions ...string) *shop {
	t.Helper()
	o := &shop{stack: s, builds: map[string]string{}, faults: filepath.Join(t.TempDir(), "faults.json")}
	for i, version := range versions {
		o.builds[version] = s.begin(t, demoRequest(t, s, numbered(t, i)), version)
	}
	for _, id := range o.builds {
		s.end(t, id, records.BuildPassed)
	}
	return o
}

// newStackOf starts a stack that also knows the tokens of other people, which are
// their names.
func newStackOf(t *testing.T, people ...api.TokenEntry) *stack {
	t.Helper()
	s := &stack{dir: filepath.Join(t.TempDir(), "data"), addresses: freeAddresses(t)}
	require.NoError(t, os.Mkdir(s.dir, 0o700))
	for i := range people {
		people[i].TokenSHA256, people[i].Organization = api.HashToken(people[i].Actor), records.DefaultOrganization
	}
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "tokens.json"), marshal(t, people), 0o600))
	s.start(t)
	return s
}

// as returns a client of somebody whose token newStackOf made known.
func (s *stack) as(t *testing.T, name string) *client.Client {
	t.Helper()
	c, err := client.New(client.Options{URL: "http://" + s.addresses["-api"], Token: name})
	require.NoError(t, err)
	return c
}

// cliAs runs a command to its end as somebody whose token newStackOf made known. Who
// that is comes from a settings file, as it does for whoever works with a server.
func (s *stack) cliAs(t *testing.T, name string, args ...string) result {
	t.Helper()
	settings := filepath.Join(t.TempDir(), "config.yaml")
	text := fmt.Sprintf("url: http://%s\ntoken: %s\n", s.addresses["-api"], name)
	require.NoError(t, os.WriteFile(settings, []byte(text), 0o600))
	p := spawn(t, programs.orgo, append(args, "--config", settings)...)
	code := p.wait(t)
	return result{code: code, out: p.out.String(), err: p.err.String()}
}

// done requires that a command succeeded, and returns what it printed.
func (r result) done(t *testing.T) string {
	t.Helper()
	require.Zero(t, r.code, "%s\n%s", r.out, r.err)
	return r.out
}

// refused requires that a command was refused for a reason, which it said with a
// remedy.
func (r result) refused(t *testing.T, code gates.Code) {
	t.Helper()
	require.Equal(t, 1, r.code, "%s\n%s", r.out, r.err)
	require.Contains(t, r.err, "reason: "+string(code)+" (")
	require.Contains(t, r.err, "remedy: ")
}

// misused requires that a command line was refused without a server, with something
// that helps.
func (r result) misused(t *testing.T, says string) {
	t.Helper()
	require.Equal(t, 2, r.code, "%s\n%s", r.out, r.err)
	require.Contains(t, r.err, says)
}

// file writes a document that a command line names.
func file(t *testing.T, name string, document any) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, marshal(t, document), 0o600))
	return path
}

// ruled is the demo's policy with more rules.
func ruled(t *testing.T, rules ...map[string]any) json.RawMessage {
	t.Helper()
	var bundle map[string]any
	require.NoError(t, json.Unmarshal(readYAML(t, demoPolicy), &bundle))
	for _, policy := range bundle["policies"].([]any) {
		if policy := policy.(map[string]any); policy["policy_id"] == "release" {
			for _, rule := range rules {
				policy["rules"] = append(policy["rules"].([]any), rule)
			}
		}
	}
	return marshal(t, bundle)
}

// play has the nodes of every channel report until the test ends, or until it is told
// to stop.
func (o *shop) play(t *testing.T) (stop func()) {
	t.Helper()
	fleet, err := nodes.New(nodes.Options{
		API: o.orgo, Interval: 200 * time.Millisecond, FaultsFile: o.faults, Seed: 1, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { fleet.Run(ctx); close(ended) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return stop
}

// inject has executions fail from now on. The file is there whole, or not at all.
func (o *shop) inject(t *testing.T, faults ...nodes.Fault) {
	t.Helper()
	require.NoError(t, os.WriteFile(o.faults+".tmp", marshal(t, faults), 0o600))
	require.NoError(t, os.Rename(o.faults+".tmp", o.faults))
}

// named returns the name of a channel of the tests' environment.
func named(channel string) records.ChannelName {
	return records.ChannelName{Environment: "staging", Name: channel}
}

// quick is a strategy that takes about three seconds.
func quick() release.Strategy {
	return release.Strategy{
		Mode: release.AllAtOnce, Observe: records.Duration(time.Second), Soak: records.Duration(time.Second), Deadline: records.Duration(15 * time.Second),
	}
}

// watchful is a strategy that keeps a release in OBSERVING while a test does something.
func watchful() release.Strategy {
	s := quick()
	s.Observe, s.Deadline = records.Duration(time.Hour), records.Duration(2*time.Hour)
	return s
}

// staged is a strategy that goes to the canaries first.
func staged() release.Strategy {
	s := quick()
	s.Mode = release.Staged
	s.Stages = []release.Stage{{Name: "first", Cohorts: []string{"canary"}}, {Name: "all", Cohorts: []string{"rest"}}}
	return s
}

// order is what a test wants released.
func (o *shop) order(channel, version string, strategy release.Strategy) client.CreateRelease {
	return client.CreateRelease{BuildID: o.builds[version], Channel: named(channel).String(), Version: version, Strategy: &strategy}
}

// send creates a release, and returns its id.
func (o *shop) send(t *testing.T, request client.CreateRelease) string {
	t.Helper()
	record, err := o.orgo.CreateRelease(t.Context(), request, "")
	require.NoError(t, err)
	return record.ReleaseID
}

// sent creates a release and waits until it has closed well.
func (o *shop) sent(t *testing.T, channel, version string) string {
	t.Helper()
	id := o.send(t, o.order(channel, version, quick()))
	o.reaches(t, id, rollout.PhaseClosedGood)
	return id
}

// becomes waits until a release is as a test wants it. A stack that is killed
// meanwhile is waited for.
func (s *stack) becomes(t *testing.T, id, what string, holds func(release.Record) bool) release.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var last release.Record
	for ctx.Err() == nil {
		for record, err := range s.orgo.WatchRelease(ctx, id) {
			if ctx.Err() != nil {
				break
			}
			require.NoError(t, err, "release %s: waiting until %s", id, what)
			if last = record; holds(record) {
				return record
			}
		}
		if client.ReleaseSettled(last) && last.Phase != string(rollout.PhaseClosedGood) {
			break
		}
		time.Sleep(tick) // one that closed well is watched no more, and may be taken back
	}
	why, err := s.orgo.ReleaseWhy(t.Context(), id)
	require.NoError(t, err)
	require.FailNow(t, "not so", "release %s is %s %s %v and never %s\n%s", id, last.Phase, last.Code, last.Codes, what, marshal(t, why))
	return last
}

// reaches waits until a release is in a phase, and in no other that it ends in.
func (s *stack) reaches(t *testing.T, id string, phase rollout.Phase) release.Record {
	t.Helper()
	return s.becomes(t, id, "in "+string(phase), func(r release.Record) bool { return r.Phase == string(phase) })
}

// waitsFor waits until a release is kept back for a reason.
func (s *stack) waitsFor(t *testing.T, id string, code gates.Code) release.Record {
	t.Helper()
	return s.becomes(t, id, "kept back by "+string(code), func(r release.Record) bool { return slices.Contains(r.Codes, string(code)) })
}

// onChannel waits until a channel is as a test wants it.
func (s *stack) onChannel(t *testing.T, channel, what string, holds func(rollout.Record) bool) rollout.Record {
	t.Helper()
	var last rollout.Record
	if !assert.Eventually(t, func() bool {
		record, err := s.orgo.Channel(t.Context(), named(channel))
		last = record
		return assert.NoError(t, err) && holds(last)
	}, patience, tick) {
		require.FailNow(t, "not so", "channel %s is never %s: %s", channel, what, marshal(t, last))
	}
	return last
}

// act asks for an action on a channel that has to be accepted.
func (s *stack) act(t *testing.T, channel string, action client.ChannelAction) rollout.Record {
	t.Helper()
	record, err := s.orgo.ActOnChannel(t.Context(), named(channel), action, "")
	require.NoError(t, err)
	return record
}

func because(reason string) client.Because { return client.Because{Reason: reason} }

// refused requires that something was refused, for a reason.
func refused(t *testing.T, code gates.Code, err error) {
	t.Helper()
	var problem *client.Problem
	require.ErrorAs(t, err, &problem)
	require.Equal(t, string(code), problem.ReasonCode, problem.Detail)
}

// target is where the local stack publishes a channel.
func (s *stack) target(channel string) string {
	return filepath.Join(s.dir, "targets", records.DefaultOrganization, named(channel).String())
}

// links returns the packs to which the links of a channel lead on disk, by cohort.
func (s *stack) links(t *testing.T, channel string) map[string]records.Digest {
	t.Helper()
	found := map[string]records.Digest{}
	dir := filepath.Join(s.target(channel), "cohorts")
	entries, err := os.ReadDir(dir)
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	for _, entry := range entries {
		pack, err := filepath.EvalSymlinks(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		require.FileExists(t, filepath.Join(pack, "manifest.json"))
		require.FileExists(t, filepath.Join(pack, "exchange.json"))
		found[entry.Name()] = records.Digest{Alg: records.SHA256, Value: filepath.Base(pack)}
	}
	return found
}

// published returns the index of a channel that is on disk.
func (s *stack) published(t *testing.T, channel string) index.Index {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.target(channel), "index.json"))
	require.NoError(t, err)
	found, err := index.Parse(data)
	require.NoError(t, err)
	return found
}

// requireActive requires that on disk and in the index a release's pack, and nothing
// else, is active in both default cohorts.
func (s *stack) requireActive(t *testing.T, channel, releaseID string) {
	t.Helper()
	record, err := s.orgo.Release(t.Context(), releaseID)
	require.NoError(t, err)
	pack := record.Intent.Pack
	require.Equal(t, map[string]records.Digest{"canary": pack, "rest": pack}, s.links(t, channel))
	found := s.published(t, channel)
	require.Len(t, found.Cohorts, 2)
	for _, cohort := range found.Cohorts {
		require.Equal(t, releaseID, cohort.Release.ID, cohort.Name)
		require.False(t, cohort.Inactive)
		digest, err := cohort.Pack.Digest()
		require.NoError(t, err)
		require.Equal(t, pack, digest)
	}
}

// requireInactive requires that nothing is active on a channel.
func (s *stack) requireInactive(t *testing.T, channel string) {
	t.Helper()
	require.Empty(t, s.links(t, channel))
	for _, cohort := range s.published(t, channel).Cohorts {
		require.True(t, cohort.Inactive, cohort.Name)
	}
}

// moves returns how a release moved, in order.
func (s *stack) moves(t *testing.T, id string) []string {
	t.Helper()
	var moves []string
	for after := int64(0); ; {
		page, err := s.orgo.ReleaseEntries(t.Context(), id, after, 1000)
		require.NoError(t, err)
		if len(page.Entries) == 0 {
			return moves
		}
		for _, entry := range page.Entries {
			if entry.Type == release.TypeReleaseMoved {
				var moved release.Moved
				require.NoError(t, json.Unmarshal(entry.Body, &moved))
				moves = append(moves, fmt.Sprintf("%s %d", moved.After, moved.Stage))
			}
		}
		after = page.Next
	}
}

// verify has the whole log checked, as an auditor would.
func (s *stack) verify(t *testing.T) {
	t.Helper()
	r := s.cli(t, "audit", "verify")
	require.Equal(t, 0, r.code, "%s\n%s", r.out, r.err)
}
