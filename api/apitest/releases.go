package apitest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// Asked is what a caller asked for.
type Asked struct {
	Of      string // the release's id, or environment/channel
	Command records.Command
	Key     string
	By      api.Identity
	Reason  string
}

// Revoked is what a caller asked to revoke.
type Revoked struct {
	Cause      api.RevokeCause
	Quarantine bool
	Reason     string
}

// Releases is the double of the choke point for releases. It keeps the promises of
// api.Releases about keys, has releases in memory, and moves them by the real machine
// as far as a hold, a lift and an abort go. The test does the rest with Change.
type Releases struct {
	store *store.Store

	mu       sync.Mutex
	releases []owned[release.Record] // in the order in which they came
	asked    []Asked
	revoked  []Revoked
}

// owned is a record and the organization that it belongs to.
type owned[T any] struct {
	organization string
	record       T
}

var _ api.Releases = (*Releases)(nil)

// PackOf is the pack that the double says a build made.
func PackOf(buildID string) records.Digest { return records.DigestOf([]byte("pack of " + buildID)) }

// Asked returns what was asked of releases, in order.
func (r *Releases) Asked() []Asked {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.asked)
}

// Revoked returns what was asked to be revoked, in order.
func (r *Releases) Revoked() []Revoked {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.revoked)
}

// Create keeps a release that waits for an approval of its intent.
func (r *Releases) Create(ctx context.Context, organization string, request release.Request, by api.Identity, reason string) (release.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if there, err := r.find(organization, request.ReleaseID); err == nil {
		same, err := sameJSON(there.Request, request)
		if err == nil && !same {
			err = &api.Refusal{Code: gates.IdempotencyKeyReused, Message: fmt.Sprintf("idempotency key %q belongs to release %s", request.IdempotencyKey, request.ReleaseID)}
		}
		return *there, err
	}
	record := release.Record{
		Kind: "release_record", RecordVersion: release.RecordVersion, Version: 1, Organization: organization, ReleaseID: request.ReleaseID,
		CreatedAt: Epoch, CreatedBy: by.Actor, Reason: reason, UpdatedAt: Epoch, Request: request,
		Phase: string(rollout.PhaseAwaitingApproval), Codes: []string{string(gates.ApprovalsMissing)},
		Waits: &release.Wait{For: "approvals", Until: new(Epoch.Add(time.Hour))}, Events: []release.Event{},
		Stages: []release.StageState{
			{Part: release.Part{Name: "canary", Cohorts: []string{"canary"}}},
			{Part: release.Part{Name: "rest", Cohorts: []string{"early", "late"}}},
		},
		Intent: &release.Intent{
			ReleaseID: request.ReleaseID, Channel: request.Channel, BuildID: request.BuildID, Pack: PackOf(request.BuildID), Version: request.Version,
			Plan: release.Plan{
				Cohorts: []release.Portion{{Cohort: "canary", Points: 500}, {Cohort: "early", Points: 2500}, {Cohort: "late", Points: 7000}},
				Parts:   []release.Part{{Name: "canary", Cohorts: []string{"canary"}}, {Name: "rest", Cohorts: []string{"early", "late"}}},
			},
			Policy: records.DigestOf([]byte("policy")),
		},
	}
	digest, err := record.Intent.Digest()
	if err != nil {
		return record, err
	}
	record.IntentDigest = &digest
	settle(&record)
	if err := r.append(ctx, organization, request.ReleaseID, release.TypeRequested, "requested", by.Actor, reason, request); err != nil {
		return record, err
	}
	r.releases = append(r.releases, owned[release.Record]{organization, record})
	return record, nil
}

// Act records what is asked, and carries it out once for each key.
func (r *Releases) Act(
	ctx context.Context, organization, id string, command records.Command, key string, by api.Identity, reason string,
) (release.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	record, err := r.find(organization, id)
	if err != nil {
		return release.Record{}, err
	}
	if slices.ContainsFunc(r.asked, func(a Asked) bool { return a.Of == id && a.Key == key }) {
		return *record, nil
	}
	r.asked = append(r.asked, Asked{Of: id, Command: command, Key: key, By: by, Reason: reason})
	if err := r.append(ctx, organization, id, records.TypeActionRequested, key, by.Actor, reason, command); err != nil {
		return *record, err
	}
	next := *record
	if err := take(&next, command, by.Actor, reason); err != nil {
		return *record, err
	}
	next.Version++
	settle(&next)
	*record = next
	return next, nil
}

// events are the actions that are events of the machine.
var events = map[string]rollout.ReleaseEventKind{
	release.ActionHold: rollout.AskedHold, release.ActionLift: rollout.AskedLift, release.ActionAbort: rollout.AskedAbort,
}

// take is what an action does to a record.
func take(record *release.Record, command records.Command, actor, reason string) error {
	if command.Action == release.ActionApprove || command.Action == release.ActionReject {
		return vote(record, command, actor, reason)
	}
	kind, moves := events[command.Action]
	if !moves {
		return nil
	}
	machine := rollout.Release{ID: record.ReleaseID, Phase: rollout.Phase(record.Phase), Stage: record.Stage, Stages: len(record.Stages)}
	for _, hold := range record.Holds {
		machine.Holds = append(machine.Holds, rollout.Hold(hold))
	}
	machine, _, refused := machine.Reduce(rollout.ReleaseEvent{
		Kind: kind, Stage: record.Stage, Actor: actor, Owner: actor, Reason: reason, Code: gates.AbortRequested,
	})
	if refused != nil {
		return &api.Refusal{Code: refused.Code, Message: refused.Message}
	}
	record.Phase, record.Code, record.Holds = string(machine.Phase), string(machine.Code), nil
	for _, hold := range machine.Holds {
		record.Holds = append(record.Holds, release.Hold(hold))
	}
	return nil
}

// vote counts a vote that is about the intent as it is.
func vote(record *release.Record, command records.Command, actor, reason string) error {
	var ballot release.Ballot
	if err := json.Unmarshal(command.Arguments, &ballot); err != nil {
		return err
	}
	if record.IntentDigest == nil || ballot.Intent != *record.IntentDigest {
		return &api.Refusal{Code: gates.InvalidTransition, Message: fmt.Sprintf("release %s has another intent than %s", record.ReleaseID, ballot.Intent)}
	}
	approve := command.Action == release.ActionApprove
	record.Votes = append(record.Votes, release.Vote{Actor: actor, Intent: ballot.Intent, Approve: approve, At: Epoch, ExpiresAt: Epoch.Add(time.Hour), Reason: reason})
	record.Phase, record.Waits, record.Codes = string(rollout.PhaseApproved), nil, nil
	if !approve {
		record.Phase, record.Code = string(rollout.PhaseAborted), string(gates.ApprovalRejected)
	}
	return nil
}

// Change changes a release, as its workflow would: the record gets a new version.
func (r *Releases) Change(organization, id string, change func(*release.Record)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	record, err := r.find(organization, id)
	if err != nil {
		return err
	}
	change(record)
	record.Version++
	settle(record)
	return nil
}

// Decide writes the entry of a decision about a release, and sums it up in its record.
func (r *Releases) Decide(ctx context.Context, organization, id string, decision gates.Decision, stage int, cohort string) error {
	codes := texts(decision.Codes)
	entry, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindDecision, Type: records.TypeGateFailed, Subject: records.ReleaseSubject(id),
		At: Epoch, Actor: records.SystemActor, Codes: codes, Correlation: records.Correlation{ReleaseID: id, Cohort: cohort},
	}, fmt.Sprintf("%s/%d/%s", decision.Gate, stage, decision.Verdict), decision)
	if err != nil {
		return err
	}
	if _, err := r.store.Append(ctx, entry); err != nil {
		return err
	}
	return r.Change(organization, id, func(record *release.Record) {
		record.Codes = codes
		record.Decisions = append(record.Decisions, release.DecisionSummary{
			EntryID: entry.ID, At: Epoch, Gate: string(decision.Gate), Stage: stage, Cohort: cohort, Verdict: string(decision.Verdict), Codes: codes,
		})
	})
}

// Release returns a release.
func (r *Releases) Release(_ context.Context, organization, id string) (release.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	record, err := r.find(organization, id)
	if err != nil {
		return release.Record{}, err
	}
	return *record, nil
}

// List pages by position.
func (r *Releases) List(_ context.Context, organization string, query api.ReleaseQuery) ([]release.Record, string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []release.Record
	for _, each := range slices.Backward(r.releases) {
		record := each.record
		if each.organization == organization && (query.Phase == "" || record.Phase == query.Phase) &&
			(query.Channel == records.ChannelName{} || record.Request.Channel == query.Channel) {
			found = append(found, record)
		}
	}
	from := 0
	if query.Cursor != "" {
		var err error
		if from, err = strconv.Atoi(query.Cursor); err != nil || from < 0 || from > len(found) {
			return nil, "", &store.InvalidCursor{Cursor: query.Cursor}
		}
	}
	page := found[from:]
	if len(page) > query.Limit {
		return page[:query.Limit], strconv.Itoa(from + query.Limit), nil
	}
	return page, "", nil
}

// Revoke keeps the cause, and says that it came to one pack on the channels of all
// releases that have it.
func (r *Releases) Revoke(
	_ context.Context, organization string, cause api.RevokeCause, quarantine bool, _ string, _ api.Identity, reason string,
) (api.RevokeResult, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cause.Release != "" {
		record, err := r.find(organization, cause.Release)
		if err != nil {
			return api.RevokeResult{}, err
		}
		cause.Pack = record.Intent.Pack
	}
	r.revoked = append(r.revoked, Revoked{Cause: cause, Quarantine: quarantine, Reason: reason})
	var result api.RevokeResult
	for _, each := range r.releases {
		if each.organization == organization && each.record.Intent.Pack == cause.Pack {
			result.Packs = []records.Digest{cause.Pack}
			result.Channels = append(result.Channels, each.record.Request.Channel)
		}
	}
	return result, nil
}

func (r *Releases) find(organization, id string) (*release.Record, error) {
	for i := range r.releases {
		if r.releases[i].organization == organization && r.releases[i].record.ReleaseID == id {
			return &r.releases[i].record, nil
		}
	}
	return nil, fmt.Errorf("release %s: %w", id, store.ErrNotFound)
}

func (r *Releases) append(ctx context.Context, organization, id, typ, discriminator, actor, reason string, body any) error {
	entry, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: typ, Subject: records.ReleaseSubject(id),
		At: Epoch, Actor: actor, Reason: reason, Correlation: records.Correlation{ReleaseID: id},
	}, discriminator, body)
	if err != nil {
		return err
	}
	_, err = r.store.Append(ctx, entry)
	return err
}

// settle fills in what follows from the rest.
func settle(record *release.Record) {
	machine := rollout.Release{Phase: rollout.Phase(record.Phase), Stage: record.Stage, Stages: len(record.Stages)}
	for _, hold := range record.Holds {
		machine.Holds = append(machine.Holds, rollout.Hold(hold))
	}
	record.Status = string(machine.Status())
}

func sameJSON(a, b any) (bool, error) {
	one, err := records.CanonicalDigest(a)
	if err != nil {
		return false, err
	}
	other, err := records.CanonicalDigest(b)
	return one == other, err
}
