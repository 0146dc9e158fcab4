package releases

import (
	"context"
	"encoding/json"
	"time"

	"github.com/initkoa/orgo/activities/relay"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/telemetry"
)

// Threshold says of what a release must hear at once: of a window on which the rules
// of its own policy already fail it. It decides nothing; the release does.
type Threshold struct {
	Directory *Directory
	Clock     interface{ Now() time.Time }
}

var _ relay.Threshold = Threshold{}

// Crossed reports whether the release would fail on the window as it is. What cannot
// be told is not: the window comes with the next interval all the same.
func (t Threshold) Crossed(of relay.Release, window telemetry.Window) bool {
	rules, err := t.Directory.rules(context.Background(), of.Organization, of.ID)
	if err != nil {
		return false
	}
	now := t.Clock.Now()
	d := gates.Health(gates.Context{
		Subject: gates.Subject{ReleaseID: of.ID, Stage: records.Activate, Cohort: window.Cohort},
		Rules:   rules, At: now, Actor: records.SystemActor, Evaluator: gates.EvaluatorVersion,
	}, gates.WindowOf(window, now, now))
	return d.Verdict == gates.Fail
}

// rules returns the policy that decides on a release, ready.
func (d *Directory) rules(ctx context.Context, organization, releaseID string) (gates.Ruleset, error) {
	loaded, err := load(ctx, d.store, organization, records.ReleaseSubject(releaseID))
	if err != nil || !loaded.Found {
		return gates.Ruleset{}, err
	}
	var record release.Record
	if err := json.Unmarshal(loaded.Body, &record); err != nil || record.PolicyRef == nil {
		return gates.Ruleset{}, err
	}
	bundle, err := d.reader.Bundle(ctx, *record.PolicyRef)
	if err != nil {
		return gates.Ruleset{}, err
	}
	return bundle.Rules, nil
}
