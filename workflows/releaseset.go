package workflows

import (
	"cmp"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// peers are the other releases of the set, sorted.
func (r *releaseRun) peers() []string {
	var ids []string
	for _, channel := range r.record.Request.With {
		if channel != r.record.Request.Channel {
			ids = append(ids, release.MemberID(r.organization, r.record.Request.Set, channel))
		}
	}
	slices.Sort(ids)
	return ids
}

// tellPeers notes that something is told to the whole set. They are poked once it is
// recorded.
func (r *releaseRun) tellPeers(ctx workflow.Context, kind rollout.EffectKind, stage int, code gates.Code) {
	for _, peer := range r.peers() {
		r.note(ctx, records.Entry{
			Type: release.TypeTold, Subject: records.ReleaseSubject(peer), Correlation: records.Correlation{ReleaseID: peer},
		}, "", rollout.Effect{Kind: kind, ReleaseID: peer, ID: r.in.ReleaseID, Stage: stage, Code: code})
		r.toPoke = append(r.toPoke, peer)
	}
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
	if !slices.Contains(r.peers(), effect.ID) {
		return nil
	}
	if effect.Kind == rollout.PeerReady {
		ready := release.Peer{ReleaseID: effect.ID, Ready: effect.Stage}
		others := slices.DeleteFunc(slices.Clone(r.record.Peers), func(p release.Peer) bool { return p.ReleaseID == effect.ID })
		r.record.Peers = append(others, ready)
		slices.SortFunc(r.record.Peers, func(a, b release.Peer) int { return cmp.Compare(a.ReleaseID, b.ReleaseID) })
		r.news++
		return nil
	}
	event := rollout.ReleaseEvent{Kind: rollout.AskedAbort, Code: gates.SetAborted, Reason: "release " + effect.ID + " of the set: " + string(effect.Code)}
	if rollout.Phase(r.record.Phase) == rollout.PhaseClosedGood {
		event.Kind = rollout.AskedRollback
	}
	steps, _ := r.apply(ctx, event) // one that has ended stays as it is
	return steps
}

// behind returns the releases of the set that are not ready to enter a stage.
func (r *releaseRun) behind(stage int) []string {
	ready := func(id string) bool {
		return slices.ContainsFunc(r.record.Peers, func(p release.Peer) bool { return p.ReleaseID == id && p.Ready >= stage })
	}
	return slices.DeleteFunc(r.peers(), ready)
}

// barrier tells the set that the release is ready to enter a stage, and waits until
// all are.
func (r *releaseRun) barrier(ctx workflow.Context, stage int) error {
	if len(r.peers()) == 0 || r.announced > stage {
		return nil
	}
	r.announced = stage + 1
	r.tellPeers(ctx, rollout.PeerReady, stage, "")
	if late := r.behind(stage); len(late) > 0 {
		r.record.Waits = &release.Wait{For: "the rest of the set: " + strings.Join(late, ", ")}
	}
	if _, err := r.save(ctx); err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return len(r.behind(stage)) == 0 })
}
