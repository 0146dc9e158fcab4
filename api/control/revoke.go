package control

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// Revoke finds the packs that a cause names, and has every channel revoke or
// quarantine them. A channel that knows of them already is left as it is; one that
// fails does not keep the others from it. What no channel would know of is refused:
// it would be said to be revoked, and go out with the next release.
func (r Releases) Revoke(
	ctx context.Context, organization string, cause api.RevokeCause, quarantine bool, key string, by api.Identity, reason string,
) (api.RevokeResult, error) {
	packs, why, err := r.packsOf(ctx, organization, cause)
	if err != nil {
		return api.RevokeResult{}, err
	}
	if len(packs) == 0 {
		return api.RevokeResult{}, refuse(gates.NotFound, nil, "no pack was made by %s", why)
	}
	channels, err := r.Channels.List(ctx, organization)
	if err != nil {
		return api.RevokeResult{}, err
	}
	if len(channels) == 0 {
		return api.RevokeResult{}, refuse(gates.InvalidTransition, nil,
			"there is no channel yet that could know of it: nothing of %s was ever released, and nothing is revoked", why)
	}
	arguments, err := json.Marshal(release.Packs{Packs: packs, Cause: why})
	if err != nil {
		return api.RevokeResult{}, err
	}
	action := release.ActionRevoke
	if quarantine {
		action = release.ActionQuarantine
	}
	result := api.RevokeResult{Packs: packs}
	var failed []error
	for _, channel := range channels {
		name := channel.ChannelName()
		_, err := r.Channels.Act(ctx, organization, name, records.Command{Action: action, Arguments: arguments}, key, by, reason)
		var refusal *api.Refusal
		switch {
		case err == nil:
			result.Channels = append(result.Channels, name)
		case errors.As(err, &refusal) && refusal.Code == gates.InvalidTransition:
			result.Known = append(result.Known, name)
		default:
			failed = append(failed, fmt.Errorf("channel %s: %w", name, err))
		}
	}
	return result, errors.Join(failed...)
}

// packsOf returns the packs that a cause names, sorted, and the cause in words.
func (r Releases) packsOf(ctx context.Context, organization string, cause api.RevokeCause) ([]records.Digest, string, error) {
	switch {
	case cause.Pack.Valid():
		return []records.Digest{cause.Pack}, "pack " + cause.Pack.String(), nil
	case cause.Release != "":
		record, err := r.Release(ctx, organization, cause.Release)
		if err != nil {
			return nil, "", err
		}
		if record.Intent == nil {
			return nil, "", refuse(gates.InvalidTransition, nil, "release %s has no pack yet", cause.Release)
		}
		return []records.Digest{record.Intent.Pack}, "release " + cause.Release, nil
	}
	why, from := origins(cause)
	if from == nil {
		return nil, "", refuse(gates.RequestInvalid, nil, "a pack, a release, a snapshot, a runner's version or a key has to be named")
	}
	packs, err := r.madeFrom(ctx, organization, from)
	return packs, why, err
}

// origin reports whether a build is of a cause.
type origin func(records.BuildRecord, []records.RecordAttested) bool

// origins says of which builds a cause is.
func origins(cause api.RevokeCause) (string, origin) {
	switch {
	case cause.Snapshot.Valid():
		return "snapshot " + cause.Snapshot.String(), func(b records.BuildRecord, _ []records.RecordAttested) bool {
			return b.Snapshot.Digest == cause.Snapshot
		}
	case cause.RunnerVersion != "":
		return "runner version " + cause.RunnerVersion, func(b records.BuildRecord, _ []records.RecordAttested) bool {
			return b.Pins != nil && slices.ContainsFunc(b.Pins.Stages, func(s records.PinnedStage) bool { return s.Runner.Version == cause.RunnerVersion })
		}
	case cause.Key != "":
		return "key " + cause.Key, func(b records.BuildRecord, attested []records.RecordAttested) bool {
			return slices.ContainsFunc(b.Decisions, namesKey(cause.Key)) ||
				slices.ContainsFunc(attested, func(a records.RecordAttested) bool { return a.KeyID == cause.Key })
		}
	default:
		return "", nil
	}
}

// attested returns what was signed of a build.
func (r Releases) attested(ctx context.Context, organization string, build records.Subject) ([]records.RecordAttested, error) {
	entries, err := r.Store.Entries(ctx, organization, build, store.EntryQuery{Types: []string{records.TypeRecordAttested}})
	if err != nil {
		return nil, err
	}
	all := make([]records.RecordAttested, len(entries))
	for i, entry := range entries {
		if err := json.Unmarshal(entry.Body, &all[i]); err != nil {
			return nil, fmt.Errorf("entry %s: %w", entry.ID, err)
		}
	}
	return all, nil
}

// namesKey reports whether a decision looked at a valid signature of a key.
func namesKey(key string) func(json.RawMessage) bool {
	return func(raw json.RawMessage) bool {
		var decision struct {
			Inputs struct {
				Outputs []gates.OutputEvidence `json:"outputs"`
			} `json:"inputs"`
		}
		if json.Unmarshal(raw, &decision) != nil {
			return false
		}
		return slices.ContainsFunc(decision.Inputs.Outputs, func(o gates.OutputEvidence) bool {
			return slices.ContainsFunc(o.Signatures, func(s gates.SignatureEvidence) bool { return s.KeyID == key && s.Valid })
		})
	}
}

// madeFrom goes through every build that passed: what is revoked must not be missed.
func (r Releases) madeFrom(ctx context.Context, organization string, from origin) ([]records.Digest, error) {
	var packs []records.Digest
	query := store.BuildQuery{States: []records.BuildState{records.BuildPassed}, Limit: store.MaxPage}
	for {
		page, next, err := r.Store.Builds(ctx, organization, query)
		if err != nil {
			return nil, err
		}
		for _, view := range page {
			var record records.BuildRecord
			build := records.Subject{Kind: records.SubjectBuild, ID: view.BuildID}
			if err := newest(ctx, r.Store, organization, build, &record); err != nil {
				return nil, fmt.Errorf("record of build %s: %w", view.BuildID, err)
			}
			attested, err := r.attested(ctx, organization, build)
			if err != nil {
				return nil, err
			}
			pack, made := index.PackOf(record, "")
			if !made || !from(record, attested) {
				continue
			}
			digest, err := pack.Digest()
			if err != nil {
				return nil, err
			}
			packs = append(packs, digest)
		}
		if query.Cursor = next; next == "" {
			break
		}
	}
	slices.SortFunc(packs, func(a, b records.Digest) int { return cmp.Compare(a.Value, b.Value) })
	return slices.Compact(packs), nil
}
