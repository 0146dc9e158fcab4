package workflows

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// member is another release of the set.
type member struct {
	id      string
	channel records.ChannelName
}

// members are the other releases of the set, in the order of their channels' names. It is
// the same order in every set.
func (r *releaseRun) members() []member {
	var all []member
	for _, channel := range r.record.Request.With {
		if channel != r.record.Request.Channel {
			all = append(all, member{release.MemberID(r.organization, r.record.Request.Set, channel), channel})
		}
	}
	slices.SortFunc(all, func(a, b member) int { return strings.Compare(a.channel.String(), b.channel.String()) })
	return all
}

// beside are the members whose channels come just before and just after that of the
// release.
func (r *releaseRun) beside() (ahead, next *member) {
	for _, m := range r.members() {
		if m.channel.String() > r.record.Request.Channel.String() {
			return ahead, &m
		}
		ahead = &m
	}
	return ahead, nil
}

func (r *releaseRun) isPeer(id string) bool {
	return slices.ContainsFunc(r.members(), func(m member) bool { return m.id == id })
}

// tellPeers notes that something is told to the whole set. They are poked once it is
// recorded.
func (r *releaseRun) tellPeers(ctx workflow.Context, kind rollout.EffectKind, stage int, code gates.Code) {
	for _, peer := range r.members() {
		r.tellPeer(ctx, peer.id, rollout.Effect{Kind: kind, Stage: stage, Code: code})
	}
}

func (r *releaseRun) tellPeer(ctx workflow.Context, peer string, effect rollout.Effect) {
	effect.ReleaseID, effect.ID = peer, r.in.ReleaseID
	r.note(ctx, records.Entry{
		Type: release.TypeTold, Subject: records.ReleaseSubject(peer), Correlation: records.Correlation{ReleaseID: peer},
	}, "", effect)
	r.toPoke = append(r.toPoke, peer)
}

// pokePeers says to those that were told something that it is there.
func (r *releaseRun) pokePeers(ctx workflow.Context) {
	slices.Sort(r.toPoke)
	for _, peer := range slices.Compact(r.toPoke) {
		// It is waited for, since this workflow may be about to end. One that cannot be
		// poked has ended, or looks by itself.
		_ = workflow.SignalExternalWorkflow(ctx, ReleaseWorkflowID(r.organization, peer), "", SignalPoke, nil).Get(ctx, nil)
	}
	r.toPoke = nil
}

// heardOf takes in what another release of the set told.
func (r *releaseRun) heardOf(ctx workflow.Context, effect rollout.Effect) []rollout.Step {
	if !r.isPeer(effect.ID) {
		return nil
	}
	r.news++ // who waits for it looks again
	switch effect.Kind {
	case rollout.PeerReady:
		r.isReady(effect.ID, effect.Stage)
		return nil
	case rollout.PeerTurn:
		return nil
	}
	event := setAborted(effect.ID, effect.Code)
	if rollout.Phase(r.record.Phase) == rollout.PhaseClosedGood {
		event.Kind = rollout.AskedRollback
	}
	steps, _ := r.apply(ctx, event) // one that has ended stays as it is
	return steps
}

// setAborted is what happens to a release when another of its set goes back, or ends.
func setAborted(peer string, code gates.Code) rollout.ReleaseEvent {
	return rollout.ReleaseEvent{Kind: rollout.AskedAbort, Code: gates.SetAborted, Reason: "release " + peer + " of the set: " + string(code)}
}

// isReady keeps that another release of the set is ready to enter a stage.
func (r *releaseRun) isReady(id string, stage int) {
	ready := release.Peer{ReleaseID: id, Ready: stage}
	var others []release.Peer
	for _, p := range r.record.Peers {
		if p.ReleaseID == id {
			ready.Ready = max(ready.Ready, p.Ready)
			continue
		}
		others = append(others, p)
	}
	r.record.Peers = append(others, ready)
	slices.SortFunc(r.record.Peers, func(a, b release.Peer) int { return cmp.Compare(a.ReleaseID, b.ReleaseID) })
}

// behind returns the releases of the set that are not ready to enter a stage.
func (r *releaseRun) behind(stage int) []string {
	var late []string
	for _, m := range r.members() {
		if !slices.ContainsFunc(r.record.Peers, func(p release.Peer) bool { return p.ReleaseID == m.id && p.Ready >= stage }) {
			late = append(late, m.id)
		}
	}
	return late
}

// lookAround reads how the others of the set stand. What they told wakes this one up and
// may be lost on one that was created after it was told; what they are is in their
// records. It returns the phase of each that was created, and what happens if one has
// gone back or ended.
func (r *releaseRun) lookAround(ctx workflow.Context) (map[string]rollout.Phase, *rollout.ReleaseEvent, error) {
	phases := map[string]rollout.Phase{}
	for _, m := range r.members() {
		loaded, err := r.load(ctx, records.ReleaseSubject(m.id))
		if err != nil {
			return nil, nil, err
		}
		if !loaded.Found {
			continue
		}
		var peer release.Record
		if err := json.Unmarshal(loaded.Body, &peer); err != nil {
			return nil, nil, fmt.Errorf("record of release %s of the set: %w", m.id, err)
		}
		phase := rollout.Phase(peer.Phase)
		phases[m.id] = phase
		if phase == rollout.PhaseRollingBack || (rollout.Release{Phase: phase}).Ended() {
			event := setAborted(m.id, gates.Code(peer.Code))
			return phases, &event, nil
		}
		if stage, ready := rollout.ReadyFor(phase, peer.Stage); ready {
			r.isReady(m.id, stage)
		}
	}
	return phases, nil, nil
}

// inOrder waits until the release of the set on the channel before this one's has its
// turn there. So no two sets ever wait for each other: docs/rollout.md says why.
func (r *releaseRun) inOrder(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	ahead, _ := r.beside()
	return r.together(ctx, func(phases map[string]rollout.Phase) string {
		if ahead == nil || rollout.HasTurn(phases[ahead.id]) {
			return ""
		}
		return fmt.Sprintf("release %s of the set, which has to have its turn on %s first", ahead.id, ahead.channel)
	})
}

// barrier tells the set that the release is ready to enter a stage, and waits until
// all are.
func (r *releaseRun) barrier(ctx workflow.Context, stage int) (*rollout.ReleaseEvent, error) {
	if len(r.members()) > 0 && r.announced <= stage {
		r.announced = stage + 1
		r.tellPeers(ctx, rollout.PeerReady, stage, "")
	}
	return r.together(ctx, func(map[string]rollout.Phase) string {
		if late := r.behind(stage); len(late) > 0 {
			return "the rest of the set: " + strings.Join(late, ", ")
		}
		return ""
	})
}

// together waits until nothing is waited for of the others of the set, of which waits
// says what. It looks again when one of them told something, and from time to time.
func (r *releaseRun) together(ctx workflow.Context, waits func(map[string]rollout.Phase) string) (*rollout.ReleaseEvent, error) {
	if len(r.members()) == 0 {
		return nil, nil
	}
	for {
		news, ticks := r.news, r.ticks
		phases, ended, err := r.lookAround(ctx)
		if err != nil || ended != nil {
			return ended, err
		}
		what := waits(phases)
		says := what != "" && (r.record.Waits == nil || r.record.Waits.For != what)
		if says {
			r.record.Waits = &release.Wait{For: what}
		}
		if says || len(r.pending) > 0 {
			if done, err := r.save(ctx); err != nil || !done {
				return nil, errors.Join(err, errLost(done))
			}
		}
		if what == "" {
			return nil, nil
		}
		if err := workflow.Await(ctx, func() bool { return r.news > news || r.ticks > ticks }); err != nil {
			return nil, err
		}
	}
}
