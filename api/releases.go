package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// ReleasePath names the release that a call is about, as BuildPath does a build.
type ReleasePath struct {
	ID string `path:"id" format:"uuid" doc:"The id of the release"`
}

// releaseAnswer is a release as it is.
type releaseAnswer struct {
	Location string `header:"Location"`
	Body     release.Record
}

func (s *server) registerReleases(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "create-release", Method: http.MethodPost, Path: "/v1/releases", Tags: []string{"releases"},
		Summary:       "Create a release: have what a build made go out on a channel",
		Description:   "The same idempotency key with the same request is the same release; with another request it is refused.",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: s.limits.RequestBytes,
	}, s.createRelease)
	guarded(s, api, huma.Operation{
		OperationID: "list-releases", Method: http.MethodGet, Path: "/v1/releases", Tags: []string{"releases"},
		Summary: "List releases, newest first",
	}, s.listReleases)
	guarded(s, api, huma.Operation{
		OperationID: "get-release", Method: http.MethodGet, Path: "/v1/releases/{id}", Tags: []string{"releases"},
		Summary:     "Get a release, now or once it has changed",
		Description: "With wait, the answer comes when the release's version is above after_version, or when the time is over.",
	}, s.getRelease)
	guarded(s, api, huma.Operation{
		OperationID: "get-release-record", Method: http.MethodGet, Path: "/v1/releases/{id}/record", Tags: []string{"records"},
		Summary:     "Get the Release Record as it is now",
		Description: "orgo is everything that Orgo knows; koa is the interop form.",
	}, s.getReleaseRecord)
	guarded(s, api, huma.Operation{
		OperationID: "list-release-entries", Method: http.MethodGet, Path: "/v1/releases/{id}/entries", Tags: []string{"records"},
		Summary: "List what happened to a release, in order",
	}, s.listReleaseEntries)
	guarded(s, api, huma.Operation{
		OperationID: "why-release", Method: http.MethodGet, Path: "/v1/releases/{id}/why", Tags: []string{"records"},
		Summary: "List every condition that keeps a release from going on, with what would help",
	}, s.whyRelease)
}

type createReleaseInput struct {
	Keyed
	Body client.CreateRelease
}

func (s *server) createRelease(ctx context.Context, caller Identity, in *createReleaseInput) (*releaseAnswer, error) {
	channel, err := records.ParseChannelName(in.Body.Channel)
	if err != nil {
		return nil, invalid("body.channel", "%v", err)
	}
	request := release.Request{
		ReleaseID: records.ReleaseID(caller.Organization, in.IdempotencyKey), IdempotencyKey: in.IdempotencyKey,
		BuildID: in.Body.BuildID, Channel: channel, Version: in.Body.Version,
		Strategy: release.Strategy{Mode: release.AllAtOnce}, Supersede: in.Body.Supersede, Set: in.Body.Set,
	}
	if in.Body.Strategy != nil {
		request.Strategy = *in.Body.Strategy
	}
	if err := joinSet(&request, in.Body.With); err != nil {
		return nil, err
	}
	if !absent(in.Body.Policy) {
		ref, err := s.storePolicy(ctx, caller, in.Body.Policy)
		if err != nil {
			return nil, err
		}
		request.Policy = &ref
	}
	record, err := s.releases.Create(ctx, caller.Organization, request, caller, in.Body.Reason)
	return &releaseAnswer{Location: "/v1/releases/" + record.ReleaseID, Body: record}, err
}

// joinSet makes a request that of one release of a set.
func joinSet(request *release.Request, with []string) error {
	for i, text := range with {
		channel, err := records.ParseChannelName(text)
		if err != nil {
			return invalid(fmt.Sprintf("body.with[%d]", i), "%v", err)
		}
		request.With = append(request.With, channel)
	}
	slices.SortFunc(request.With, func(a, b records.ChannelName) int { return strings.Compare(a.String(), b.String()) })
	distinct := len(slices.Compact(slices.Clone(request.With))) == len(request.With)
	switch {
	case request.Set == "" && len(with) == 0:
		return nil
	case request.Set == "" || len(with) < 2 || !distinct || !slices.Contains(request.With, request.Channel):
		return invalid("body.with", "a set has a key and at least two channels, each once, that of this release among them")
	case request.IdempotencyKey != release.MemberKey(request.Set, request.Channel):
		return invalid("header.Idempotency-Key", "must be %q in this set", release.MemberKey(request.Set, request.Channel))
	}
	return nil
}

// listReleasesInput selects releases.
type listReleasesInput struct {
	Channel string `query:"channel" maxLength:"129" doc:"environment/channel"`
	Phase   string `query:"phase" enum:"DRAFT,CHECKING,INELIGIBLE,AWAITING_APPROVAL,APPROVED,DISTRIBUTING,VERIFYING,ACTIVATING,OBSERVING,SOAKING,CLOSED_GOOD,ROLLING_BACK,ROLLED_BACK,SAFE_MODE,ABORTED,SUPERSEDED,FAILED"`
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor  string `query:"cursor" maxLength:"500" doc:"next of the page before"`
}

func (s *server) listReleases(ctx context.Context, caller Identity, in *listReleasesInput) (*struct{ Body client.ReleaseList }, error) {
	query := ReleaseQuery{Phase: in.Phase, Cursor: in.Cursor, Limit: in.Limit}
	if in.Channel != "" {
		var err error
		if query.Channel, err = records.ParseChannelName(in.Channel); err != nil {
			return nil, invalid("query.channel", "%v", err)
		}
	}
	found, next, err := s.releases.List(ctx, caller.Organization, query)
	if err != nil {
		return nil, err
	}
	if found == nil {
		found = []release.Record{}
	}
	return &struct{ Body client.ReleaseList }{client.ReleaseList{Releases: found, Next: next}}, nil
}

// getReleaseInput asks for a release, perhaps for a change of it.
type getReleaseInput struct {
	ReleasePath
	Waiting
}

func (s *server) getRelease(ctx context.Context, caller Identity, in *getReleaseInput) (*releaseAnswer, error) {
	read := func(ctx context.Context) (release.Record, error) {
		return s.releases.Release(ctx, caller.Organization, in.ID)
	}
	record, err := await(ctx, s.limits.Wait, in.Waiting, read, func(r release.Record) (int64, bool) {
		return r.Version, rollout.Release{Phase: rollout.Phase(r.Phase)}.Ended()
	})
	return &releaseAnswer{Body: record}, err
}

// releaseRecordInput asks for a record in one of its forms.
type releaseRecordInput struct {
	ReleasePath
	RecordForm
}

func (s *server) getReleaseRecord(ctx context.Context, caller Identity, in *releaseRecordInput) (*rawAnswer, error) {
	record, err := s.releases.Release(ctx, caller.Organization, in.ID)
	if err != nil {
		return nil, err
	}
	var form any = record
	if in.Format == client.FormatKOA {
		form = record.KOA()
	}
	body, err := records.Canonical(form)
	return &rawAnswer{ContentType: records.MediaJSON, Body: body}, err
}

// releaseEntriesInput asks for a page of entries.
type releaseEntriesInput struct {
	ReleasePath
	EntryPage
}

func (s *server) listReleaseEntries(ctx context.Context, caller Identity, in *releaseEntriesInput) (*struct{ Body client.EntryList }, error) {
	// As with builds: the caller should know that the release is not there.
	if _, err := s.releases.Release(ctx, caller.Organization, in.ID); err != nil {
		return nil, err
	}
	return s.entries(ctx, caller, records.ReleaseSubject(in.ID), in.EntryPage)
}

func (s *server) whyRelease(ctx context.Context, caller Identity, in *ReleasePath) (*struct{ Body client.ReleaseWhy }, error) {
	record, err := s.releases.Release(ctx, caller.Organization, in.ID)
	if err != nil {
		return nil, err
	}
	decisions, err := s.decisionsOf(ctx, caller.Organization, record)
	if err != nil {
		return nil, err
	}
	why, err := explainRelease(record, decisions)
	return &struct{ Body client.ReleaseWhy }{why}, err
}
