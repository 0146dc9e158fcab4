package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records/release"
)

// CreateRelease creates a release and returns it. The same key with the same request
// is the same release; an empty key becomes a new one.
func (c *Client) CreateRelease(ctx context.Context, request CreateRelease, key string) (release.Record, error) {
	call, err := post(request, orNewKey(key), "v1", "releases")
	if err != nil {
		return release.Record{}, err
	}
	return c.release(ctx, call)
}

// CreateReleaseSet creates a release on each channel, which take every stage in
// lockstep: none enters one before all are ready to, and one that goes back or ends
// takes all with it. Keys are those of CreateRelease; the request names no channel.
func (c *Client) CreateReleaseSet(ctx context.Context, request CreateRelease, channels []string, key string) ([]release.Record, error) {
	request.Set, request.With = orNewKey(key), channels
	var created []release.Record
	for _, channel := range channels {
		request.Channel = channel
		record, err := c.CreateRelease(ctx, request, request.Set+"/"+channel)
		if err != nil {
			return created, err
		}
		created = append(created, record)
	}
	return created, nil
}

// Release returns a release as it is now.
func (c *Client) Release(ctx context.Context, id string) (release.Record, error) {
	return c.release(ctx, get("v1", "releases", id))
}

// Releases returns a page of releases, newest first.
func (c *Client) Releases(ctx context.Context, query ReleaseListQuery) (ReleaseList, error) {
	call := get("v1", "releases")
	call.query = url.Values{}
	for name, value := range map[string]string{"channel": query.Channel, "phase": query.Phase, "cursor": query.Cursor} {
		if value != "" {
			call.query.Set(name, value)
		}
	}
	if query.Limit > 0 {
		call.query.Set("limit", strconv.Itoa(query.Limit))
	}
	var list ReleaseList
	return list, c.json(ctx, call, &list)
}

// ActOnRelease asks for an action on a release. The same key is the same action; an
// empty key becomes a new one.
func (c *Client) ActOnRelease(ctx context.Context, id string, body ReleaseAction, key string) (release.Record, error) {
	action, _, _ := body.ForRelease()
	call, err := post(body, orNewKey(key), "v1", "releases", id, "actions", action)
	if err != nil {
		return release.Record{}, err
	}
	return c.release(ctx, call)
}

// rollbackPin is how long rollbacks go to a release that a rollback named.
const rollbackPin = time.Hour

// Rollback takes back what a release brought. Keys are those of ActOnRelease.
func (c *Client) Rollback(ctx context.Context, id string, request RollbackRelease, key string) (release.Record, error) {
	if request.To != "" && request.Until == nil {
		// Said here, so that a repeated call says the same.
		until := time.Now().Add(rollbackPin).UTC().Truncate(time.Second)
		request.Until = &until
	}
	call, err := post(request, orNewKey(key), "v1", "releases", id, "rollback")
	if err != nil {
		return release.Record{}, err
	}
	return c.release(ctx, call)
}

// Revoke takes packs back everywhere. Keys are those of ActOnRelease.
func (c *Client) Revoke(ctx context.Context, request Revoke, key string) (Revocation, error) {
	var revoked Revocation
	call, err := post(request, orNewKey(key), "v1", "revocations")
	if err != nil {
		return revoked, err
	}
	return revoked, c.json(ctx, call, &revoked)
}

// ReleaseRecord returns the Release Record as JSON, in one of the forms of Record.
func (c *Client) ReleaseRecord(ctx context.Context, id, format string) (json.RawMessage, error) {
	call := get("v1", "releases", id, "record")
	call.query = url.Values{"format": {format}}
	return c.raw(ctx, call)
}

// ReleaseWhy returns every condition that keeps a release from going on.
func (c *Client) ReleaseWhy(ctx context.Context, id string) (ReleaseWhy, error) {
	var why ReleaseWhy
	return why, c.json(ctx, get("v1", "releases", id, "why"), &why)
}

// ReleaseEntries returns entries of a release, those after a sequence number.
func (c *Client) ReleaseEntries(ctx context.Context, id string, after int64, limit int) (EntryList, error) {
	return c.entries(ctx, "releases", id, after, limit)
}

// WatchRelease yields a release now and after each change, until it has closed well or
// ended otherwise, as Watch does with builds.
func (c *Client) WatchRelease(ctx context.Context, id string) iter.Seq2[release.Record, error] {
	return watch(ctx,
		func(ctx context.Context) (release.Record, error) { return c.Release(ctx, id) },
		func(ctx context.Context, after release.Record) (release.Record, error) {
			call := get("v1", "releases", id)
			call.query = changeAfter(after.Version, watchWait)
			return c.release(ctx, call)
		},
		func(record release.Record) (int64, bool) { return record.Version, ReleaseSettled(record) })
}

// ReleaseSettled reports whether a release has closed well or ended otherwise. One that
// closed well can still be taken back.
func ReleaseSettled(record release.Record) bool {
	phase := rollout.Phase(record.Phase)
	return phase == rollout.PhaseClosedGood || rollout.Release{Phase: phase}.Ended()
}

func (c *Client) release(ctx context.Context, call call) (release.Record, error) {
	var record release.Record
	return record, c.json(ctx, call, &record)
}
