package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

func (s *server) registerRevocations(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "revoke-packs", Method: http.MethodPost, Path: "/v1/revocations", Tags: []string{"releases"},
		Summary: "Take packs back everywhere, for good or until each channel is cleared of them", MaxBodyBytes: actionBytes,
	}, s.revoke)
}

type revokeInput struct {
	MayBeKeyed
	Body client.Revoke
}

func (s *server) revoke(ctx context.Context, caller Identity, in *revokeInput) (*struct{ Body client.Revocation }, error) {
	cause, err := causeOf(in.Body)
	if err != nil {
		return nil, err
	}
	result, err := s.releases.Revoke(ctx, caller.Organization, cause, in.Body.Quarantine, in.key(), caller, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return &struct{ Body client.Revocation }{client.Revocation{
		Packs: append([]records.Digest{}, result.Packs...), Channels: channelTexts(result.Channels), Known: channelTexts(result.Known),
	}}, nil
}

func channelTexts(names []records.ChannelName) []string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = name.String()
	}
	return texts
}

// causeOf reads the one cause that a body names.
func causeOf(body client.Revoke) (RevokeCause, error) {
	cause := RevokeCause{Release: body.Release, RunnerVersion: body.RunnerVersion, Key: body.Key}
	causes := 0
	for _, text := range []string{body.Release, body.RunnerVersion, body.Key} {
		if text != "" {
			causes++
		}
	}
	for _, named := range []struct {
		at     string
		digest *records.Digest
		into   *records.Digest
	}{{"body.pack", body.Pack, &cause.Pack}, {"body.snapshot", body.Snapshot, &cause.Snapshot}} {
		if named.digest == nil {
			continue
		}
		if !named.digest.Valid() {
			return cause, invalid(named.at, "is not a sha256 digest")
		}
		*named.into = *named.digest
		causes++
	}
	if causes != 1 {
		return cause, invalid("body", "names exactly one of pack, release, snapshot, runner_version and key")
	}
	return cause, nil
}
