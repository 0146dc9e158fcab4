package races_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/builtin"
	"github.com/initkoa/orgo/deployments/local/races"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/workflows"
)

const operators = 16

// act is one action of an operator, from the first attempt to the answer.
type act struct {
	release bool // else of the channel
	command string
	actor   string
	action  string
	code    string // "" if it was accepted
	from    time.Time
	to      time.Time
	tries   int
}

// operator does conflicting things, and repeats each under its key until it is told
// what became of it. Some of its calls end before that.
type operator struct {
	r       *races.Rig
	release release.Record
	packs   []records.Digest
	actor   string
	random  *rand.Rand
}

// asks draws an action on the channel.
func (o *operator) asksChannel() (string, any) {
	pack := o.packs[o.random.IntN(len(o.packs))]
	switch o.random.IntN(10) {
	case 0, 1:
		return release.ActionHold, struct{}{}
	case 2, 3:
		return release.ActionLift, release.Lift{}
	case 4:
		return release.ActionRollback, release.Rollback{}
	case 5:
		return release.ActionRevoke, release.Packs{Packs: []records.Digest{pack}}
	case 6:
		return release.ActionQuarantine, release.Packs{Packs: []records.Digest{pack}}
	case 7:
		return release.ActionClear, release.Packs{Packs: []records.Digest{pack}}
	case 8:
		return release.ActionPin, release.Pin{Pack: pack, For: string(rollout.PinActive), ExpiresAt: time.Now().Add(time.Hour).UTC().Truncate(time.Second)}
	default:
		return release.ActionUnpin, release.Unpin{For: string(rollout.PinActive)}
	}
}

func (o *operator) asksRelease(last bool) (string, any) {
	switch n := o.random.IntN(10); {
	case last && o.actor == "op-0":
		return release.ActionAbort, struct{}{}
	case n < 3:
		return release.ActionHold, struct{}{}
	case n < 6:
		return release.ActionLift, struct{}{}
	case n < 7:
		return release.ActionPromote, release.Promote{}
	default:
		return release.ActionApprove, release.Ballot{Intent: *o.release.IntentDigest}
	}
}

func (o *operator) act(ctx context.Context, number int, last bool) (act, error) {
	a := act{release: o.random.IntN(2) == 0 || last && o.actor == "op-0", actor: o.actor, from: time.Now()}
	var arguments any
	if a.release {
		a.action, arguments = o.asksRelease(last)
	} else {
		a.action, arguments = o.asksChannel()
	}
	encoded, err := json.Marshal(arguments)
	if err != nil {
		return a, err
	}
	command, key := records.Command{Action: a.action, Arguments: encoded}, fmt.Sprint("key ", number)
	by := api.Identity{Actor: o.actor, Organization: races.Organization}
	if a.command, err = commandID(a, o.release.ReleaseID, key); err != nil {
		return a, err
	}
	for {
		a.tries++
		patience := 30 * time.Second
		if a.tries < 4 {
			patience = time.Duration(1+o.random.IntN(60)) * time.Millisecond
		}
		attempt, cancel := context.WithTimeout(ctx, patience)
		if a.release {
			_, err = o.r.Stack.Releases().Act(attempt, races.Organization, o.release.ReleaseID, command, key, by, "because")
		} else {
			_, err = o.r.Stack.Channels().Act(attempt, races.Organization, channel, command, key, by, "because")
		}
		cancel()
		var refusal *api.Refusal
		switch {
		case err == nil:
			a.to = time.Now()
			return a, nil
		case errors.As(err, &refusal) && refusal.Code != gates.TemporalUnavailable:
			a.code, a.to = string(refusal.Code), time.Now()
			return a, nil
		case ctx.Err() != nil:
			return a, err
		}
	}
}

// commandID returns the id of the entry that asks for an action.
func commandID(a act, releaseID, key string) (string, error) {
	subject := records.ChannelSubject(races.Organization, channel)
	if a.release {
		subject = records.ReleaseSubject(releaseID)
	}
	e, err := records.NewEntry(records.Entry{Organization: races.Organization, Type: records.TypeActionRequested, Subject: subject}, a.actor+"/"+key, nil)
	return e.ID, err
}

// TestOperatorsAtOnce has 16 operators act on a channel and a release, while both go on
// as new runs. What each is told has to be so in one order of all, which does not
// contradict who was told before whom.
func TestOperatorsAtOnce(t *testing.T) {
	t.Parallel()
	each, pokes := 12, 300
	if scaled() {
		each, pokes = 60, 6000
	}
	onRig(t, 300*time.Millisecond, func(ctx context.Context, t *testing.T, r *races.Rig) {
		pending, packs := awaitingApproval(ctx, t, r)
		start, err := r.Stack.Channels().Channel(ctx, races.Organization, channel)
		require.NoError(t, err)

		ofChannel, ofRelease := workflows.ChannelWorkflowID(races.Organization, channel), workflows.ReleaseWorkflowID(races.Organization, pending.ReleaseID)
		lengthen(ctx, t, r, ofChannel, 2800)
		lengthen(ctx, t, r, ofRelease, 2800)
		acts := everybody(ctx, t, r, pending, packs, each, pokes)

		commands := told(ctx, t, r, records.ChannelSubject(races.Organization, channel))
		_, err = r.Await(ctx, pending.ReleaseID, rollout.PhaseAborted)
		require.NoError(t, err)
		ofPending := told(ctx, t, r, records.ReleaseSubject(pending.ReleaseID))
		onChannel := operations(t, acts, false, commands)
		explain(t, channelModel(start), onChannel)
		require.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(channelModel(start), onChannel, 2*time.Minute), "the channel")
		onRelease := operations(t, acts, true, ofPending)
		explain(t, releaseModel(pending.ReleaseID), onRelease)
		require.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(releaseModel(pending.ReleaseID), onRelease, 2*time.Minute), "the release")

		// Planted: an operator is told what another should have been.
		require.NotEqual(t, porcupine.Ok, porcupine.CheckOperationsTimeout(channelModel(start), swapped(onChannel), 2*time.Minute))
		require.NotEqual(t, porcupine.Ok, porcupine.CheckOperationsTimeout(releaseModel(pending.ReleaseID), swapped(onRelease), 2*time.Minute))

		tries := 0
		for _, a := range acts {
			tries += a.tries
		}
		t.Logf("%d operators, %d actions in %d attempts (%d on the channel); the channel continued as new %d times, the release %d times", operators, len(acts), tries, len(onChannel),
			continued(ctx, t, r, ofChannel), continued(ctx, t, r, ofRelease))

		settles, done := context.WithTimeout(ctx, 20*time.Second)
		defer done()
		began := time.Now()
		_, err = r.Settled(settles, channel)
		require.NoError(t, err, "the newest index was to be read back")
		t.Logf("settled %s after the last action", time.Since(began))
		require.Positive(t, continued(ctx, t, r, ofChannel), "the channel was to continue as new")
		require.Positive(t, continued(ctx, t, r, ofRelease), "the release was to continue as new")
	})
}

// awaitingApproval has a release that more people have to approve than there are, on a
// channel where another is active.
func awaitingApproval(ctx context.Context, t *testing.T, r *races.Rig) (release.Record, []records.Digest) {
	t.Helper()
	build, err := r.Build(ctx, "Europa")
	require.NoError(t, err)
	good, err := r.CloseWell(ctx, races.Order{Key: "good", BuildID: build, Version: "1.0.0", Channel: channel, Observe: time.Second, Soak: time.Second})
	require.NoError(t, err)
	defaults, err := builtin.Load()
	require.NoError(t, err)
	encoded, err := json.Marshal(defaults.Policy)
	require.NoError(t, err)
	many := strings.Replace(string(encoded), `"solo":true`, `"quorum":40,"max_age":"24h"`, 1)
	require.NotEqual(t, string(encoded), many)
	policy, err := r.Stack.Artifacts().PutBytes(ctx, records.MediaJSON, []byte(many))
	require.NoError(t, err)
	asked, err := r.Stack.Releases().Create(ctx, races.Organization, release.Request{
		IdempotencyKey: "pending", BuildID: build, Channel: channel, Version: "1.0.0", Policy: &policy, Strategy: release.Strategy{Mode: release.AllAtOnce},
	}, api.Identity{Actor: "rita", Organization: races.Organization}, "to see")
	require.NoError(t, err)
	pending, err := r.Await(ctx, asked.ReleaseID, rollout.PhaseAwaitingApproval)
	require.NoError(t, err)
	_, err = r.Settled(ctx, channel)
	require.NoError(t, err)
	for {
		on, err := r.Stack.Channels().Channel(ctx, races.Organization, channel)
		require.NoError(t, err)
		if on.Turn == nil {
			break
		}
	}
	packs := []records.Digest{good.Intent.Pack}
	for i := range 6 {
		packs = append(packs, records.DigestOf([]byte(fmt.Sprint("pack ", i))))
	}
	return pending, packs
}

// lengthen brings the history of a workflow to where its next run is near: each signal
// that there is news adds to it.
func lengthen(ctx context.Context, t *testing.T, r *races.Rig, workflowID string, events int64) {
	t.Helper()
	for {
		described, err := r.Temporal.DescribeWorkflowExecution(ctx, workflowID, "")
		require.NoError(t, err)
		if described.GetWorkflowExecutionInfo().GetHistoryLength() > events {
			return
		}
		for range 20 {
			require.NoError(t, r.Temporal.SignalWorkflow(ctx, workflowID, "", workflows.SignalPoke, nil))
		}
	}
}

// everybody acts at once, while somebody else says again and again that there is news:
// every time adds to the histories of both workflows.
func everybody(ctx context.Context, t *testing.T, r *races.Rig, pending release.Record, packs []records.Digest, each, pokes int) []act {
	t.Helper()
	var mu sync.Mutex
	var all []act
	var errs []error
	var group sync.WaitGroup
	for n := range operators {
		o := &operator{r: r, release: pending, packs: packs, actor: fmt.Sprint("op-", n), random: rand.New(rand.NewPCG(uint64(n), 1))}
		group.Go(func() {
			for number := range each {
				a, err := o.act(ctx, number, number == each-1)
				mu.Lock()
				all, errs = append(all, a), append(errs, err)
				mu.Unlock()
			}
		})
	}
	for _, id := range []string{workflows.ChannelWorkflowID(races.Organization, channel), workflows.ReleaseWorkflowID(races.Organization, pending.ReleaseID)} {
		group.Go(func() {
			for range pokes {
				if r.Temporal.SignalWorkflow(ctx, id, "", workflows.SignalPoke, nil) != nil {
					return // the release was aborted
				}
			}
		})
	}
	group.Wait()
	require.NoError(t, errors.Join(errs...))
	return all
}

// continued counts the runs of a workflow that went on as new ones. To follow them from
// the newest back does not do: one that has ended is started again by who asks it for
// something.
func continued(ctx context.Context, t *testing.T, r *races.Rig, workflowID string) int64 {
	t.Helper()
	counted, err := r.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: fmt.Sprintf("WorkflowId = '%s' AND ExecutionStatus = 'ContinuedAsNew'", workflowID),
	})
	require.NoError(t, err)
	return counted.Count
}

// told returns what was asked of a subject, and holds that all that its newest record has
// seen was answered once, and nothing else: answers are committed with the record.
func told(ctx context.Context, t *testing.T, r *races.Rig, subject records.Subject) map[string]rollout.Message {
	t.Helper()
	var newest struct {
		Seen int64 `json:"seen"`
	}
	asked, answers := map[string]rollout.Message{}, map[string]int{}
	for after := int64(0); ; {
		page, err := r.Stack.Store().Entries(ctx, races.Organization, subject, store.EntryQuery{After: after, Limit: 500})
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			after = e.Sequence
			switch e.Type {
			case records.TypeActionRequested, records.TypeActionAsked:
				asked[e.ID] = rollout.Message{Sequence: e.Sequence, ID: e.ID, Type: e.Type, Actor: e.Actor, Reason: e.Reason, At: e.At, Body: e.Body}
			case records.TypeActionAccepted, records.TypeActionRefused:
				var outcome records.CommandOutcome
				require.NoError(t, json.Unmarshal(e.Body, &outcome))
				answers[outcome.Command]++
			case records.TypeRecordWritten:
				require.NoError(t, json.Unmarshal(e.Body, &newest))
			}
		}
	}
	require.NotEmpty(t, asked)
	for id, m := range asked {
		want := 1
		if m.Sequence > newest.Seen {
			want = 0
		}
		require.Equal(t, want, answers[id], "answers to entry %s, %s", id, m.Body)
	}
	return asked
}

// operations makes acts what the checker takes.
func operations(t *testing.T, acts []act, ofRelease bool, commands map[string]rollout.Message) []porcupine.Operation {
	t.Helper()
	var all []porcupine.Operation
	for _, a := range acts {
		if a.release != ofRelease {
			continue
		}
		var n int
		_, err := fmt.Sscanf(a.actor, "op-%d", &n)
		require.NoError(t, err)
		message, found := commands[a.command]
		require.True(t, found)
		all = append(all, porcupine.Operation{ClientId: n, Input: asking{act: a, message: message}, Output: a.code, Call: a.from.UnixNano(), Return: a.to.UnixNano()})
	}
	sorted := slices.Clone(all)
	sequence := func(o porcupine.Operation) int64 { return o.Input.(asking).message.Sequence }
	slices.SortFunc(sorted, func(a, b porcupine.Operation) int { return cmp.Compare(sequence(a), sequence(b)) })
	for i, o := range all {
		asked := o.Input.(asking)
		asked.place = 1 + slices.IndexFunc(sorted, func(other porcupine.Operation) bool { return sequence(other) == sequence(o) })
		all[i].Input = asked
	}
	return all
}

// explain logs what keeps answers from being so in the order of the store.
func explain(t *testing.T, model porcupine.Model, operations []porcupine.Operation) {
	t.Helper()
	sorted := slices.Clone(operations)
	slices.SortFunc(sorted, func(a, b porcupine.Operation) int { return cmp.Compare(a.Input.(asking).place, b.Input.(asking).place) })
	state, begun := model.Init(), int64(0)
	for _, o := range sorted {
		asked := o.Input.(asking)
		if o.Return < begun {
			t.Logf("entry %d, %s by %s, was answered before one began that lies before it", asked.message.Sequence, asked.action, asked.actor)
		}
		begun = max(begun, o.Call)
		fits, next := model.Step(state, o.Input, o.Output)
		if !fits {
			t.Logf("entry %d, %s by %s, was answered %q, which is not so after %+v", asked.message.Sequence, asked.action, asked.actor, o.Output, state)
			return
		}
		state = next
	}
}

// swapped exchanges the answers to two actions of a kind.
func swapped(operations []porcupine.Operation) []porcupine.Operation {
	changed := slices.Clone(operations)
	changed[0].Output, changed[1].Output = "SOMETHING_ELSE", changed[0].Output
	return changed
}

// asking is an action, and the entry that asks for it.
type asking struct {
	act
	message rollout.Message
	place   int // in the order of the store, from 1
}

// inOrder is a state after so many entries: they are taken in in the order of the store,
// and in no other.
type inOrder[S any] struct {
	of    S
	taken int
}

// channelModel is the machine of channels. A rollback finds where to go, and ends, by
// itself, each at some time.
func channelModel(start rollout.Record) porcupine.Model {
	model := porcupine.NondeterministicModel{
		Init: func() []any { return []any{inOrder[rollout.Record]{of: start}} },
		Step: func(state, input, output any) []any {
			s, asked := state.(inOrder[rollout.Record]), input.(asking)
			var next []any
			if asked.place != s.taken+1 {
				return next
			}
			for _, before := range []rollout.Record{s.of, restored(s.of), ended(s.of)} {
				if after, taken := before.Take(asked.message); taken.Outcome.Code == output.(string) {
					next = append(next, inOrder[rollout.Record]{after, asked.place})
				}
			}
			return next
		},
		Equal: func(a, b any) bool { return essence(a) == essence(b) },
	}
	return model.ToModel()
}

// essence is what of a channel decides on what operators are told here.
func essence(state any) string {
	s := state.(inOrder[rollout.Record])
	r := s.of
	text, _ := json.Marshal([]any{s.taken, r.Slots, r.Holds, r.Pins, r.Revoked, r.Quarantined, r.Containment, r.Sequence == r.Confirmed})
	return string(text)
}

// restored is a channel whose rollback, which has no other pack to go to, goes to safe mode.
func restored(r rollout.Record) rollout.Record {
	if r.Containment != nil && !r.Containment.Placed {
		r, _, _ = r.Reduce(rollout.ChannelEvent{At: time.Now(), Actor: records.SystemActor, Action: rollout.Restore{ID: r.Containment.ID}}, "")
	}
	return r
}

// ended is a channel whose publication was read back, and with it its rollback.
func ended(r rollout.Record) rollout.Record {
	r = restored(r)
	confirm := rollout.Confirm{Sequence: r.Sequence}
	for _, slot := range r.Slots {
		seen := rollout.Observed{Cohort: slot.Cohort}
		if slot.Desired != nil {
			seen.Pack = &slot.Desired.Pack.Digest
		}
		confirm.Observed = append(confirm.Observed, seen)
	}
	r, _, _ = r.Reduce(rollout.ChannelEvent{At: time.Now(), Actor: records.SystemActor, Action: confirm}, "")
	return r
}

// pendingRelease is a release that waits for approvals, as operators see it.
type pendingRelease struct {
	rollout.Release
	voted string // who did, each with a comma
}

// releaseModel is the machine of releases, and who voted.
func releaseModel(id string) porcupine.Model {
	return porcupine.Model{
		Equal: func(a, b any) bool { return a.(inOrder[pendingRelease]).taken == b.(inOrder[pendingRelease]).taken },
		Init: func() any {
			return inOrder[pendingRelease]{of: pendingRelease{Release: rollout.Release{ID: id, Phase: rollout.PhaseAwaitingApproval, Stages: 1}}}
		},
		Step: func(state, input, output any) (bool, any) {
			s, a := state.(inOrder[pendingRelease]), input.(asking)
			if a.place != s.taken+1 {
				return false, state
			}
			fits, after := s.of.told(a.act, output.(string))
			return fits, inOrder[pendingRelease]{after, a.place}
		},
	}
}

// acts are the actions that are events of the machine.
var acts = map[string]rollout.ReleaseEventKind{release.ActionHold: rollout.AskedHold, release.ActionLift: rollout.AskedLift, release.ActionAbort: rollout.AskedAbort}

// told reports whether an operator may be told so of an action, and what it does.
func (p pendingRelease) told(a act, code string) (bool, pendingRelease) {
	if kind, is := acts[a.action]; is {
		after, _, refused := p.Reduce(rollout.ReleaseEvent{Kind: kind, Actor: a.actor, Owner: a.actor, Reason: "because"})
		if refused != nil {
			return code == string(refused.Code), p
		}
		return code == "", pendingRelease{after, p.voted}
	}
	me := a.actor + ","
	switch {
	case a.action == release.ActionPromote, p.Ended(), strings.Contains(p.voted, me):
		return code == string(gates.InvalidTransition), p
	case len(p.Holds) > 0:
		return code == string(gates.ReleaseHeld), p
	case code == string(gates.ChannelHeld), code == string(gates.ChannelPinned):
		return true, p // which the release alone does not say
	default:
		return code == "", pendingRelease{p.Release, p.voted + me}
	}
}
