package releases

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/cohort"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/telemetry"
)

// Directory knows releases from their records.
type Directory struct {
	store     entryReader
	artifacts *artifacts.Store
	reader    *activities.Reader
	versions  *activities.Cache[versionKey, telemetry.Release]
	lists     *activities.Cache[release.Frozen, map[string]struct{}]
}

var _ telemetry.Directory = (*Directory)(nil)

// versionKey names a version of a release's record.
type versionKey struct {
	organization, releaseID string
	record                  records.Digest
}

// versionsKept and listsKept bound what is kept in memory.
const (
	versionsKept = 256
	listsKept    = 256
)

// NewDirectory returns a directory of the releases in a store.
func NewDirectory(store entryReader, artifacts *artifacts.Store, reader *activities.Reader) *Directory {
	return &Directory{
		store: store, artifacts: artifacts, reader: reader,
		versions: activities.NewCache[versionKey, telemetry.Release](versionsKept),
		lists:    activities.NewCache[release.Frozen, map[string]struct{}](listsKept),
	}
}

// Known returns a release, unless it has ended or its pack is not yet known. One that
// closed well is active and still takes telemetry.
func (d *Directory) Known(ctx context.Context, organization, releaseID string) (telemetry.Release, bool, error) {
	loaded, err := load(ctx, d.store, organization, records.ReleaseSubject(releaseID))
	if err != nil || !loaded.Found {
		return telemetry.Release{}, false, err
	}
	var record release.Record
	if err := json.Unmarshal(loaded.Body, &record); err != nil {
		return telemetry.Release{}, false, runner.Fail(gates.EvidenceMissing, err, "the record of release %s does not decode", releaseID)
	}
	ended := rollout.Release{Phase: rollout.Phase(record.Phase)}.Ended()
	if ended || record.Pack == nil || record.PolicyRef == nil {
		return telemetry.Release{}, false, nil
	}
	key := versionKey{organization, releaseID, records.DigestOf(loaded.Body)}
	known, err := d.versions.Get(key, func() (telemetry.Release, error) { return d.read(ctx, releaseID, record) })
	return known, err == nil, err
}

func (d *Directory) read(ctx context.Context, releaseID string, record release.Record) (telemetry.Release, error) {
	pack, err := record.Pack.Digest()
	if err != nil {
		return telemetry.Release{}, err
	}
	known := telemetry.Release{ID: releaseID, PackID: pack.String(), Cohorts: map[string]telemetry.Cohort{}}
	for _, stage := range record.Stages {
		for _, frozen := range stage.Frozen {
			members, err := d.lists.Get(frozen, func() (map[string]struct{}, error) { return d.members(ctx, frozen) })
			if err != nil {
				return telemetry.Release{}, err
			}
			cohort := telemetry.Cohort{Members: members}
			if stage.ActivatedAt != nil {
				cohort.ActivatedAt = *stage.ActivatedAt
			}
			known.Cohorts[frozen.Cohort] = cohort
		}
	}
	bundle, err := d.reader.Bundle(ctx, *record.PolicyRef)
	if err != nil {
		return telemetry.Release{}, err
	}
	known.Signals, err = signals(bundle.Policy)
	return known, err
}

// members reads a list of a cohort's nodes and holds it to its digests.
func (d *Directory) members(ctx context.Context, frozen release.Frozen) (map[string]struct{}, error) {
	data, err := d.artifacts.ReadAll(ctx, frozen.List, listLimit)
	if err != nil {
		return nil, err
	}
	var list cohort.Frozen
	err = json.Unmarshal(data, &list)
	if err != nil || list.Verify() != nil || list.Digest != frozen.Digest || list.Cohort.Name != frozen.Cohort {
		return nil, runner.Fail(gates.EvidenceMissing, err, "list %s is not that of cohort %s", frozen.List.Digest, frozen.Cohort)
	}
	members := make(map[string]struct{}, len(list.Nodes))
	for _, node := range list.Nodes {
		members[node] = struct{}{}
	}
	return members, nil
}

// typeHealth is the type of the rules that look at telemetry.
const typeHealth = "rollout_health"

// signals returns the health signals that a policy looks at, sorted.
func signals(policy gates.Policy) ([]string, error) {
	var names []string
	for _, rule := range policy.Rules {
		if rule.Type != typeHealth {
			continue
		}
		var config struct {
			Metrics []struct {
				Name string `json:"name"`
			} `json:"metrics"`
		}
		if err := json.Unmarshal(rule.Config, &config); err != nil {
			return nil, runner.Fail(gates.PolicyInvalid, err, "rule %s", rule.ID)
		}
		for _, metric := range config.Metrics {
			if signal, is := strings.CutPrefix(metric.Name, telemetry.SignalMetric("")); is {
				// What is judged of a signal is its mean or a quantile (gates.WindowOf).
				if at := strings.LastIndexByte(signal, '.'); at > 0 {
					names = append(names, signal[:at])
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
